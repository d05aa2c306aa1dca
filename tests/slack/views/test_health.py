"""What `/evaluators health` says, in every condition."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.cli.output import format_health
from bot.domain.card import delay
from bot.domain.health import HealthReport, QuarantinedRow, SocketStatus, delays
from bot.domain.webhook_events import WebhookStatus
from bot.slack.views.card import card_message
from bot.slack.views.health import health_message
from tests.builders import NOON, card, evaluation, trial
from tests.slack.checks import check

HOUR = timedelta(hours=1)


def condition(**overrides: Any) -> HealthReport:  # noqa: ANN401  of its field's type
    """All is well at noon."""
    given: dict[str, Any] = {
        "now": NOON,
        "outcome": "good",
        "error": None,
        "read_at": NOON - timedelta(minutes=4),
        "rows": 1234,
        "swept_at": NOON - 9 * HOUR,
        "next_poll": NOON + timedelta(minutes=6),
        "delays": delays([3 * HOUR, 9 * HOUR, 30 * HOUR]),
        "quarantined": 0,
        "examples": (),
        "waiting": 0,
    }
    return HealthReport(**{**given, **overrides})


def set_aside(number: int) -> QuarantinedRow:
    return QuarantinedRow(ref=f"E-{number}", reason="licenseType is missing", last_seen=NOON)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        pytest.param({}, ["All is well", "4 minutes ago (1,234 rows)", "Full report read 9 hours ago"], id="well"),
        pytest.param({}, ["3 new trials this week; half were seen within 9 h, the slowest after 30 h"], id="delays"),
        pytest.param({"delays": delays([HOUR])}, ["1 new trial this week, seen within 1 h"], id="one trial"),
        pytest.param({"delays": None}, ["No new trials this week"], id="no trial"),
        pytest.param({"outcome": None}, ["hasn't been read yet"], id="never polled"),
        pytest.param(
            {"outcome": "failed", "error": "The token <was> refused.", "read_at": None},
            ["Something needs attention", "never read to its end", "The token &lt;was&gt; refused."],
            id="failed",
        ),
        pytest.param({"next_poll": NOON - HOUR}, ["Next poll: any moment now"], id="late poll"),
        pytest.param(
            {"quarantined": 7, "examples": tuple(map(set_aside, range(5)))},
            ["Something needs attention", "I can't read 7 rows of the report", "`E-4`: licenseType is", "and 2 more"],
            id="rows set aside",
        ),
        pytest.param(
            {"clock_moved": -3 * HOUR}, ["Something needs attention", "moved back by 3 h", "(NTP)"], id="clock back"
        ),
        pytest.param({"clock_moved": 9 * HOUR}, ["moved forward by 9 h"], id="clock ahead"),
        pytest.param(
            {"locked": HOUR / 2}, ["Something needs attention", "has locked the database for 30 min"], id="lock"
        ),
        pytest.param(
            {"unwiped": True}, ["Something needs attention", "Erased data is still in the log"], id="not wiped"
        ),
        pytest.param({"waiting": 1}, ["1 message waiting for Slack"], id="one waits"),
        pytest.param({"bounces_unclear": 1}, ["Something came back for 1 email of the last 30 days"], id="unclear"),
        pytest.param({"bounces_unclear": 1200}, ["for 1,200 emails of the last 30 days that I can't read"], id="many"),
        pytest.param({"waiting": 12}, ["12 messages waiting for Slack"], id="some wait"),
        pytest.param(
            {"line": SocketStatus(heard=timedelta(seconds=3))},
            ["Connected to Slack, last heard from it just now"],
            id="heard",
        ),
        pytest.param(
            {"line": SocketStatus(heard=None, down=HOUR, problem="Slack <refused>.")},
            ["Something needs attention", "No button presses have arrived from Slack for 1 h. Slack &lt;refused&gt;."],
            id="down",
        ),
    ],
)
def test_it_says_what_somebody_has_to_know(overrides: dict[str, Any], says: list[str]) -> None:
    message = health_message(condition(**overrides))
    for words in says:
        assert words in str(message.blocks)


def test_the_longest_of_answers_is_one_that_slack_takes() -> None:
    examples = tuple(QuarantinedRow(ref="E" * 64, reason="x" * 5000, last_seen=NOON) for _ in range(5))
    message = health_message(condition(error="y" * 9000, quarantined=10**6, examples=examples, waiting=10**6))
    check(message)


def test_what_is_closed_stands_there_with_what_opens_it_and_what_was_given_up_is_counted() -> None:
    message = health_message(condition(waiting=3, closed=("Channel C0CARDS: type `/invite` there.",), given_up=1))
    check(message)
    assert message.text == "Something needs attention"
    said = str(message.blocks)
    assert ":warning: Channel C0CARDS: type `/invite` there." in said
    assert "3 messages waiting for Slack." in said
    assert ":warning: 1 message couldn't be delivered to Slack this week" in said


def test_webhooks_are_named_by_host_if_something_is_wrong() -> None:
    well = WebhookStatus(
        name="crm.example", waiting=3, given_up=0, delivered_at=NOON, failing_since=None, error=None, off_at=None
    )
    said = str(health_message(condition(webhooks=(well,))).blocks)
    assert "3 webhook events waiting to be delivered." in said
    assert "crm.example" not in said
    failing = replace(well, failing_since=NOON, error="It answered 500.", given_up=1)
    off = replace(well, name="log.example", waiting=0, off_at=NOON, error="It answered 410.")
    said = str(health_message(condition(webhooks=(failing, off))).blocks)
    assert ":warning: Webhooks to crm.example fail. It answered 500." in said
    assert ":warning: 1 webhook event couldn't be delivered to crm.example this week." in said
    assert ":warning: Webhooks to log.example are switched off. It answered 410." in said


def test_what_the_installation_lacks_stands_there_once() -> None:
    lacks = "The app lacks the scope channels:history."
    message = health_message(condition(closed=(lacks,), problems=(lacks,)))
    check(message)
    assert message.text == "Something needs attention"
    assert str(message.blocks).count(lacks) == 1


@pytest.mark.parametrize(("first_seen", "late"), [(NOON, "12 h"), (NOON + timedelta(days=3, hours=1), "4 days")])
def test_a_trial_has_the_same_delay_on_its_card_in_health_and_in_check(first_seen: datetime, late: str) -> None:
    seen = evaluation(first_seen=first_seen, trial=trial(started=NOON.date()))
    found = condition(delays=delays([delay(seen)]))
    shown = (card_message(card(evaluation=seen), today=NOON.date()), health_message(found), list(format_health(found)))
    assert f"about {late} after the trial started" in str(shown[0].blocks)
    assert all(f"seen within {late}." in str(each) for each in shown[1:])
