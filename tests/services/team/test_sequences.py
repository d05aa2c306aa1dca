"""Random days of a team: whatever happens, in whatever order, and wherever the bot is killed."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Row, update

from bot.domain.evaluation import NotForUsReason, State
from bot.domain.outbox import DeliveryKind
from bot.domain.reminders import (
    LIST,
    MOST_A_DAY,
    ListedReminder,
    ReminderState,
    ReminderStep,
    decide,
    is_channel,
)
from bot.domain.rotation import Unavailable
from bot.domain.snooze import Snooze
from bot.domain.team_settings import DigestTimes, Reminders, RotationMember, RotationRule, TeamSettings, WeeklyTime
from bot.domain.working_time import WorkingDuration
from bot.slack.client.web_client import is_person
from bot.store.absences import Absence
from bot.store.rotation import Seat
from bot.store.schema import delivery, evaluation
from bot.store.team_tables import reminder, rotation_credit
from tests.services.team.at_work import BERLIN, NEW_YORK, AtWork, at_work
from tests.store.steps import CHANNEL, rows

ANA, BEN, CY, BOSS = "U0ANA", "U0BEN", "U0CY", "U0BOSS"
ZONES = {ANA: BERLIN, BEN: NEW_YORK, CY: BERLIN, BOSS: NEW_YORK}
MEMBERS = (RotationMember(ANA, 3), RotationMember(BEN, 2), RotationMember(CY, 1))
MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
IN_ONE_DATABASE = 40
"""Sequences that share one, each with evaluations of its own."""


def variants() -> list[TeamSettings]:
    """What a team may set."""
    hours = {name: WorkingDuration.read(text) for name, text in (("one", "1h"), ("two", "2h"), ("day", "1d"))}
    quick = Reminders(unclaimed=hours["one"], untouched=hours["one"], escalated=hours["two"], ending=hours["day"])
    bossy = Reminders(untouched=hours["one"], escalated=hours["day"], ending=hours["day"], escalate_to=BOSS)
    digests = DigestTimes(daily=time(9), weekly=WeeklyTime(day=0, at=time(9)))
    turns = (RotationRule(members=MEMBERS),)
    return [
        TeamSettings(reminders=quick, digest=digests, rotation=turns),
        TeamSettings(reminders=bossy, digest=digests, rotation=turns),
        TeamSettings(reminders=quick, rotation=turns),
        TeamSettings(reminders=bossy, digest=digests),
    ]


VARIANTS = variants()


@dataclass
class Days:
    """Random days of a team, in which two copies of the bot work at once."""

    team: AtWork
    chance: Random
    settings: TeamSettings = VARIANTS[0]
    away: set[str] = field(default_factory=set)
    twins: list[tuple[int, int]] = field(default_factory=list)
    switched: set[tuple[str, object]] = field(default_factory=set)
    seen: set[int | None] = field(default_factory=set)
    """The deliveries of reminders that were looked over."""
    ids: list[int] = field(default_factory=list)
    """The evaluations of this sequence."""

    async def play(self, steps: int) -> None:
        """Do so many random things, then let a day come to its end, and look whether all holds."""
        await self.change_settings()
        await self.trial()
        things: list[tuple[int, Callable[[], Awaitable[object]]]] = [
            (2, self.trial), (1, self.flood), (1, self.twin), (1, self.join), (2, self.change_settings),
            (2, self.turns), (4, self.claim), (1, self.release), (3, self.touch), (1, self.not_for_us),
            (1, self.snooze), (2, self.leave_for_a_while), (1, self.come_back), (1, self.leave), (2, self.own_digest),
            (8, self.wait), (1, self.set_clock_back),
            (6, self.look), (2, self.look_at_once), (1, self.killed), (4, self.deliver), (2, self.crash),
        ]  # fmt: skip
        weights, actions = zip(*things, strict=True)
        for action in self.chance.choices(actions, weights, k=steps):
            await action()
        await self.finish()

    async def change_settings(self) -> None:
        self.settings = self.chance.choice(VARIANTS)
        await self.team.store.team.change_settings(self.settings, by=ANA, at=self.team.now)

    async def trial(self) -> None:
        await self.team.trial(ends=self.team.now.date() + timedelta(days=self.chance.choice([1, 3, 14, 30])))
        self.ids.append(self.team.begun)
        await self.team.deliver()

    async def twin(self) -> None:
        number = 1 + self.team.begun
        await self.trial()
        await self.trial()
        self.twins.append((number, number + 1))

    async def join(self) -> None:
        """Two licenses turn out to be one."""
        if self.twins:
            one, other = self.twins.pop()
            await self.team.join(one, other)

    async def flood(self) -> None:
        """Somebody takes more than one message a day can hold."""
        person = self._person()
        for _ in range(4):
            await self.team.trial(ends=self.team.now.date() + timedelta(days=9))
            self.ids.append(self.team.begun)
        await self.team.deliver()
        if person not in self.team.left:
            for each in self.ids[-4:]:
                await self.team.store.evaluations.assign(each, person, instead_of=None, by=person, at=self.team.now)

    async def turns(self) -> None:
        gone = {Seat(m.user, CHANNEL): Unavailable.GONE if m.user in self.team.left else None for m in MEMBERS}
        await self.team.store.rotation.assign(gone, at=self.team.now)

    async def claim(self) -> None:
        person = self._person()
        if person not in self.team.left:
            await self.team.store.evaluations.assign(self._one(), person, instead_of=None, by=person, at=self.team.now)

    async def release(self) -> None:
        person = self._person()
        await self.team.store.evaluations.assign(self._one(), None, instead_of=person, by=person, at=self.team.now)

    async def touch(self) -> None:
        if self.chance.random() < 0.5:
            await self.team.store.notes.add(self._one(), "Called them", by=self._person(), at=self.team.now)
        else:
            await self.team.store.dispositions.done(self._one(), by=self._person(), at=self.team.now)

    async def not_for_us(self) -> None:
        reason = NotForUsReason.STUDENT
        await self.team.store.dispositions.not_for_us(self._one(), reason, "", by=self._person(), at=self.team.now)

    async def snooze(self) -> None:
        until = self.team.now + timedelta(hours=self.chance.choice([1, 30]))
        await self.team.store.snoozes.set(self._one(), Snooze(user=self._person(), until=until, at=self.team.now))

    async def leave_for_a_while(self) -> None:
        person = self._person()
        self.away.add(person)
        await self.team.store.absences.begin(person, Absence(since=self.team.now - timedelta(hours=2)))

    async def come_back(self) -> None:
        person = self._person()
        self.away.discard(person)
        await self.team.store.absences.end(person, at=self.team.now)

    async def leave(self) -> None:
        """Somebody's account is deactivated."""
        person = self._person()
        self.team.left.add(person)
        while await self.team.store.rotation.hand_over(person, None, by=None, at=self.team.now):
            pass

    async def own_digest(self) -> None:
        person = self._person()
        await self.team.store.digests.switch_own(person, on=self.chance.random() < 0.8, at=self.team.now)
        self.switched.add((person, self.team.now.astimezone(ZONES[person]).date()))

    async def wait(self) -> None:
        self.team.now += timedelta(minutes=self.chance.choice([1, 20, 61, 130, 500, 1440]))

    async def set_clock_back(self) -> None:
        self.team.now -= timedelta(hours=1)

    async def look(self) -> None:
        await self.team.look(self.chance.randrange(2))
        await self._look_over()

    async def look_at_once(self) -> None:
        await asyncio.gather(self.team.look(0), self.team.look(1))
        await self._look_over()

    async def killed(self) -> None:
        """A copy is killed while it looks."""
        looking = asyncio.create_task(self.team.look(1))
        for _ in range(self.chance.randrange(60)):
            await asyncio.sleep(0)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await self.team.crash(1)
        await self._look_over()

    async def deliver(self) -> None:
        meanwhile = self.chance.choice([None, 0, 1])
        await self.team.deliver(self.chance.randrange(2), meanwhile=meanwhile)
        if meanwhile is not None:
            await self._look_over()

    async def crash(self) -> None:
        """A copy is killed while it posts."""
        await self.team.deliver(self.chance.randrange(2), crashes=True)

    async def finish(self) -> None:
        """Come to an hour in which all work, then hold what there is against what has to be."""
        self.team.now += timedelta(hours=2)  # the clock may have been set back
        while not all(self._is_open(zone) for zone in ZONES.values()):
            self.team.now += timedelta(minutes=30)
        for _ in range(2):
            await self.team.deliver()
            await self.look()
        await self.team.deliver()
        await self._nothing_is_lost()
        await self._nothing_came_twice()
        await self._credits_are_even()
        for person in self.away:
            await self.team.store.absences.end(person, at=self.team.now)
        self.away.clear()
        async with self.team.store.database.write() as connection:
            ended = update(evaluation).where(evaluation.c.id.in_(self.ids)).values(state=State.EXPIRED)
            await connection.execute(ended)
        self.team.left.clear()
        self.team.now += timedelta(days=1)

    async def _look_over(self) -> None:
        """Check that a person who is reminded now works now, and is not away."""
        for row in await rows(self.team.store, reminder):
            if row.at != self.team.now or row.delivery_id is None or row.delivery_id in self.seen:
                continue
            person = row.owner if is_channel(row.channel) else row.channel
            assert self._is_open(ZONES.get(person, BERLIN))
            assert is_channel(row.channel) or person not in self.away | self.team.left
        self.seen = {row.delivery_id for row in await rows(self.team.store, reminder)}

    async def _nothing_is_lost(self) -> None:
        """Nothing is due any more, nothing settled is unsaid, and all that was decided was posted."""
        store, now = self.team.store, self.team.now
        assert await store.reminders.settle(now=now) == []
        away = await store.absences.away(at=now)
        for each in await store.reminders.candidates(now=now):
            own = self.settings.calendar(ZONES.get(each.owner or "", BERLIN))
            team = self.settings.calendar(BERLIN)
            assert decide(each, self.settings.reminders, team=team, own=own, now=now, away=away) == []
        owed = {row.id: row for row in await rows(store, delivery)}
        for row in await rows(store, reminder):
            if row.delivery_id is not None:
                brought = owed[row.delivery_id]
                assert self.team.shown.get(row.delivery_id, []) == [] or self._is_shown(row)
                is_posted = len(self.team.posts[row.delivery_id]) > 0
                assert is_posted or (brought.error == "superseded" and row.state == ReminderState.SETTLED)

    async def _nothing_came_twice(self) -> None:
        store = self.team.store
        owed = {row.id: row for row in await rows(store, delivery)}
        for number, posts in self.team.posts.items():
            is_unknown = number in self.team.interrupted and is_person(self.team.receivers.get(number, CHANNEL))
            assert len(posts) <= 1 or is_unknown
        held = Counter(row.delivery_id for row in await rows(store, reminder) if row.delivery_id is not None)
        assert all(number == 1 for key, number in held.items() if owed[key].text != LIST)
        assert all(number == 1 for number in self.team.digests.values())
        begun = Counter((row.channel, row.text) for row in owed.values() if row.kind == DeliveryKind.DIGEST)
        assert all(number == 1 for number in begun.values())
        for (person, day), number in self.team.messages().items():
            assert number <= MOST_A_DAY + ((person, day) in self.switched)

    async def _credits_are_even(self) -> None:
        assert sum(row.amount for row in await rows(self.team.store, rotation_credit)) == 0

    def _is_shown(self, row: Row[Any]) -> bool:
        """Whether its message in Slack shows a reminder as it is."""
        is_settled = row.state == ReminderState.SETTLED
        listed = ListedReminder(evaluation_id=row.evaluation_id, step=ReminderStep(row.step), is_settled=is_settled)
        return listed in self.team.shown[row.delivery_id]

    def _one(self) -> int:
        return self.chance.choice(self.ids)

    def _person(self) -> str:
        return self.chance.choice([ANA, BEN, CY])

    def _is_open(self, zone: ZoneInfo) -> bool:
        return self.settings.calendar(zone).is_open(self.team.now)


async def sequences(folder: Path, seeds: range, steps: int = 14) -> None:
    """Play as many sequences, of which some share a database."""
    for first in seeds[::IN_ONE_DATABASE]:
        url = f"sqlite+aiosqlite:///{folder / f'{first}.db'}"
        async with at_work(url, now=MONDAY, zones=ZONES, copies=2) as team:
            for seed in range(first, min(first + IN_ONE_DATABASE, seeds.stop)):
                try:
                    await Days(team, Random(seed)).play(steps)  # noqa: S311  no secret
                except AssertionError as exc:
                    exc.add_note(f"seed {seed}, in the database that began with {first}")
                    raise


@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 10), marks=pytest.mark.slow)], ids=str)
async def test_whatever_happens_nothing_comes_twice_or_is_lost(tmp_path: Path, seeds: range) -> None:
    await sequences(tmp_path, seeds)


@pytest.mark.long
@pytest.mark.timeout(7200)
async def test_ten_thousand_times(tmp_path: Path) -> None:
    """`SEQUENCES=2000-2040` plays those."""
    first, last = os.environ.get("SEQUENCES", "0-10000").split("-")
    await sequences(tmp_path, range(int(first), int(last)))
