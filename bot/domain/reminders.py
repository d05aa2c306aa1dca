"""Reminders: which one an evaluation needs next, and whether it goes."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.team_settings import Reminders
from bot.domain.working_time import DurationUnit, WorkingCalendar, WorkingDuration

MOST_A_DAY: Final = 3
"""Direct messages to one person in a day. The last of them is a list, which takes up whatever else comes that day."""
LIST: Final = "list"
"""What the delivery of such a list has in place of a step."""
_RECENT: Final = timedelta(days=10)
"""A touch within this time is enough for a trial that ends soon."""
_WORKING_DAY: Final = WorkingDuration(1, DurationUnit.DAYS)
_MINUTE: Final = timedelta(minutes=1)


class ReminderStep(StrEnum):
    """What an evaluation waits for. The values are those of the column, and the keys of the team file."""

    UNCLAIMED = "unclaimed"
    """Nobody owns it."""
    UNTOUCHED = "untouched"
    """Its owner has not written, noted or said anything since they claimed it."""
    ESCALATED = "escalated"
    """The same, later: the others hear of it."""
    ENDING = "ending"
    """Its trial ends soon, and nobody did anything in the last days."""
    WAITING = "waiting"
    """Its contact wrote to us and has no answer yet, whether the trial still runs or not."""


class ReminderState(StrEnum):
    """What became of a reminder. The values are those of the column."""

    SENT = "sent"
    SKIPPED = "skipped"
    """A later step was due at the same time."""
    LATE = "late"
    """It was due long ago. The next digest counts it."""
    REHEARSED = "rehearsed"
    """It would have been sent. The next digest counts it."""
    SETTLED = "settled"
    """It was sent, and what it asked for is done. The message says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What is known of an evaluation that has a card, and runs or has somebody who waits. Times are in UTC."""

    evaluation_id: int
    channel: str
    """Where its card is."""
    first_seen: datetime
    owner: str | None
    owned_at: datetime | None
    ends: date | None
    """None if it is not known."""
    touched_at: datetime | None
    """When somebody dealt with it last."""
    waiting_since: datetime | None = None
    """When the contact wrote to us, if they wait for an answer."""
    given: frozenset[ReminderStep] = frozenset()
    """The steps that its owner, or nobody, had already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """A reminder that is decided about."""

    evaluation_id: int
    step: ReminderStep
    owner: str | None
    state: ReminderState
    to: str
    """The channel or the person that gets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedReminder:
    """A reminder in a list."""

    evaluation_id: int
    step: ReminderStep
    is_settled: bool


def decide(
    candidate: Candidate,
    reminders: Reminders,
    *,
    team: WorkingCalendar,
    own: WorkingCalendar,
    now: datetime,
    away: Collection[str] = (),
) -> list[Reminder]:
    """Return what is decided now: the step that is due, and those before it, which are left out.

    `team` is the calendar of the team, `own` that of the owner. Nothing is decided outside working hours. Nobody in
    `away` gets anything: their own reminder waits, and what others should know goes to the card's channel.
    """
    calendar = own if candidate.owner else team
    due = sorted(_due(candidate, reminders, calendar, now), key=lambda each: each[1])
    if not due or not calendar.is_open(now):
        return []
    *earlier, (step, since) = due
    if step is ReminderStep.UNTOUCHED and candidate.owner in away:
        return []
    today = now.astimezone(team.zone).date()
    if reminders.rehearse_until is not None and today < reminders.rehearse_until:
        state = ReminderState.REHEARSED
    else:
        is_late = calendar.add(since, _WORKING_DAY) < now
        state = ReminderState.LATE if is_late else ReminderState.SENT
    left_out = [(each, ReminderState.SKIPPED) for each, _ in earlier]
    return [
        Reminder(
            evaluation_id=candidate.evaluation_id,
            step=each,
            owner=candidate.owner,
            state=became,
            to=_receiver(each, candidate, reminders, away),
        )
        for each, became in (*left_out, (step, state))
    ]


def is_settled(step: ReminderStep, candidate: Candidate | None, owner: str | None, *, since: datetime) -> bool:
    """Return whether a reminder sent at `since` to `owner` asks for nothing any more. None: it no longer runs."""
    if candidate is None or candidate.owner != owner:
        return True
    if step is ReminderStep.WAITING or candidate.waiting_since is not None:
        return step is not ReminderStep.WAITING or candidate.waiting_since is None
    touched = candidate.touched_at is not None and (step is not ReminderStep.ENDING or candidate.touched_at >= since)
    return step is not ReminderStep.UNCLAIMED and touched


def goes_alone(earlier: int, *, has_digest: bool) -> bool:
    """Return whether a reminder gets a direct message of its own, after so many others on that day; else it goes into
    the list. `has_digest` says whether the person gets their own digest, which is one of the messages.
    """
    return earlier < MOST_A_DAY - 1 - has_digest


def is_in_thread(step: str | None, to: str) -> bool:
    """Return whether a reminder is a line in the card's thread: nobody owns the evaluation."""
    return step in {ReminderStep.UNCLAIMED, ReminderStep.ENDING, ReminderStep.WAITING} and is_channel(to)


def is_channel(to: str) -> bool:
    """Return whether a reminder goes to a channel. Else it is a direct message."""
    return to.startswith(("C", "G"))


def next_due(candidate: Candidate, reminders: Reminders, calendar: WorkingCalendar, *, now: datetime) -> list[datetime]:
    """Return when steps that count in working time will be due, as far as that is within a minute."""
    # Working time takes at least as long by the clock, so most evaluations need no calendar.
    soon = (
        calendar.add(start, duration)
        for _, start, duration in _timed_steps(candidate, reminders)
        if start + calendar.hours.length(duration) <= now + _MINUTE
    )
    return [due for due in soon if now < due <= now + _MINUTE]


def _due(
    candidate: Candidate, reminders: Reminders, calendar: WorkingCalendar, now: datetime
) -> Iterator[tuple[ReminderStep, datetime]]:
    """Yield the steps that are due and were not given yet, each with the moment from which it is."""
    for step, start, duration in _timed_steps(candidate, reminders):
        is_possible = start + calendar.hours.length(duration) <= now  # as above
        if is_possible and (due := calendar.add(start, duration)) <= now:
            yield step, due
    is_waiting = candidate.waiting_since is not None
    is_quiet = not is_waiting and (candidate.touched_at is None or now - candidate.touched_at > _RECENT)
    if ReminderStep.ENDING not in candidate.given and reminders.ending and candidate.ends and is_quiet:
        midnight = datetime.combine(candidate.ends + timedelta(days=1), time.min, tzinfo=calendar.zone)
        end = midnight.astimezone(UTC)
        if now < end and calendar.add(now, reminders.ending) >= end:
            yield ReminderStep.ENDING, _latest_start(calendar, reminders.ending, end, now)


def _timed_steps(
    candidate: Candidate, reminders: Reminders
) -> Iterator[tuple[ReminderStep, datetime, WorkingDuration]]:
    """Yield the steps that come so much working time after a moment, and were not given yet.

    Somebody who waits for an answer is all that counts until they have it.
    """
    after: list[tuple[ReminderStep, datetime | None, WorkingDuration | None]] = []
    if candidate.waiting_since is not None:
        after.append((ReminderStep.WAITING, candidate.waiting_since, reminders.waiting))
    elif candidate.owner is None:
        after.append((ReminderStep.UNCLAIMED, candidate.first_seen, reminders.unclaimed))
    elif candidate.touched_at is None:
        after.append((ReminderStep.UNTOUCHED, candidate.owned_at, reminders.untouched))
        after.append((ReminderStep.ESCALATED, candidate.owned_at, reminders.escalated))
    for step, start, duration in after:
        if step not in candidate.given and start is not None and duration is not None:
            yield step, start, duration


def _latest_start(calendar: WorkingCalendar, duration: WorkingDuration, end: datetime, now: datetime) -> datetime:
    """Return the first moment from which so much working time reaches the end, not before 90 days ago."""
    early, late = now - timedelta(days=90), now
    while late - early > _MINUTE:
        middle = early + (late - early) / 2
        if calendar.add(middle, duration) >= end:
            late = middle
        else:
            early = middle
    return late


def _receiver(step: ReminderStep, candidate: Candidate, reminders: Reminders, away: Collection[str]) -> str:
    person = reminders.escalate_to if step is ReminderStep.ESCALATED else candidate.owner
    return candidate.channel if person is None or person in away else person
