"""The bot as a process of its own, which a test can kill at the moment of its choice."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import aiohttp

from tests.log_watch import WATCH
from tests.machine import limit
from tests.world import WallClock, World

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["bot.cli.main", "aiosqlite", "sqlalchemy.dialects.sqlite.aiosqlite"])


@dataclass(frozen=True, kw_only=True)
class Life:
    """One run of the process; `log` is what it wrote to stderr."""

    pid: int
    log: Path
    ended: "asyncio.Task[int]"

    def send(self, number: int) -> None:
        """Send it a signal, unless it is gone."""
        if not self.ended.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Let it end in the middle of whatever it is doing."""
        self.send(signal.SIGKILL)

    async def end(self) -> int:
        """Its exit code; TimeoutError when it takes longer than it may after a signal."""
        return await asyncio.wait_for(asyncio.shield(self.ended), timeout=limit(10))


Birth = Callable[[Path, Mapping[str, str], Path], Awaitable[tuple[int, Awaitable[int]]]]


async def afresh(folder: Path, environment: Mapping[str, str], log: Path) -> tuple[int, Awaitable[int]]:
    """As an operator starts it, in an empty folder and with nothing but settings around."""
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", cwd=folder, env={"PATH": "", **environment}, stderr=stderr
        )
    return process.pid, process.wait()


async def forked(folder: Path, environment: Mapping[str, str], log: Path) -> tuple[int, Awaitable[int]]:
    """The same from the end of its imports on: those take longer than all that a crash can hit."""
    process = FORKS.Process(target=live, args=(folder, environment, log))
    process.start()
    assert process.pid is not None

    def wait() -> int:
        process.join()
        return process.exitcode or 0

    return process.pid, asyncio.to_thread(wait)


def live(folder: Path, environment: Mapping[str, str], log: Path) -> None:
    from bot.cli.main import main  # noqa: PLC0415  imported by the server of forks, long before

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), sys.stderr.fileno())
    sys.argv = ["evaluator-bot", "run"]
    main()


@asynccontextmanager
async def life(
    here: World,
    *,
    birth: Birth = afresh,
    ends_by: int = signal.SIGTERM,
    ready: Callable[[], object] | None = None,
    **changes: object,
) -> AsyncIterator[Life]:
    """`evaluator-bot run` from the moment it is ready, which is when its socket is open; ended by a signal.

    `log_name` is the name of its log, if another copy has one, too.
    """
    log = here.folder / str(changes.pop("log_name", "log"))
    pid, ended = await birth(
        here.folder, here.environment(**{"poll_every": "1s", "log_level": "debug", **changes}), log
    )
    life = Life(pid=pid, log=log, ended=asyncio.ensure_future(_code(ended)))
    try:
        await here.until(ready or (lambda: here.workspace.sockets))
        yield life
    except BaseException as exc:
        life.kill()
        exc.add_note(log.read_text())
        raise
    finally:
        life.send(ends_by)
        await life.end()
        WATCH.read(log)


async def _code(ended: Awaitable[int]) -> int:
    return await ended


async def at_rest(here: World, bot: Life) -> None:
    """Wait until the bot, as its health says, has read the report and owes Slack nothing."""
    async with asyncio.timeout(limit(60)), aiohttp.ClientSession() as session:
        port = int(re.findall(r"running .* port=(\d+)", bot.log.read_text())[-1])
        while True:
            with suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{port}/health") as answer:
                    figures = await answer.json()
                    if figures["last_poll"] == "good" and not figures["waiting_for_slack"] and here.workspace.sockets:
                        return
            await asyncio.sleep(0.1)


def by_the_wall_clock(here: World) -> None:
    """A process of its own knows no other clock."""
    here.clock = WallClock()
    here.marketplace.today = here.clock.today
    here.workspace.allow(seconds=limit(3))
