"""The weeks of a team of five with thirty trials a week: how many messages each of them gets."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from bot.domain.reminders import Candidate, ReminderState, ReminderStep, decide
from bot.domain.team_settings import Reminders
from bot.domain.working_time import DEFAULT_HOURS, WorkingCalendar, WorkingDuration

TEAM = WorkingCalendar(hours=DEFAULT_HOURS, zone=ZoneInfo("Europe/Berlin"))
PEOPLE = [f"U0{name}" for name in ("ANA", "BEN", "CLEO", "DAN", "EVA")]
SET = Reminders(
    unclaimed=WorkingDuration.read("4h"),
    untouched=WorkingDuration.read("8h"),
    escalated=WorkingDuration.read("16h"),
    ending=WorkingDuration.read("5d"),
)
BEGINS = datetime(2026, 11, 2, tzinfo=UTC)
WEEKS = 8
"""The trials of the first four weeks end in the others."""


def arrivals(chance: Random) -> list[Candidate]:
    """Thirty trials a week, each seen at a random hour."""
    seen = (BEGINS + timedelta(minutes=chance.randrange(WEEKS * 7 * 1440)) for _ in range(30 * WEEKS))
    return [
        Candidate(
            evaluation_id=number,
            channel="C0CARDS",
            first_seen=at,
            owner=None,
            owned_at=None,
            ends=at.date() + timedelta(days=30),
            touched_at=None,
        )
        for number, at in enumerate(sorted(seen))
    ]


def life(seen: Candidate, chance: Random) -> tuple[datetime, datetime]:
    """When somebody claims a trial, and when its owner writes: most within a working day, one in twelve never."""
    claimed = TEAM.add(seen.first_seen, WorkingDuration.read(f"{chance.choice([1, 1, 2, 2, 4, 8])}h"))
    hours = chance.choice([1, 1, 1, 2, 2, 2, 4, 4, 6, 16, 16, 800])
    return claimed, TEAM.add(claimed, WorkingDuration.read(f"{hours}h"))


def as_of(now: datetime, seen: Candidate, claimed: datetime, touched: datetime) -> Candidate:
    """What is known of a trial at a moment."""
    owner = PEOPLE[seen.evaluation_id % 5] if claimed <= now else None
    return replace(
        seen,
        owner=owner,
        owned_at=claimed if owner else None,
        touched_at=touched if touched <= now else None,
    )


def weeks(chance: Random) -> tuple[Counter[tuple[str, date]], list[datetime]]:
    """How many direct messages each person got on each day, and when anything was sent."""
    known = [(each, *life(each, chance)) for each in arrivals(chance)]
    given = defaultdict[tuple[int, str | None], set[ReminderStep]](set)
    direct, moments = Counter[tuple[str, date]](), list[datetime]()
    for number in range(WEEKS * 7 * 24):
        now = BEGINS + timedelta(hours=number)
        if not TEAM.is_open(now):
            continue
        for seen, claimed, touched in known:
            if seen.ends is None or not seen.first_seen <= now or now.date() > seen.ends:
                continue
            known_now = as_of(now, seen, claimed, touched)
            steps = given[seen.evaluation_id, known_now.owner]
            for one in decide(replace(known_now, given=frozenset(steps)), SET, team=TEAM, own=TEAM, now=now):
                steps.add(one.step)
                if one.state is ReminderState.SENT:
                    moments.append(now)
                    direct[one.to, now.date()] += one.to.startswith("U")
    return +direct, moments


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7, 10])
def test_hardly_anybody_gets_more_than_three_messages_a_day_and_none_outside_working_hours(seed: int) -> None:
    direct, moments = weeks(Random(seed))  # noqa: S311  no secret
    assert all(TEAM.is_open(at) for at in moments)
    assert {user for user, _ in direct} == set(PEOPLE)
    assert max(direct.values()) <= 5
    assert sum(number > 3 for number in direct.values()) <= len(direct) / 15
