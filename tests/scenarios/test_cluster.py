"""Two copies on PostgreSQL while everything goes wrong around them: one card each, no email twice, one that leads."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # ships no types
import pytest

from bot.demo.scenario.sample_data import LANTERNS, Customer, license_record
from tests.cut_line import Line, running_line
from tests.machine import limit
from tests.postgres import Server, needs_a_server, running_server
from tests.scenarios.crew import insist, nothing_is_lost_or_doubled, work
from tests.scenarios.process import FORKS, Life, by_the_wall_clock, life, live
from tests.world import World

pytestmark = needs_a_server

SECONDS: Final = float(os.environ.get("CLUSTER_SECONDS", "60"))
SEED: Final = int(os.environ.get("CLUSTER_SEED", time.time()))
STOPPED_S: Final = 30.0
TAKEOVER_S: Final = 30.0
"""The longest time without a copy that leads."""
AT_ONCE: Final = 8
"""The most trials that are worked on at the same time."""
NAMES: Final = ("ada", "bob")
WITNESS: Final = """
CREATE TABLE witness (id bigserial, who name, epoch bigint, holder text, what text);
CREATE FUNCTION bear_witness() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO witness (who, epoch, holder, what)
    SELECT current_user, epoch, holder, TG_TABLE_NAME FROM lease WHERE name = 'main';
  RETURN NULL;
END $$;
CREATE TRIGGER leads AFTER INSERT ON poll FOR EACH ROW EXECUTE FUNCTION bear_witness();
CREATE TRIGGER leads AFTER UPDATE ON delivery FOR EACH ROW
  WHEN (NEW.state = 'sending') EXECUTE FUNCTION bear_witness();
CREATE TRIGGER leads AFTER UPDATE ON mail FOR EACH ROW
  WHEN (NEW.state = 'sending') EXECUTE FUNCTION bear_witness();
"""
"""What only the copy that leads writes, with who wrote it and who held the lease in the same transaction."""
OWED: Final = """
SELECT 1 FROM delivery WHERE kind IN ('card', 'note')
  AND (state IN ('due', 'sending') OR state = 'unknown' AND ts IS NULL) LIMIT 1
"""


@dataclass
class Copy:
    """One of the two copies, with the line to its database and the clock of its machine."""

    name: str
    line: Line
    clock: Path
    life: Life | None = None
    version: str = "1.0.0"
    pids: set[int] = field(default_factory=set)

    def send(self, number: int) -> None:
        """Send its process a signal."""
        assert self.life is not None
        self.life.send(number)


def _live_by_a_clock_of_its_own(
    folder: Path, environment: Mapping[str, str], log: Path, clock: Path, version: str
) -> None:
    from bot.app import run, scheduler  # noqa: PLC0415  in the new process
    from bot.store import leases  # noqa: PLC0415  in the new process

    vars(leases)["version"] = lambda _: version

    def ahead() -> timedelta:
        return timedelta(seconds=float(clock.read_text() or 0))

    for each, name, clock_of in (
        (run.run, "clock", lambda: datetime.now(UTC) + ahead()),
        (scheduler.Scheduler.__init__, "now", lambda: time.time() + ahead().total_seconds()),
    ):
        each.__kwdefaults__ = {**(each.__kwdefaults__ or {}), name: clock_of}
    live(folder, environment, log)


class Cluster:
    """Both copies, and what happens to them."""

    def __init__(self, here: World, server: Server, copies: list[Copy], database: str) -> None:
        self.here = here
        self.server = server
        self.copies = copies
        self.random = random.Random(SEED)  # noqa: S311  no secret
        self.happened: list[str] = []
        self.without_leader: list[float] = []
        self._database = database
        self._lives = AsyncExitStack()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Both copies at work."""
        try:
            for copy in self.copies:
                await self.start(copy)
                if copy is self.copies[0]:
                    await self.here.until(lambda: self.here.workspace.sockets)
                    await self.ask(WITNESS)
            yield
        finally:
            for copy in self.copies:
                copy.send(signal.SIGCONT)
            await self._lives.aclose()

    async def start(self, copy: Copy) -> None:
        """Start a copy; it need not be ready."""

        async def birth(folder: Path, environment: Mapping[str, str], log: Path) -> tuple[int, Awaitable[int]]:
            process = FORKS.Process(
                target=_live_by_a_clock_of_its_own, args=(folder, environment, log, copy.clock, copy.version)
            )
            process.start()
            assert process.pid is not None
            copy.pids.add(process.pid)

            def wait() -> int:
                process.join()
                return process.exitcode or 0

            return process.pid, asyncio.to_thread(wait)

        url = f"postgresql+asyncpg://{copy.name}@127.0.0.1:{copy.line.port}/{self._database}"
        running = life(
            self.here,
            birth=birth,
            ready=lambda: True,
            log_name=f"log-{copy.name}-{len(copy.pids)}",
            database_url=url,
            poll_every="2s",
        )
        copy.life = await self._lives.enter_async_context(running)

    async def ask(self, query: str) -> Any:  # noqa: ANN401  rows
        """Ask the database past the lines."""
        connection = await asyncpg.connect(f"postgresql://bot@127.0.0.1:{self.server.port}/{self._database}")
        try:
            return await (connection.fetch(query) if query.lstrip().startswith("SELECT") else connection.execute(query))
        finally:
            await connection.close()

    async def watch(self) -> None:
        """Measure how long nobody leads."""
        since: float | None = None
        while True:
            leads = []
            with suppress(OSError, asyncpg.PostgresError):
                leads = await self.ask("SELECT 1 FROM lease WHERE holder IS NOT NULL AND until > clock_timestamp()")
            if leads and since is not None:
                self.without_leader.append(time.monotonic() - since)
                since = None
            elif not leads and since is None:
                since = time.monotonic()
            await asyncio.sleep(0.2)

    async def leader(self) -> Copy:
        """The copy that leads, or any."""
        with suppress(OSError, asyncpg.PostgresError):
            for row in await self.ask("SELECT pid FROM lease WHERE holder IS NOT NULL"):
                for copy in self.copies:
                    if row["pid"] in copy.pids:
                        return copy
        return self.random.choice(self.copies)

    async def strike(self, fault: str) -> None:
        """Let something go wrong, with the leader more often than with the other."""
        for copy in self.copies:
            assert copy.life is not None
            assert not copy.life.ended.done(), f"{copy.name} ended by itself"
        copy = await self.leader() if self.random.random() < 0.7 else self.random.choice(self.copies)
        self.happened.append(f"{fault} {copy.name}")
        await self._faults[fault](self, copy)

    async def kill(self, copy: Copy) -> None:
        """End a copy in the middle of whatever it does, and start it again."""
        copy.send(signal.SIGKILL)
        assert copy.life is not None
        await copy.life.end()
        await asyncio.sleep(self.random.uniform(0, 3))
        await self.start(copy)

    async def stop(self, copy: Copy) -> None:
        """Let a copy stand still for longer than its lease lasts."""
        copy.send(signal.SIGSTOP)
        await asyncio.sleep(STOPPED_S)
        copy.send(signal.SIGCONT)

    async def cut(self, copy: Copy) -> None:
        """Cut its line to the database."""
        copy.line.cut()
        await asyncio.sleep(STOPPED_S * self.random.uniform(0.3, 1))
        copy.line.mend()

    async def restart(self, _copy: Copy) -> None:
        """Restart the database."""
        await asyncio.to_thread(self.server.restart, self.random.choice(["fast", "immediate"]))

    async def set_clock(self, copy: Copy) -> None:
        """Set the clock of its machine."""
        copy.clock.write_text(str(self.random.choice([-3600, 3600])))
        await asyncio.sleep(10)

    _faults: Mapping[str, Callable[["Cluster", Copy], Awaitable[None]]] = {
        "kill": kill,
        "stop": stop,
        "cut": cut,
        "restart": restart,
        "clock": set_clock,
    }

    async def at_rest(self) -> None:
        """Wait until the copies owe Slack no card and no line: a card shows what was done before its thread does."""
        async with asyncio.timeout(limit(60)):
            while await self.ask(OWED):  # noqa: ASYNC110  nothing tells
                await asyncio.sleep(0.1)

    async def holds_for(self, team: "Team") -> int:
        """Check what must be true in the end; how many leaders there were."""
        await self.at_rest()
        for firm, jobs in team.came:
            nothing_is_lost_or_doubled(self.here, firm, jobs=jobs)
        pids = {copy.name: copy.pids for copy in self.copies}
        rows = await self.ask("SELECT who, epoch, holder, what FROM witness ORDER BY id")
        for row in rows:
            assert row["holder"] is not None, dict(row)
            assert int(row["holder"].split("/")[1]) in pids[row["who"]], dict(row)
        epochs = [row["epoch"] for row in rows]
        assert epochs == sorted(epochs)
        return len(set(epochs))


@asynccontextmanager
async def cluster(here: World) -> AsyncIterator[Cluster]:
    """Two copies, each with a line of its own to one database."""
    by_the_wall_clock(here)
    async with AsyncExitStack() as stack:
        server = stack.enter_context(running_server())
        server.create("cluster")
        copies = []
        for name in NAMES:
            clock = here.folder / f"clock-{name}"
            clock.write_text("0")
            copies.append(Copy(name, await stack.enter_async_context(running_line(server.port)), clock))
        found = Cluster(here, server, copies, "cluster")
        for name in NAMES:
            await found.ask(f"CREATE ROLE {name} SUPERUSER LOGIN")
        await stack.enter_async_context(found.run())
        yield found


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
            jobs = ("claim", "mail") if number % 3 == 0 else ("claim",)
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
        until, team = time.monotonic() + seconds, Team(here)
        working = asyncio.create_task(team.work(until=until, every=every))
        await here.until(here.workspace.messages)
        while time.monotonic() < until and not working.done():
            await asyncio.sleep(both.random.uniform(*pause))
            await both.strike(both.random.choice(faults))
        for copy in both.copies:
            copy.clock.write_text("0")
        await working
        watching.cancel()
        leaders = await both.holds_for(team)
        longest = max(both.without_leader, default=0.0)
        print(  # noqa: T201  the figures of `make cluster`
            f"\nseed {SEED}: {len(team.came)} trials, {len(here.mailbox.mails)} emails, {leaders} leaders; "
            f"at most {longest:.1f} s without one; {', '.join(both.happened)}"
        )
        assert longest < limit(TAKEOVER_S)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_after_a_kill_and_a_restart_of_the_database_nothing_is_lost_or_doubled(here: World) -> None:
    async with cluster(here) as both:
        team = Team(here)
        working = asyncio.create_task(team.work(until=time.monotonic() + 12, every=4))
        await here.until(here.workspace.messages)
        await both.kill(await both.leader())
        await both.restart(both.copies[0])
        await working
        await both.holds_for(team)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_an_update_of_one_copy_after_the_other_and_back_loses_no_press(here: World) -> None:
    async with cluster(here) as both:
        await here.workspace.until(lambda: here.workspace.sockets == len(NAMES), within=limit(120))
        team = Team(here, try_again=False)
        working = asyncio.create_task(team.work(until=time.monotonic() + 45, every=3))
        await here.until(here.workspace.messages)
        for version in ("1.1.0", "1.0.0"):
            for copy in both.copies:
                assert copy.life is not None
                copy.version = version
                copy.send(signal.SIGTERM)
                assert await copy.life.end() == 0
                await both.start(copy)
                await here.workspace.until(lambda: here.workspace.sockets == len(NAMES), within=limit(120))
        await working
        await both.holds_for(team)


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_whatever_happens_to_two_copies_nothing_is_lost_or_doubled(here: World) -> None:
    faults = ("kill", "stop", "cut", "restart", "clock")
    await _survive(here, seconds=SECONDS, pause=(20, 40), faults=faults, every=2)
