"""A reminder in Slack."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.card import Card
from bot.domain.evaluation import CardRef
from bot.domain.reminders import ReminderStep
from bot.slack.blocks import Message
from bot.slack.views.reminder import ListedCard, reminder_list, reminder_message, settled_message
from tests.builders import OPEN, TODAY, card, evaluation, license_
from tests.slack.checks import NAMES, WORKSPACE, check, mrkdwn_of

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


def listed(*rows: ListedCard) -> Message:
    message = reminder_list(rows, rules=OPEN, today=TODAY, workspace_url=WORKSPACE)
    check(message)
    return message


def of(number: int, company: str, app: str = "Gantt") -> Card:
    about = {"license": license_(company=company, app_name=app), "card": CardRef(channel="C1", ts="1.0")}
    return card(evaluation=evaluation(id=number, owner="U0ANA", **about))


def test_a_list_links_each_evaluation_and_has_a_menu_for_each_that_waits() -> None:
    message = listed(
        ListedCard(of(1, "Acme"), ReminderStep.UNTOUCHED),
        ListedCard(of(2, "Beta"), ReminderStep.ESCALATED),
        ListedCard(of(3, "Gamma"), ReminderStep.ENDING, is_settled=True),
    )
    link = f"<{WORKSPACE}archives/C1/p10|"
    assert mrkdwn_of(message.blocks)[:-1] == [
        "*:alarm_clock: 2 more evaluations for you today*",
        f"• {link}Acme · Gantt>: nobody has contacted them yet, 27 days left",
        f"• {link}Beta · Gantt>: still not contacted by <@U0ANA>, 27 days left",
        f":white_check_mark: {link}Gamma · Gantt>: settled",
    ]
    menus = [[each["text"]["text"] for each in b["accessory"]["options"]] for b in message.blocks if "accessory" in b]
    assert menus == [["Email…", "Snooze…"]] * 2
    assert message.text == ":alarm_clock: 2 more evaluations for you today: Acme, Beta"


@given(names=st.lists(NAMES, min_size=2, max_size=2), number=st.sampled_from([1, 20, 99]))
def test_slack_takes_a_list_of_any_names(names: list[str], number: int) -> None:
    rows = [ListedCard(of(n, *names), ReminderStep.ENDING, is_settled=n % 2 == 0) for n in range(number)]
    assert len(listed(*rows).blocks) <= 22
