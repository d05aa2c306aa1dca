"""Which reminder an evaluation needs, and when."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.reminders import (
    Candidate,
    Reminder,
    ReminderState,
    ReminderStep,
    decide,
    goes_alone,
    is_in_thread,
    is_settled,
    next_due,
)
from bot.domain.team_settings import Reminders
from bot.domain.working_time import DEFAULT_HOURS, WorkingCalendar, WorkingDuration

TEAM = WorkingCalendar(hours=DEFAULT_HOURS, zone=ZoneInfo("UTC"))
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
SET = Reminders(
    unclaimed=WorkingDuration.read("4h"),
    untouched=WorkingDuration.read("8h"),
    escalated=WorkingDuration.read("16h"),
    ending=WorkingDuration.read("5d"),
)
FREE = Candidate(
    evaluation_id=1,
    channel="C0CARDS",
    first_seen=MONDAY,
    owner=None,
    owned_at=None,
    ends=date(2027, 2, 1),
    touched_at=None,
)
OWNED = replace(FREE, owner="U0ANA", owned_at=MONDAY)


def on(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment so many days after that Monday."""
    return datetime.combine(MONDAY.date() + timedelta(days=day), time(hour, minute), tzinfo=UTC)


def decided(candidate: Candidate, now: datetime, reminders: Reminders = SET) -> list[tuple[str, str, str]]:
    found = decide(candidate, reminders, team=TEAM, own=TEAM, now=now)
    assert all((each.evaluation_id, each.owner) == (candidate.evaluation_id, candidate.owner) for each in found)
    return [(each.step, each.state, each.to) for each in found]


def test_nobody_is_reminded_before_the_time_or_outside_working_hours() -> None:
    assert decided(FREE, on(0, 12, 59)) == []
    assert decided(FREE, on(0, 13)) == [("unclaimed", "sent", "C0CARDS")]
    late = replace(FREE, first_seen=on(0, 16))
    assert decided(late, on(0, 22)) == []
    assert decided(late, on(1, 11, 59)) == []
    assert decided(late, on(1, 12)) == [("unclaimed", "sent", "C0CARDS")]


def test_what_will_be_due_within_a_minute_is_known_before() -> None:
    late = replace(FREE, first_seen=on(0, 16) + timedelta(seconds=30))

    def due(now: datetime, candidate: Candidate = late) -> list[datetime]:
        return next_due(candidate, SET, TEAM, now=now)

    noon = on(1, 12) + timedelta(seconds=30)
    assert due(on(1, 11, 59)) == []
    assert due(on(1, 12)) == [noon]
    assert due(noon) == []
    assert due(on(1, 12), replace(late, given=frozenset({ReminderStep.UNCLAIMED}))) == []


def test_an_owner_is_reminded_and_then_the_others_hear_of_it() -> None:
    assert decided(OWNED, on(1, 9)) == [("untouched", "sent", "U0ANA")]
    again = replace(OWNED, given=frozenset({ReminderStep.UNTOUCHED}))
    assert decided(again, on(1, 16)) == []
    assert decided(again, on(2, 9)) == [("escalated", "sent", "C0CARDS")]
    assert decided(again, on(2, 9), replace(SET, escalate_to="U0BOSS")) == [("escalated", "sent", "U0BOSS")]
    assert decided(replace(OWNED, touched_at=on(0, 10)), on(9, 9)) == []


def test_after_an_outage_only_the_latest_step_goes() -> None:
    assert decided(OWNED, on(2, 9, 30)) == [("untouched", "skipped", "U0ANA"), ("escalated", "sent", "C0CARDS")]


def test_what_was_due_more_than_a_working_day_ago_goes_into_the_digest() -> None:
    assert decided(FREE, on(1, 13)) == [("unclaimed", "sent", "C0CARDS")]
    assert decided(FREE, on(1, 13, 1)) == [("unclaimed", "late", "C0CARDS")]


def test_in_the_rehearsal_nothing_is_sent() -> None:
    until = replace(SET, rehearse_until=on(1, 0).date())
    assert decided(FREE, on(0, 13), until) == [("unclaimed", "rehearsed", "C0CARDS")]
    assert decided(replace(FREE, first_seen=on(0, 16)), on(1, 12), until) == [("unclaimed", "sent", "C0CARDS")]


@pytest.mark.parametrize(
    ("touched", "is_due"),
    [(None, True), (on(-20, 12), True), (on(-5, 12), False), (on(0, 10), False)],
)
def test_a_trial_that_ends_soon_has_one_reminder_unless_something_happened(
    touched: datetime | None, *, is_due: bool
) -> None:
    given = frozenset({ReminderStep.UNTOUCHED, ReminderStep.ESCALATED})
    ending = replace(OWNED, ends=on(4, 0).date(), touched_at=touched, given=given)  # the Friday
    assert decided(ending, on(0, 9)) == ([("ending", "sent", "U0ANA")] if is_due else [])
    assert decided(replace(ending, given=given | {ReminderStep.ENDING}), on(0, 9)) == []
    assert decided(replace(ending, ends=on(7, 0).date()), on(0, 9)) == []
    assert decided(replace(ending, ends=on(-1, 0).date()), on(0, 9)) == []


def test_the_reminder_of_a_trial_without_an_owner_is_in_its_thread() -> None:
    ending = replace(FREE, ends=on(4, 0).date(), given=frozenset({ReminderStep.UNCLAIMED}))
    assert decided(ending, on(0, 9)) == [("ending", "sent", "C0CARDS")]
    assert is_in_thread("ending", "C0CARDS")
    assert not is_in_thread("ending", "U0ANA")
    assert not is_in_thread("escalated", "C0CARDS")
    assert not is_in_thread(None, "D0ANA")


def test_switching_reminders_on_does_not_remind_of_all_old_trials_at_once() -> None:
    ending = replace(OWNED, ends=on(1, 0).date(), given=frozenset({ReminderStep.UNTOUCHED, ReminderStep.ESCALATED}))
    assert decided(ending, on(0, 9)) == [("ending", "late", "U0ANA")]


def test_who_is_away_gets_nothing_and_the_channel_hears_what_cannot_wait() -> None:
    def away(seen: Candidate, now: datetime, *people: str, escalate_to: str | None = None) -> list[tuple[str, str]]:
        reminders = replace(SET, escalate_to=escalate_to)
        found = decide(seen, reminders, team=TEAM, own=TEAM, now=now, away={"U0ANA", *people})
        return [(each.step, each.to) for each in found if each.state is ReminderState.SENT]

    assert away(OWNED, on(1, 9)) == []
    assert away(OWNED, on(2, 9)) == [("escalated", "C0CARDS")]
    assert away(OWNED, on(2, 9), escalate_to="U0BOSS") == [("escalated", "U0BOSS")]
    assert away(OWNED, on(2, 9), "U0BOSS", escalate_to="U0BOSS") == [("escalated", "C0CARDS")]
    given = frozenset({ReminderStep.UNTOUCHED, ReminderStep.ESCALATED})
    assert away(replace(OWNED, ends=on(4, 0).date(), given=given), on(0, 9)) == [("ending", "C0CARDS")]


@pytest.mark.parametrize(
    ("earlier", "has_digest", "alone"), [(0, False, True), (1, False, True), (2, False, False), (1, True, False)]
)
def test_two_messages_a_day_go_alone_one_if_there_is_a_digest(earlier: int, *, has_digest: bool, alone: bool) -> None:
    assert goes_alone(earlier, has_digest=has_digest) is alone


def test_what_is_off_never_comes() -> None:
    assert decided(OWNED, on(300, 10), Reminders()) == []


@pytest.mark.parametrize(
    ("step", "candidate", "owner", "is_over"),
    [
        (ReminderStep.UNCLAIMED, FREE, None, False),
        (ReminderStep.UNCLAIMED, replace(FREE, touched_at=on(1, 9)), None, False),
        (ReminderStep.UNCLAIMED, OWNED, None, True),
        (ReminderStep.UNCLAIMED, None, None, True),
        (ReminderStep.UNTOUCHED, OWNED, "U0ANA", False),
        (ReminderStep.UNTOUCHED, replace(OWNED, touched_at=on(0, 10)), "U0ANA", True),
        (ReminderStep.ESCALATED, replace(OWNED, owner="U0BEN"), "U0ANA", True),
        (ReminderStep.ENDING, replace(OWNED, touched_at=on(-20, 9)), "U0ANA", False),
        (ReminderStep.ENDING, replace(OWNED, touched_at=on(1, 9)), "U0ANA", True),
    ],
)
def test_a_reminder_is_settled_once_what_it_asks_for_is_done(
    step: ReminderStep, candidate: Candidate | None, owner: str | None, *, is_over: bool
) -> None:
    assert is_settled(step, candidate, owner, since=on(1, 8)) is is_over


STEPS = st.sampled_from(ReminderStep)
EVENTS = st.lists(st.tuples(st.integers(1, 3000), st.sampled_from(["claim", "release", "touch", "wait"])), max_size=30)


@given(events=EVENTS, every=st.integers(1, 900))
def test_whatever_happens_each_step_comes_at_most_once_to_an_owner_and_never_after_it_was_settled(
    events: list[tuple[int, str]], every: int
) -> None:
    now, state, sent = MONDAY, replace(FREE, ends=date(2026, 12, 20)), list[Reminder]()
    seen = set[tuple[ReminderStep, str | None]]()
    for minutes, event in events:
        ends = now + timedelta(minutes=minutes)
        while (now := now + timedelta(minutes=every)) < ends:
            theirs = frozenset(step for step, owner in seen if owner == state.owner)
            for each in decide(replace(state, given=theirs), SET, team=TEAM, own=TEAM, now=now):
                key = (each.step, each.owner)
                assert key not in seen
                seen.add(key)
                assert TEAM.is_open(now)
                if each.step in {ReminderStep.UNTOUCHED, ReminderStep.ESCALATED}:
                    assert state.touched_at is None
                    assert state.owner is not None
                if each.state is ReminderState.SENT:
                    sent.append(each)
        match event:
            case "claim":
                state = replace(state, owner="U0ANA", owned_at=now)
            case "release":
                state = replace(state, owner=None, owned_at=None)
            case "touch":
                state = replace(state, touched_at=now)
    assert len(sent) <= 2 * len(ReminderStep)
