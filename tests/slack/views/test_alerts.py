"""Alerts about the bot itself."""

from datetime import timedelta

import pytest

from bot.slack.client.errors import explain
from bot.slack.views.alerts import (
    backlog_notice,
    delivered_again,
    first_run,
    mail_goes_again,
    mail_refused,
    no_mail,
    not_delivered,
    report_read_again,
    report_unread,
    rows_read_again,
    rows_unread,
)
from tests.builders import TODAY
from tests.slack.checks import check_text

OLD = "Older ones are recorded quietly. From now on every new evaluation gets a card."


@pytest.mark.parametrize(
    ("rows", "started", "announced", "said"),
    [
        (0, 0, 0, f"0 licenses, 0 evaluations. No trial has started since 9 Nov 2026. {OLD}"),
        (1, 1, 1, f"1 license, 1 evaluation. 1 trial started since 9 Nov 2026 and has a card here. {OLD}"),
        (
            12345,
            678,
            9,
            f"12,345 licenses, 678 evaluations. 9 trials started since 9 Nov 2026 and have a card here. {OLD}",
        ),
    ],
    ids=["an empty report", "one", "many"],
)
def test_the_first_run_says_what_it_found_and_what_will_come(
    rows: int, started: int, announced: int, said: str
) -> None:
    text = first_run(rows=rows, started=started, announced=announced, today=TODAY, days=14)
    check_text(text)
    assert text == f":wave: I read the licenses report for the first time: {said}"


def test_a_report_that_cannot_be_read_is_said_with_what_to_do_and_what_follows() -> None:
    text = report_unread("Atlassian switched it off (410). Update the bot.", times=1, is_full=False)
    check_text(text)
    assert text == (
        ":rotating_light: I can't read the licenses report. Atlassian switched it off (410). Update the bot. "
        "Until then, no new evaluation gets a card. I'll keep trying, catch up, and say so here when it works again."
    )


def test_attempts_that_failed_in_a_row_are_counted() -> None:
    text = report_unread("It is busy.", times=3, is_full=False)
    assert "the licenses report. It failed 3 times in a row. It is busy. " in text


def test_of_a_sweep_that_fails_it_is_said_that_only_the_whole_report_has_to_wait() -> None:
    text = report_unread("It is busy.", times=1, is_full=True)
    assert (
        "I can't read the full licenses report. It is busy. Until then, what only the full report shows has to wait."
        in text
    )


def test_no_error_gets_a_mention_or_a_link_past() -> None:
    check_text(report_unread("<!channel> <https://evil.example|Acme>", times=3, is_full=True))


@pytest.mark.parametrize(("rows", "said"), [(1, "1 row of"), (1234, "1,234 rows of")])
def test_rows_that_cannot_be_read_are_counted(rows: int, said: str) -> None:
    text = rows_unread(rows)
    check_text(text)
    assert f"I can't read {said} the licenses report and skipped " in text
    assert "`evaluator-bot check`" in text


def test_when_it_is_well_again_it_is_said_after_how_long() -> None:
    assert report_read_again(timedelta(hours=2)) == (
        ":white_check_mark: I can read the licenses report again, after 2 h, and have caught up."
    )
    assert rows_read_again(timedelta(days=3)) == (
        ":white_check_mark: Every row of the licenses report can be read again, after 3 days."
    )


@pytest.mark.parametrize(("cards", "said"), [(1, "1 new trial is waiting"), (1234, "1,234 new trials are waiting")])
def test_many_cards_that_wait_are_counted_with_where_to_look_meanwhile(cards: int, said: str) -> None:
    text = backlog_notice(cards)
    check_text(text)
    assert text.startswith(f":inbox_tray: {said} for a card here. ")
    assert "`/evaluators today`" in text


def test_an_alert_about_an_outage_has_the_command_that_ends_it() -> None:
    text = not_delivered(explain("not_in_channel"), channel="C0CARDS")
    assert text.startswith(
        ":rotating_light: I can't post to <#C0CARDS>. The bot is not in its channel. "
        "Type `/invite @Evaluator Bot` there. Messages are kept"
    )
    assert "to Slack. The bot token was revoked." in not_delivered(explain("token_revoked"), channel=None)
    assert delivered_again(timedelta(hours=2), channel="C0CARDS") == (
        ":white_check_mark: I can post to <#C0CARDS> again, after 2 h. Waiting messages are going out now."
    )


def test_that_no_mail_goes_is_said_with_what_to_do_and_what_follows() -> None:
    text = no_mail("The mail server refused the login (code 535): check SMTP_PASSWORD.")
    check_text(text)
    assert text == (
        ":rotating_light: I can't send email. The mail server refused the login (code 535): check SMTP_PASSWORD. "
        "Queued emails wait, and go out once this is fixed. I'll say so here when it works again."
    )


def test_that_mail_goes_again_is_said_with_how_long_it_did_not() -> None:
    text = mail_goes_again(timedelta(hours=3))
    check_text(text)
    assert text == ":white_check_mark: Email works again, after 3 h. Queued emails are going out now."


@pytest.mark.parametrize(("status", "said"), [("5.7.26", "(status 5.7.26)"), ("", "(status unknown)")])
def test_a_refusal_because_of_us_says_what_to_look_at(status: str, said: str) -> None:
    text = mail_refused(status)
    check_text(text)
    assert said in text
    assert "SPF, DKIM and DMARC" in text
