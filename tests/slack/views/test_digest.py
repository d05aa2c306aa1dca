"""A digest in Slack."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.digest import SHOWN, Counts, Digest, DigestKind, DigestPeriod, Group
from bot.domain.evaluation import CardRef
from bot.domain.listing import EvaluationRow
from bot.slack.blocks import Message
from bot.slack.views.digest import digest_message
from tests.builders import NOON, TODAY, evaluation, license_, trial
from tests.slack.checks import NAMES, WORKSPACE, check, mrkdwn_of

PERIOD = DigestPeriod(kind=DigestKind.DAILY, day=TODAY, since=NOON - timedelta(days=1), until=NOON)
WEEKLY = DigestPeriod(kind=DigestKind.WEEKLY, day=TODAY, since=NOON - timedelta(days=7), until=NOON)
CARD = CardRef(channel="C0CARDS", ts="1795435200.000100")


def row(company: str = "Acme", app: str = "Gantt", ends: date = TODAY + timedelta(days=3)) -> EvaluationRow:
    shown = evaluation(license=license_(company=company, app_name=app), trial=trial(ends=ends), card=CARD)
    return EvaluationRow(evaluation=shown, mailed=False, is_blocked=False)


def message(digest: Digest, period: DigestPeriod = PERIOD) -> Message:
    found = digest_message(digest, period, today=TODAY, workspace_url=WORKSPACE)
    check(found)
    return found


def lines(digest: Digest, period: DigestPeriod = PERIOD) -> list[str]:
    return "\n".join(mrkdwn_of(message(digest, period).blocks)[:-1]).split("\n")


def test_a_daily_digest_says_what_needs_somebody_then_what_happened() -> None:
    link = f"<{WORKSPACE}archives/C0CARDS/p1795435200000100|Acme>"
    digest = Digest(
        unowned=Group(rows=(row(), row(ends=TODAY)), total=14),
        untouched=Group(rows=(row(),), total=1),
        counts=Counts(started=(("Gantt", 4), ("Reports", 1)), bought=2, ended=3),
    )
    assert lines(digest) == [
        "*Digest of 23 Nov 2026*",
        f"*Without an owner (14)*: {link} (Gantt, 3 days left), {link} (Gantt, last day), 12 more",
        f"*Ending soon, and nobody wrote yet (1)*: {link} (Gantt, 3 days left)",
        "*New since the last digest*: 5: Gantt 4, Reports 1",
        "*Outcome since the last digest*: 2 bought, 3 ended",
    ]
    assert message(digest).text == "Digest of 23 Nov 2026: 14 without an owner, 5 new, 2 bought"


def test_ones_own_digest_says_what_is_ones_own() -> None:
    own = replace(PERIOD, kind=DigestKind.OWN)
    digest = Digest(
        waiting=Group(rows=(row(),), total=3), ending=Group(rows=(row(),), total=1), counts=Counts(bought=1)
    )
    assert not digest.is_empty
    said = lines(digest, own)
    assert said[0] == "*Your digest of 23 Nov 2026*"
    assert said[1].startswith("*Yours, and nobody wrote yet (3)*: <")
    assert said[2].startswith("*Yours that end soon (1)*: <")
    assert message(digest, own).text == "Your digest of 23 Nov 2026: 3 to contact, 1 ending soon, 1 bought"


def test_reminders_of_a_trial_run_and_overdue_ones_are_in_the_digest() -> None:
    digest = Digest(
        unowned=Group(), untouched=Group(), counts=Counts(), rehearsed=Group(rows=(row(),), total=1), late=2
    )
    assert not digest.is_empty
    said = lines(digest)
    assert said[1].startswith("*Reminders that would have been sent (1)*: <")
    assert said[2] == "*Overdue*: 2 reminders were due too long ago to be sent."


def test_a_digest_says_that_the_report_cannot_be_read() -> None:
    digest = Digest(unowned=Group(), untouched=Group(), counts=Counts(), report_error="The token <expired>.")
    assert not digest.is_empty
    assert lines(digest)[1:] == [":warning: *The licenses report can't be read*: The token &lt;expired&gt;."]


def test_a_weekly_digest_has_last_week_beside_it() -> None:
    many = tuple((f"App {n}", 10 - n) for n in range(7))
    digest = Digest(unowned=Group(), untouched=Group(), counts=Counts(started=many, bought=1), before=Counts(ended=2))
    assert lines(digest, WEEKLY) == [
        "*The week until 23 Nov 2026*",
        "*New this week*: 49 (week before: 0): App 0 10, App 1 9, App 2 8, App 3 7, App 4 6, others 9",
        "*Outcome this week*: 1 bought (week before: 0), 0 ended (week before: 2)",
    ]


def test_a_weekly_digest_draws_both_weeks_app_by_app() -> None:
    counts, before = Counts(started=(("Gantt", 2),)), Counts(started=(("Reports", 3),))
    digest = Digest(unowned=Group(), untouched=Group(), counts=counts, before=before)
    [chart] = [block["chart"] for block in message(digest, WEEKLY).blocks if block["type"] == "data_visualization"]
    drawn = {each["name"]: [(point["label"], point["value"]) for point in each["data"]] for each in chart["series"]}
    assert drawn == {"This week": [("Gantt", 2), ("Reports", 0)], "Week before": [("Gantt", 0), ("Reports", 3)]}


def test_what_was_settled_before_the_digest_went_leaves_one_sentence() -> None:
    assert lines(Digest(unowned=Group(), untouched=Group(), counts=Counts()))[1:] == [
        "What was open is settled by now."
    ]


@given(names=st.lists(NAMES, min_size=2 * SHOWN, max_size=2 * SHOWN), number=st.integers(0, 10**9))
def test_slack_takes_a_digest_with_any_names(names: list[str], number: int) -> None:
    rows = tuple(row(company, app) for company, app in zip(names[:SHOWN], names[SHOWN:], strict=True))
    counts = Counts(started=tuple((name, number + 1) for name in names), bought=number, ended=number)
    group = Group(rows=rows, total=number + SHOWN)
    message(Digest(unowned=group, untouched=group, counts=counts, before=counts), WEEKLY)
