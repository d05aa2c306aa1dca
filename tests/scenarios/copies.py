"""Two copies of the bot on one PostgreSQL, each with a line of its own to it, and all that can go wrong around them."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # ships no types

from bot.demo.scenario.sample_data import Customer
from tests.cut_line import Line, running_line
from tests.machine import limit
from tests.postgres import Server, running_server
from tests.scenarios.crew import nothing_is_lost_or_doubled
from tests.scenarios.process import FORKS, Life, by_the_wall_clock, life, live
from tests.scenarios.team_day import UNCLAIMED, TeamDay
from tests.world import World

SEED: Final = int(os.environ.get("CLUSTER_SEED", time.time()))
STOPPED_S: Final = 30.0
NAMES: Final = ("ada", "bob")
THIS: Final = "1.0.0"
NEXT: Final = "1.1.0"
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
SELECT 1 FROM delivery WHERE kind IN ('card', 'note', 'reminder', 'digest')
  AND (state IN ('due', 'sending') OR state = 'unknown' AND ts IS NULL) LIMIT 1
"""


@dataclass
class Copy:
    """One of the two copies, with the line to its database and the clock of its machine."""

    name: str
    line: Line
    clock: Path
    life: Life | None = None
    version: str = THIS
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
    from bot.store.engine import migrate  # noqa: PLC0415  in the new process

    for module in (leases, migrate):
        vars(module)["version"] = lambda _: version
    if version == NEXT:
        vars(migrate)["SCRIPTS"] = folder / "migrations"

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
        self.address = f"postgresql+asyncpg://bot@127.0.0.1:{server.port}/{database}"
        """Of the database, past the lines."""
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
        connection = await asyncpg.connect(self.address.replace("+asyncpg", ""))
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
        copy.line.restore()

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
        """Wait until the copies owe Slack nothing: a card shows what was done before its thread does."""
        async with asyncio.timeout(limit(60)):
            while await self.ask(OWED):  # noqa: ASYNC110  nothing tells
                await asyncio.sleep(0.1)

    async def remind_of_all(self, day: TeamDay) -> None:
        """Wait until each digest has come, and each reminder that is due by the database's clock."""
        query = UNCLAIMED.format(seconds=day.unclaimed.amount)
        async with asyncio.timeout(limit(120)):
            while day.missing(await self.ask(query)):  # noqa: ASYNC110  nothing tells
                await asyncio.sleep(0.5)

    async def holds_for(self, came: Sequence[tuple[Customer, tuple[str, ...]]], day: TeamDay | None = None) -> int:
        """Check what must be true in the end, for everybody who came. Return how many leaders there were."""
        if day is not None:
            await self.remind_of_all(day)
        await self.at_rest()
        if day is not None:
            day.nothing_came_twice()
        for firm, jobs in came:
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
