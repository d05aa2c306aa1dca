"""The weeks of a team of five with thirty trials a week: how many messages each of them gets."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random

import pytest

from bot.domain.reminders import MOST_A_DAY
from bot.domain.team_settings import DigestTimes, Reminders, TeamSettings
from bot.domain.working_time import WorkingDuration
from bot.store.schema import evaluation
from tests.services.team.at_work import BERLIN, AtWork, at_work
from tests.store.steps import rows

PEOPLE = [f"U0{name}" for name in ("ANA", "BEN", "CLEO", "DAN", "EVA")]
SET = TeamSettings(
    digest=DigestTimes(daily=time(9)),
    reminders=Reminders(
        unclaimed=WorkingDuration.read("4h"),
        untouched=WorkingDuration.read("8h"),
        escalated=WorkingDuration.read("16h"),
        ending=WorkingDuration.read("5d"),
    ),
)
TEAM = SET.calendar(BERLIN)
BEGINS = datetime(2026, 11, 2, tzinfo=UTC)


def life(seen: datetime, chance: Random) -> tuple[datetime, datetime]:
    """When somebody claims a trial, and when its owner writes: most within a working day, one in twelve never."""
    claimed = TEAM.add(seen, WorkingDuration.read(f"{chance.choice([1, 1, 2, 2, 4, 8])}h"))
    hours = chance.choice([1, 1, 1, 2, 2, 2, 4, 4, 6, 16, 16, 800])
    return claimed, TEAM.add(claimed, WorkingDuration.read(f"{hours}h"))


async def weeks(team: AtWork, chance: Random, count: int, every: int) -> None:
    """So many weeks, with a look every few hours in which somebody works. Two of the five get a digest of their own."""
    await team.store.team.change_settings(SET, by=PEOPLE[0], at=BEGINS)
    for person in PEOPLE[:2]:
        await team.store.digests.switch_own(person, on=True, at=BEGINS)
    minutes = count * 7 * 1440
    seen = sorted(BEGINS + timedelta(minutes=chance.randrange(minutes)) for _ in range(30 * count))
    events = [(at, "seen", number) for number, at in enumerate(seen, 1)]
    for number, at in enumerate(seen, 1):
        claimed, touched = life(at, chance)
        events += [(claimed, "claimed", number), (touched, "touched", number)]
    hours = (BEGINS + timedelta(hours=number) for number in range(0, minutes // 60, every))
    events += [(at, "hour", 0) for at in hours if TEAM.is_open(at)]
    store = team.store
    for team.now, event, number in sorted(events):
        owner = PEOPLE[number % 5]
        match event:
            case "seen":
                await team.trial()
            case "claimed":
                await store.evaluations.assign(number, owner, instead_of=None, by=owner, at=team.now)
            case "touched":
                await store.dispositions.done(number, by=owner, at=team.now)
            case "hour":
                await team.deliver()
                await team.look()
                await team.deliver()


async def counted(url: str, seed: int, count: int, every: int = 1) -> Counter[int]:
    """On how many days of a person there were so many messages."""
    async with at_work(url, now=BEGINS, zones=dict.fromkeys(PEOPLE, BERLIN)) as team:
        await weeks(team, Random(seed), count, every)  # noqa: S311  no secret
        assert len(await rows(team.store, evaluation)) == 30 * count
        assert all(TEAM.is_open(at) for posts in team.posts.values() for at in posts)
        return Counter(team.messages().values())


@pytest.mark.slow
async def test_nobody_gets_more_than_three_messages_a_day_and_none_outside_working_hours(tmp_path: Path) -> None:
    found = await counted(f"sqlite+aiosqlite:///{tmp_path / 'team.db'}", seed=10, count=1, every=2)
    assert max(found) <= MOST_A_DAY


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(20))
async def test_nobody_gets_more_in_eight_weeks(tmp_path: Path, seed: int) -> None:
    found = await counted(f"sqlite+aiosqlite:///{tmp_path / 'team.db'}", seed=seed, count=8)
    print(f"seed {seed}: {sorted(found.items())}")  # noqa: T201  the table
    assert max(found) <= MOST_A_DAY
