"""A reminder in Slack."""

import pytest

from bot.domain.reminders import ReminderStep
from bot.slack.blocks import Message
from bot.slack.views.reminder import reminder_message, settled_message
from tests.builders import OPEN, TODAY, card, evaluation
from tests.slack.checks import WORKSPACE, check, mrkdwn_of

LINK = f"{WORKSPACE}archives/C1/p1"


def reminder(step: ReminderStep, owner: str | None = "U0ANA") -> Message:
    shown = card(evaluation=evaluation(owner=owner))
    message = reminder_message(shown, step, today=TODAY, rules=OPEN, link=LINK)
    check(message)
    return message


def buttons(message: Message) -> list[str]:
    return [each["text"]["text"] for block in message.blocks for each in block.get("elements", ()) if "value" in each]


@pytest.mark.parametrize(
    ("step", "offered"),
    [
        (ReminderStep.UNCLAIMED, ["Email…", "Claim", "Snooze…"]),
        (ReminderStep.UNTOUCHED, ["Email…", "Snooze…"]),
        (ReminderStep.ESCALATED, ["Email…", "Snooze…"]),
        (ReminderStep.ENDING, ["Email…", "Snooze…"]),
    ],
)
def test_a_reminder_says_why_it_came_and_offers_what_to_do(step: ReminderStep, offered: list[str]) -> None:
    message = reminder(step, None if step is ReminderStep.UNCLAIMED else "U0ANA")
    assert buttons(message) == offered
    assert f"`reminders.{step}`" in mrkdwn_of(message.blocks)[-1]
    assert LINK in mrkdwn_of(message.blocks)[0]
    assert "*" not in message.text


def test_only_what_the_others_hear_mentions_the_owner() -> None:
    mentioning = {step for step in ReminderStep if "<@U0ANA>" in mrkdwn_of(reminder(step).blocks)[0]}
    assert mentioning == {ReminderStep.ESCALATED}


def test_a_settled_reminder_has_no_buttons() -> None:
    settled = settled_message(reminder(ReminderStep.UNTOUCHED))
    check(settled)
    assert buttons(settled) == []
    assert mrkdwn_of(settled.blocks)[-1] == ":white_check_mark: Settled."
