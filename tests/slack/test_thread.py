"""The lines in a card's thread, and the buttons of one that asks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.history import Entry, Kind
from bot.slack.ids import Settle
from bot.slack.views.history import entry_message, note
from tests.builders import entry
from tests.slack.checks import NAMES, check
from tests.slack.views.test_history import TOLD

LOST = entry(Kind.MAIL_UNKNOWN, actor="U0BO", template="welcome", error="", mail="7")


def buttons(happened: Entry) -> dict[str, dict[str, Any]]:
    """The buttons of a line, by action id."""
    blocks = entry_message(happened).blocks
    return {each["action_id"]: each for block in blocks for each in block.get("elements", ())}


@pytest.mark.parametrize("happened", [happened for happened, _ in TOLD.values()], ids=TOLD)
def test_a_line_says_what_happened_and_asks_nothing(happened: Entry) -> None:
    message = entry_message(happened)
    check(message)
    assert message.text == note(happened)
    assert buttons(happened) == {}


def test_of_a_mail_that_nobody_knows_about_a_person_is_asked() -> None:
    check(entry_message(LOST))
    assert {action: button["value"] for action, button in buttons(LOST).items()} == dict.fromkeys(
        (Settle.ARRIVED, Settle.AGAIN), "7"
    )


def test_before_a_mail_is_sent_again_it_is_said_what_that_may_mean() -> None:
    assert "twice" in buttons(LOST)[Settle.AGAIN]["confirm"]["text"]["text"]


@given(kind=st.sampled_from([Kind.MAIL_UNKNOWN, Kind.MAIL_FAILED, Kind.MAIL_AGAIN]), template=NAMES, error=NAMES)
def test_slack_takes_a_line_whatever_the_mail_server_said(kind: Kind, template: str, error: str) -> None:
    check(entry_message(entry(kind, actor="U0BO", template=template, error=error, mail="7")))
