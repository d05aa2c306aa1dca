"""Two copies on PostgreSQL while everything goes wrong around them: one card each, no email twice, one that leads."""

import asyncio
import os
import shutil
import signal
import time
from contextlib import nullcontext, suppress
from typing import Final

import pytest

from bot.demo.scenario.sample_data import LANTERNS, Customer, license_record
from bot.store.engine import migrate
from tests.machine import limit
from tests.postgres import needs_a_server
from tests.scenarios.copies import NAMES, NEXT, SEED, THIS, cluster
from tests.scenarios.crew import insist, work
from tests.scenarios.team_day import TeamDay
from tests.world import World

pytestmark = needs_a_server

SECONDS: Final = float(os.environ.get("CLUSTER_SECONDS", "60"))
TAKEOVER_S: Final = 30.0
"""The longest time without a copy that leads."""
AT_ONCE: Final = 8
"""The most trials that are worked on at the same time."""
APPS: Final = 12
"""Apps with a channel of their own, in which a digest is due at some time."""
MIGRATION: Final = """
import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "{newest}"


def upgrade():
    op.add_column("evaluation", sa.Column("of_the_next_version", sa.Text()))
    op.create_index("ix_of_the_next_version", "evaluation", ["of_the_next_version"])
    op.create_table("next_version", sa.Column("id", sa.Integer(), primary_key=True))
    message = "'of the next version', 'C0EVALS', 'due', 0, clock_timestamp(), clock_timestamp()"
    op.execute(f"INSERT INTO delivery (kind, channel, state, attempts, at, due_at) VALUES ({{message}})")
"""
"""What makes the next version: tables of its own, and a message of a kind that this version does not know."""
_JOBS: Final[tuple[tuple[str, ...], ...]] = (("claim", "mail"), ("claim",), ("claim",), ())
"""What is done for one firm after the other. Of the last, the team is reminded."""


class Team:
    """People who work on each trial, and do again what did not work, as people do."""

    def __init__(self, here: World, *, try_again: bool = True) -> None:
        self.here = here
        self._tries_again = try_again
        self.came: list[tuple[Customer, tuple[str, ...]]] = []
        """Who tried an app, and what was done for them."""
        self._working: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()
        """One person writes all emails, one after the other."""

    async def work(self, *, until: float, every: float) -> None:
        """Let trials start and be worked on until a moment, and end what was begun."""
        while time.monotonic() < until:
            number = len(self.came) + 1
            name = f"firm-{number:04}"
            firm = Customer(
                f"Firm {number:04} Test", "Canada", "Americas", name, f"Pat {number:04}", f"pat@{name}.test"
            )
            self.here.marketplace.add(license_record(number, LANTERNS, firm, self.here.clock.today()))
            jobs = _JOBS[number % len(_JOBS)]
            self.came.append((firm, jobs))
            self._working.add(asyncio.create_task(self._serve(firm, jobs)))
            await asyncio.sleep(every)
            while sum(not each.done() for each in self._working) >= AT_ONCE:
                await asyncio.wait(self._working, return_when=asyncio.FIRST_COMPLETED, timeout=1)
                await asyncio.gather(*(each for each in self._working if each.done()))
        await asyncio.gather(*self._working)

    async def _serve(self, firm: Customer, jobs: tuple[str, ...]) -> None:
        ends = time.monotonic() + limit(240)
        for job in jobs:
            while not await self._try(firm, job):
                assert time.monotonic() < ends, f"{firm.company}: {job} cannot be done"

    async def _try(self, firm: Customer, job: str) -> bool:
        async with self._writing if job == "mail" else nullcontext():
            if not self._tries_again:
                await work(self.here, firm, jobs=(job,))
                return True
            with suppress(AssertionError, IndexError, TimeoutError):
                await insist(self.here, firm, jobs=(job,))
                return True
            return False


async def _survive(
    here: World, *, seconds: float, pause: tuple[float, float], faults: tuple[str, ...], every: float
) -> None:
    async with cluster(here) as both:
        watching = asyncio.create_task(both.watch())
        day = TeamDay(here, both.address, apps=APPS, unclaimed="20s")
        await day.begin()
        until, team = time.monotonic() + seconds, Team(here)
        going_on = asyncio.create_task(day.go_on(until=until))
        working = asyncio.create_task(team.work(until=until, every=every))
        await here.until(here.workspace.messages)
        while time.monotonic() < until and not working.done():
            await asyncio.sleep(both.random.uniform(*pause))
            await both.strike(both.random.choice(faults))
        for copy in both.copies:
            copy.clock.write_text("0")
        await asyncio.gather(working, going_on)
        watching.cancel()
        leaders = await both.holds_for(team.came, day)
        longest = max(both.without_leader, default=0.0)
        print(  # noqa: T201  the figures of `make cluster`
            f"\nseed {SEED}: {len(team.came)} trials, {len(here.mailbox.mails)} emails, {APPS} digests, "
            f"{leaders} leaders; "
            f"at most {longest:.1f} s without one; {', '.join(both.happened)}"
        )
        assert longest < limit(TAKEOVER_S)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_after_a_kill_and_a_restart_of_the_database_nothing_is_lost_or_doubled(here: World) -> None:
    async with cluster(here) as both:
        team, day, until = Team(here), TeamDay(here, both.address, apps=2, unclaimed="4s"), time.monotonic() + 12
        working = asyncio.create_task(team.work(until=until, every=4))
        await day.begin()
        going_on = asyncio.create_task(day.go_on(until=until))
        await both.kill(await both.leader())
        await both.restart(both.copies[0])
        await asyncio.gather(working, going_on)
        await both.holds_for(team.came, day)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_an_update_of_one_copy_after_the_other_and_back_loses_no_press(here: World) -> None:
    shutil.copytree(migrate.SCRIPTS, here.folder / "migrations")
    script = here.folder / "migrations" / "versions" / "9000_next.py"
    script.write_text(MIGRATION.format(newest=migrate.newest()))
    async with cluster(here) as both:
        await here.workspace.until(lambda: here.workspace.sockets == len(NAMES), within=limit(120))
        team = Team(here, try_again=False)
        working = asyncio.create_task(team.work(until=time.monotonic() + 45, every=3))
        await here.until(here.workspace.messages)
        for version in (NEXT, THIS):
            for copy in both.copies:
                assert copy.life is not None
                copy.version = version
                copy.send(signal.SIGTERM)
                assert await copy.life.end() == 0
                await both.start(copy)
                await here.workspace.until(lambda: here.workspace.sockets == len(NAMES), within=limit(120))
        await working
        await both.holds_for(team.came)
        [[tables]] = await both.ask("SELECT version_num FROM alembic_version")
        [[leads]] = await both.ask("SELECT version FROM lease WHERE until > clock_timestamp()")
        assert (tables, leads) == ("9000", THIS)


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_whatever_happens_to_two_copies_nothing_is_lost_or_doubled(here: World) -> None:
    faults = ("kill", "stop", "cut", "restart", "clock")
    await _survive(here, seconds=SECONDS, pause=(20, 40), faults=faults, every=2)
