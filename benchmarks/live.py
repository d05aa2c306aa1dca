"""A running bot in a process of its own. It takes commands on standard input and ends when that ends.

`usage` prints what the process has used so far; `poll` reads what is new in the report; `sweep` lets a day pass and
reads all of it.
"""

import argparse
import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks.vendor import NOON
from bot.app.clock import utc_now
from bot.app.components import Components, open_components
from bot.app.context import Timing
from bot.app.run import run_components, tune_process
from bot.config.loader import settings_of
from bot.domain.health import PollStats
from bot.domain.outbox import ApiMethod
from bot.log.setup import set_up_logging
from bot.services.slack_delivery.rate_limits import NO_LIMIT, SLACK_LIMITS, Limits

_AT_ONCE: Final = dict.fromkeys(ApiMethod, Limits(workspace=NO_LIMIT))
_NEXT_SWEEP: Final = timedelta(hours=25)


class Live:
    """A running bot, and what can be asked of it."""

    def __init__(self, parts: Components, pass_by: Callable[[timedelta], None]) -> None:
        self._parts = parts
        self._pass_by = pass_by

    async def usage(self) -> dict[str, Any]:
        """Return the seconds of processor time and the bytes of memory of this process."""
        return {"cpu": time.process_time(), "resident": _resident()}

    async def poll(self) -> dict[str, Any]:
        """Read what is new in the report."""
        return asdict(await self._poll())

    async def sweep(self) -> dict[str, Any]:
        """Read the full report."""
        self._pass_by(_NEXT_SWEEP)
        began = time.perf_counter()
        stats = await self._poll()
        return {**asdict(stats), "seconds": time.perf_counter() - began}

    async def _poll(self) -> PollStats:
        with self._parts.store.leases.as_leader():
            return await self._parts.poller.poll()


def _resident() -> int:
    """Return the memory of this process in bytes; if that is unknown, its peak."""
    counted = Path("/proc/self/statm")
    if counted.exists():
        return int(counted.read_text().split()[1]) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


async def live(asked: argparse.Namespace) -> None:
    """Run the bot and obey the commands."""
    tune_process()
    moment = {"after": timedelta()}
    started = utc_now()

    def pass_by(span: timedelta) -> None:
        moment["after"] += span

    def clock() -> datetime:
        begins = NOON if asked.noon else started
        return begins + (datetime.now(UTC) - started) + moment["after"]

    settings = settings_of(**json.loads(asked.settings))
    limits = _AT_ONCE if asked.unpaced else SLACK_LIMITS
    async with (
        open_components(settings, clock=clock) as parts,
        run_components(settings, parts, clock=clock, timing=Timing(limits=limits)),
    ):
        bot = Live(parts, pass_by)
        able: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
            "usage": bot.usage,
            "poll": bot.poll,
            "sweep": bot.sweep,
        }
        while words := (await asyncio.to_thread(sys.stdin.readline)).strip():
            sys.stdout.write(f"{json.dumps(await able[words]())}\n")
            sys.stdout.flush()


@asynccontextmanager
async def bot_at_work(settings: dict[str, object], *options: str) -> AsyncIterator[Callable[[str], Awaitable[Any]]]:
    """Start a bot in a new process until the end of the block; yields a function that sends it a command."""
    given = (sys.executable, "-m", "benchmarks.live", f"--settings={json.dumps(settings)}", *options)
    process = await asyncio.create_subprocess_exec(
        *given, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    stated, says = process.stdin, process.stdout
    if stated is None or says is None:
        raise RuntimeError("a process was started without its pipes")

    async def ask(words: str) -> Any:  # noqa: ANN401  JSON
        stated.write(f"{words}\n".encode())
        return json.loads(await says.readline())

    try:
        yield ask
    finally:
        stated.close()
        await process.wait()


def main() -> None:
    """Read from the command line where Slack and the report are."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--settings", required=True, help="as JSON, by name")
    parser.add_argument("--unpaced", action="store_true", help="as fast as Slack answers")
    parser.add_argument("--noon", action="store_true", help="it is the first noon of the other measurements")
    asked = parser.parse_args()
    set_up_logging(json=True, level="warning")
    asyncio.run(live(asked))


if __name__ == "__main__":
    main()
