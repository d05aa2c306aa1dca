"""An answer takes another way where one is closed, and a modal that cannot be shown is answered in words."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from bot.demo.fake_slack import Message, faults
from bot.demo.fake_slack.models import User
from tests.shared_world import SharedWorld, shared_world
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANA, BEN = "U0ANA", "U0BEN"
REFUSED = {
    "used": faults.refuse("used_url"),
    "expired": faults.refuse("expired_url"),
    "a page for people": faults.html(200),
    "unavailable": faults.html(503),
    "too many": faults.rate_limited(30),
    "broken": faults.server_error(),
    "no JSON": faults.garbled(),
    "cut": faults.cut_before(),
    "a response that never ends": faults.endless(b"x" * 100_000),
}
refused = pytest.mark.parametrize("fault", REFUSED.values(), ids=REFUSED)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SharedWorld]:
    """More cards than there are tests, of which a list has several pages."""
    async with shared_world(tmp_path_factory.mktemp("answers"), cards=60) as found:
        yield found


@pytest.fixture
def here(shared: SharedWorld) -> Iterator[World]:
    yield shared.here
    shared.tidy()


@pytest.fixture
def card(shared: SharedWorld, here: World) -> Message:
    return shared.card()


def _break(here: World, method: str, fault: faults.Fault) -> None:
    here.workspace.faults.add(method, fault, times=3)  # the HTTP client repeats what was cut


@refused
async def test_a_list_that_the_response_url_does_not_take_comes_all_the_same(
    here: World, card: Message, fault: faults.Fault
) -> None:
    await here.workspace.command(ANA, "/evaluators today")
    await here.notified(ANA, "Page 1 of 4")
    [page] = here.workspace.ephemerals(ANA)
    _break(here, "response_url", fault)
    await here.workspace.press(ANA, page, "today.page.1")
    await here.notified(ANA, "Page 2 of 4")
    await here.workspace.command(BEN, "/evaluators health")
    here.workspace.faults.clear()
    _break(here, "response_url", fault)
    await here.notified(BEN, "report")


@pytest.mark.parametrize("code", ["channel_not_found", "not_in_channel", "internal_error"])
async def test_where_nothing_can_be_said_in_the_channel_it_is_said_in_a_direct_message(
    here: World, card: Message, code: str
) -> None:
    _break(here, "response_url", faults.refuse("used_url"))
    here.workspace.faults.add("chat.postEphemeral", faults.refuse(code))
    await here.workspace.command(ANA, "/evaluators help")
    await here.until(lambda: any("understands" in message.shown for message in here.workspace.direct(ANA)))


async def test_what_reaches_nobody_is_logged_without_a_word_of_it(here: World, card: Message) -> None:
    for method in ("response_url", "chat.postEphemeral", "chat.postMessage"):
        here.workspace.faults.add(method, faults.refuse("internal_error"), times=3)
    with capture_logs() as logged:
        await here.workspace.command(ANA, "/evaluators dnc ana@northwind.test")
        await here.until(lambda: [each for each in logged if each["event"] == "answer_lost"])
    assert "northwind" not in str(logged)
    assert [message for message in here.workspace.direct(ANA) if "northwind" in message.shown] == []


async def test_a_modal_that_was_closed_before_it_was_filled_is_left_alone(here: World, card: Message) -> None:
    go_on = asyncio.Event()
    here.workspace.faults.add("users.info", faults.slow(go_on.wait))
    await here.workspace.press(ANA, card, "evaluation.email")
    [view] = await here.until(lambda: here.workspace.views.get(ANA)) or []
    await here.workspace.close_view(ANA, view.id)
    with capture_logs() as logged:
        go_on.set()
        await here.until(lambda: here.workspace.calls("views.update"))
        await here.workspace.command(ANA, "/evaluators help")
        await here.notified(ANA, "understands")
    assert len(here.workspace.ephemerals(ANA)) == 1
    assert [each for each in logged if each["log_level"] in {"warning", "error"}] == []


@pytest.mark.parametrize(
    "code", ["expired_trigger_id", "exchanged_trigger_id", "trigger_exchanged", "invalid_trigger_id"]
)
async def test_a_trigger_that_opens_nothing_is_answered_with_press_again(here: World, card: Message, code: str) -> None:
    here.workspace.faults.add("views.open", faults.refuse(code))
    await here.workspace.press(ANA, card, "evaluation.do_not_contact")
    await here.notified(ANA, "Please press again.")


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("views.open", faults.rate_limited(0)),
        ("views.update", faults.rate_limited(0)),
        ("views.update", faults.refuse("hash_conflict")),
        ("views.update", faults.server_error()),
        ("views.update", faults.cut_after()),
    ],
    ids=["429 at the opening", "429", "changed meanwhile", "broken", "cut"],
)
async def test_what_slack_refuses_for_a_moment_is_tried_once_more(
    here: World, card: Message, method: str, fault: faults.Fault
) -> None:
    here.workspace.faults.add(method, fault)
    await here.workspace.press(ANA, card, "evaluation.email")
    await here.modal(ANA, "mail.body")
    assert here.workspace.ephemerals(ANA) == []


@pytest.mark.parametrize(
    ("method", "fault", "calls"),
    [
        ("views.open", faults.rate_limited(30), 1),
        ("views.update", faults.rate_limited(30), 1),
        ("views.update", faults.rate_limited(0), 2),
        ("views.update", faults.refuse("hash_conflict"), 2),
        ("views.update", faults.server_error(), 2),
    ],
    ids=["a long pause at the opening", "a long pause", "429 twice", "changed twice", "broken twice"],
)
async def test_what_slack_refuses_for_longer_is_said_with_what_to_do(
    here: World, card: Message, method: str, fault: faults.Fault, calls: int
) -> None:
    here.workspace.faults.add(method, fault, times=9)
    await here.workspace.press(ANA, card, "evaluation.email")
    await here.until(lambda: here.workspace.ephemerals(ANA))
    [said] = here.workspace.ephemerals(ANA)
    assert "Nothing was done. Please " in said.shown
    assert len(here.workspace.calls(method)) == calls


OUTSIDERS = {
    "a bot": (User(id="U0EVE", name="eve", real_name="Eve", is_bot=True), "This is a bot"),
    "Slack's own bot": (User(id="USLACKBOT", name="slackbot", real_name="Slackbot"), "This is a bot"),
    "somebody who left": (User(id="U0EVE", name="eve", real_name="Eve", deleted=True), "deactivated"),
    "a guest": (User(id="U0EVE", name="eve", real_name="Eve", is_guest=True), "guest"),
    "a stranger": (User(id="U0EVE", name="eve", real_name="Eve", is_stranger=True), "another company"),
    "somebody of another workspace": (User(id="U0EVE", name="eve", real_name="Eve", team="T0ELSE"), "another company"),
}


@pytest.mark.parametrize(("chosen", "words"), OUTSIDERS.values(), ids=OUTSIDERS)
async def test_who_is_no_full_member_cannot_be_given_an_evaluation(
    here: World, card: Message, chosen: User, words: str
) -> None:
    here.workspace.add_user(chosen)
    errors = await _assign(here, card, chosen.id)
    assert words in errors["owner"]
    assert "No owner yet" in card.shown
    [form] = here.workspace.views[ANA]  # it stays open, and another choice counts
    await here.workspace.submit(ANA, form.id, {"owner": {"owner": BEN}})
    await here.shows(f"Owner: <@{BEN}>", on=card)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.refuse("user_not_found"), "does not know"),
        (faults.refuse("user_not_visible"), "does not know"),
        (faults.server_error(), "in a minute"),
        (faults.rate_limited(30), "in a minute"),
        (faults.refuse("missing_scope"), "in a minute"),
    ],
    ids=["unknown", "not visible", "broken", "429", "no scope"],
)
async def test_nobody_gets_one_while_slack_cannot_say_who_they_are(
    here: World, card: Message, fault: faults.Fault, words: str
) -> None:
    form = await _form(here, card)
    here.workspace.faults.add("users.info", fault)
    answer = await here.workspace.submit(ANA, form, {"owner": {"owner": BEN}})
    assert words in answer["errors"]["owner"]


async def test_while_slack_hangs_the_form_is_acknowledged_in_time(here: World, card: Message) -> None:
    form = await _form(here, card)
    here.workspace.faults.add("users.info", faults.hang_after())
    answer = await here.workspace.submit(ANA, form, {"owner": {"owner": BEN}})
    assert "in a minute" in answer["errors"]["owner"]


async def _form(here: World, card: Message) -> str:
    about = (card.metadata or {})["event_payload"]["evaluation"]
    await here.workspace.press(ANA, card, "evaluation.more", f"evaluation.assign:{about}")
    return (await here.modal(ANA, "owner")).id


async def _assign(here: World, card: Message, owner: str) -> dict[str, str]:
    answer = await here.workspace.submit(ANA, await _form(here, card), {"owner": {"owner": owner}})
    errors: dict[str, str] = answer["errors"]
    return errors
