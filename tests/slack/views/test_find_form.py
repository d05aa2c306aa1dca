"""The form of *Find an evaluator*."""

from hypothesis import given

from bot.domain.listing import FindQuery, Found
from bot.slack.blocks import section
from bot.slack.views.find_form import NOT_SAID, WHO_TITLE, find_form, searching
from bot.slack.views.lists import found_blocks
from tests.builders import TODAY
from tests.slack.checks import NAMES, WORKSPACE, check_modal
from tests.slack.views.test_lists import named


@given(words=NAMES)
def test_slack_takes_the_form_whatever_was_looked_for_and_found(words: str) -> None:
    rows = tuple(named(words, app=words, gone=True) for _ in range(10))
    query = FindQuery(words=(words[:200],))
    found = found_blocks(Found(rows=rows, total=99), query, today=TODAY, workspace_url=WORKSPACE, can_post=False)
    modal = find_form(words, found)
    check_modal(modal)
    assert "Post again" not in str(modal)


def test_the_form_is_whole_while_there_is_nothing_in_it() -> None:
    for modal in (find_form(), find_form("", [section(NOT_SAID)], title=WHO_TITLE), searching(WHO_TITLE)):
        check_modal(modal)
