"""The page behind the feedback link: one question, and nothing happens before somebody answers it."""

import pytest

from bot.domain.feedback import MOST_OF_A_LINK, FeedbackSource
from bot.security.keyring import Keyring
from bot.services.mail.links import Links
from bot.store.feedback_tables import feedback
from tests.store.steps import rows
from tests.web.conftest import SECRET
from tests.web.feedback.conftest import FeedbackSite

ADDRESS = "ana@acme.example"
DAY = 86_400.0


def _path(here: FeedbackSite, links: Links | None = None) -> str:
    return "/f/" + (links or here.links).url(ADDRESS, here.mail_id).rpartition("/")[2]


async def _get(here: FeedbackSite, path: str, **headers: str) -> tuple[int, str]:
    async with here.session.get(here.url(path), headers=headers) as answer:
        return answer.status, await answer.text()


async def _post(here: FeedbackSite, path: str, **fields: str) -> tuple[int, str]:
    async with here.session.post(here.url(path), data=fields) as answer:
        return answer.status, await answer.text()


async def test_opening_the_link_shows_one_question_and_changes_nothing(here: FeedbackSite) -> None:
    before = await rows(here.store, feedback)
    status, text = await _get(here, _path(here))
    assert status == 200
    assert "How is your trial of Roadmap for Jira going?" in text
    assert text.count("<textarea") == 1
    assert "a•••@acme.example" in text
    assert ADDRESS not in text
    assert "<script" not in text
    assert 'type="text" name="website" tabindex="-1"' in text
    assert await rows(here.store, feedback) == before == []


@pytest.mark.parametrize(
    ("language", "words"), [("de-AT", "Wie läuft"), ("es", "¿Qué tal"), ("fr", "Comment"), ("ja", "How is")]
)
async def test_the_page_speaks_the_readers_language(here: FeedbackSite, language: str, words: str) -> None:
    assert words in (await _get(here, _path(here), **{"Accept-Language": language}))[1]


async def test_an_answer_is_on_record_with_the_address_only_if_they_say_so(here: FeedbackSite) -> None:
    assert "Thank you!" in (await _post(here, _path(here), text="All good"))[1]
    assert "Thank you!" in (await _post(here, _path(here), text="Please call me", contact_ok="1"))[1]
    first, second = [await here.store.feedback.find(row.id) for row in await rows(here.store, feedback)]
    assert first is not None
    assert second is not None
    assert first.content is not None
    assert second.content is not None
    assert (first.source, first.content.text, first.content.reply_to) == (FeedbackSource.LINK, "All good", "")
    assert (second.content.reply_to, second.evaluation_id) == (ADDRESS, 1)


async def test_a_robot_is_thanked_and_ignored_and_an_empty_answer_comes_back(here: FeedbackSite) -> None:
    status, text = await _post(here, _path(here), text="Buy this", website="https://spam.example")
    assert (status, "Thank you!" in text) == (200, True)
    status, text = await _post(here, _path(here), text="  ")
    assert (status, "Please write something first." in text) == (400, True)
    assert await rows(here.store, feedback) == []


async def test_a_link_takes_a_few_answers_a_day(here: FeedbackSite) -> None:
    for number in range(MOST_OF_A_LINK):
        assert (await _post(here, _path(here), text=f"Answer {number}"))[0] == 200
    assert (await _post(here, _path(here), text="One more"))[0] == 429


async def test_wrong_swapped_and_old_links_get_one_page_byte_for_byte(here: FeedbackSite) -> None:
    strange = Links(Keyring(["another key, which is long enough too"]), public_url="https://x.example")
    unsubscribing = Links(Keyring([SECRET]), public_url="https://x.example")
    good = _path(here)
    wrong = ["/f/", "/f/nonsense", good[:-1], _path(here, strange), _path(here, unsubscribing)]
    answers = {await _get(here, path) for path in wrong} | {await _post(here, path, text="Hello") for path in wrong}
    here.clock.now += 400 * DAY
    answers |= {await _get(here, good), await _post(here, good, text="Hello")}
    [(status, text)] = answers
    assert (status, "This link doesn’t work." in text) == (404, True)
    assert await rows(here.store, feedback) == []
