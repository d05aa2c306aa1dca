"""One measured read of the report by the bot, in a process of its own."""

import argparse
import asyncio
import cProfile
import json
import os
import pstats
import resource
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import event
from sqlalchemy.engine import Engine

from benchmarks.processor import ProcessorWatch
from benchmarks.server import DEVELOPER_ID
from benchmarks.vendor import A_ROUND, NOON
from bot.app.components import Components, open_components
from bot.app.run import tune_process
from bot.config.loader import settings_of
from bot.domain.commands import read_command
from bot.domain.listing import FindQuery, ListQuery
from bot.domain.report_request import ReportRequest
from bot.log.setup import set_up_logging
from bot.services.team.home import HomeTabs
from bot.services.team.lists import Lists
from bot.services.team.reports import TeamReports
from bot.slack.client.users import SlackUsers
from bot.slack.views.home import home_tab
from bot.slack.views.lists import found_message, list_message
from bot.slack.views.report import report_message

CHANNEL: Final = "C0BENCH"
TYPED: Final = (
    *("today", "week", "mine", "unowned", "expiring", "find indigo bakery", "find ltd", "find E-4AB", "find nobody"),
    *("find birch-analytics-7", "find birch-analytics-7.example", "find ada.sample@birch-analytics-7.example"),
    *("report", "report speed", "report team"),
)
"""What is typed after `/evaluators`."""
HOME: Final = "Home"
PERSON: Final = "U0BENCH07"
"""Somebody of the team in `benchmarks.work`."""
_A_PROFILE: Final = 40
"""Lines of a profile."""


def given(store: str, *, server: str, rows: int) -> dict[str, object]:
    """Return the settings of a bot with this store and a vendor with this many licenses, by name.

    A store is the path of a SQLite file, or the address of a PostgreSQL database.
    """
    return {
        "slack_bot_token": "xoxb-nobody",
        "slack_app_token": "xapp-nobody",
        "slack_channel": CHANNEL,
        "marketplace_user": "vendor@lanternworks.example",
        "marketplace_token": "nobody",
        "marketplace_developer_id": DEVELOPER_ID,
        "marketplace_api_url": f"{server}/{rows}",
        "database_url": store if "://" in store else f"sqlite+aiosqlite:///{store}",
        "secret_key": "benchmark " * 4,
        "http_port": 0,
    }


@asynccontextmanager
async def bot(store: str, *, server: str, rows: int, after: timedelta) -> AsyncIterator[Components]:
    """Open a bot with this store and a vendor with this many licenses, this long after the first noon."""
    tune_process()
    settings = settings_of(**given(store, server=server, rows=rows))
    async with open_components(settings, clock=lambda: NOON + after) as parts:
        yield parts


async def sweep(asked: argparse.Namespace) -> dict[str, Any]:
    """Read the full report: into a new store on the first day, later to find that nothing changed."""
    with TemporaryDirectory() as folder:
        async with bot(f"{folder}/idle.db", server=asked.server, rows=0, after=timedelta()) as parts:
            await parts.poller.poll()
            idle = _peak()
    async with bot(asked.store, server=asked.server, rows=asked.rows, after=timedelta(days=asked.day)) as parts:
        with _profile(asked.profile):
            watch, began = ProcessorWatch(asked.database_server), time.perf_counter()
            stats = await parts.poller.poll()
            seconds, cpu = time.perf_counter() - began, watch.seconds()
        peak = _peak()
    return {"rows": stats.rows, "started": stats.started, "seconds": seconds, "cpu": cpu, "above_idle": peak - idle}


async def polls(asked: argparse.Namespace) -> dict[str, Any]:
    """Poll once for each round, each with other changed licenses; the first warms up."""
    seconds, cpu, started = [], [], 0
    minutes = timedelta(minutes=asked.first)
    async with (
        httpx.AsyncClient() as http,
        bot(asked.store, server=asked.server, rows=asked.rows, after=minutes) as parts,
    ):
        for number in range(asked.first, asked.first + asked.count):
            await http.put(f"{asked.server}/changed/{number * A_ROUND}/{A_ROUND}")
            with _profile(asked.profile):
                watch, began = ProcessorWatch(asked.database_server), time.perf_counter()
                stats = await parts.poller.poll()
                seconds.append(time.perf_counter() - began)
                cpu.append(watch.seconds())
            started += stats.started
        await http.put(f"{asked.server}/changed/0/0")
    return {"started": started, "seconds": seconds[1:], "cpu": sum(cpu[1:])}


async def lists(asked: argparse.Namespace) -> dict[str, Any]:
    """Ask for every list and report and a Home tab, and look for customers, again and again, as a person does."""
    seconds: dict[str, list[float]] = {typed: [] for typed in asked.typed or (*TYPED, HOME)}
    answers: dict[str, list[float]] = {typed: [] for typed in seconds}
    statements: dict[str, int] = {}
    async with bot(asked.store, server=asked.server, rows=asked.rows, after=timedelta()) as parts:
        found = Lists(parts.store, zone=ZoneInfo("UTC"), slack_user=SlackUsers(parts.client).user, clock=lambda: NOON)
        home = HomeTabs(
            parts.store, parts.slack, found, own_sites={"acme-dev"}, workspace_url=lambda: None, clock=lambda: NOON
        )
        reports = TeamReports(parts.store, own_sites={"acme-dev"}, clock=lambda: NOON, zone=ZoneInfo("UTC"))

        async def ask(typed: str) -> None:
            query, today = read_command(typed, today=found.today()), found.today()
            began = time.perf_counter()
            read: Any = None
            if typed == HOME:
                read = await home.read(PERSON)
            elif isinstance(query, FindQuery):
                read = await found.find(query, user=PERSON)
            elif isinstance(query, ListQuery):
                read = await found.page(query, 0, user=PERSON)
            elif isinstance(query, ReportRequest):
                read = await reports.report(query)
            seconds[typed].append(time.perf_counter() - began)
            _drawn(read, query, today=today)
            answers[typed].append(time.perf_counter() - began)

        for typed in seconds:
            with _counted_statements() as sent:
                await ask(typed)
            statements[typed] = len(sent)
        watch = ProcessorWatch(asked.database_server)
        with _profile(asked.profile):
            for typed in list(seconds) * (asked.count - 1):
                await ask(typed)
        cpu = watch.seconds()
    return {
        "cpu": cpu,
        "first": {typed: times[0] for typed, times in seconds.items()},
        "seconds": {typed: times[1:] for typed, times in seconds.items()},
        "answers": {typed: times[1:] for typed, times in answers.items()},
        "statements": statements,
    }


def _drawn(read: Any, query: object, *, today: date) -> object:  # noqa: ANN401  whatever was asked for
    """Return what Slack would be sent."""
    match query:
        case FindQuery():
            return found_message(read, query, today=today, workspace_url=None)
        case ListQuery():
            return list_message(read, query, today=today, workspace_url=None)
        case ReportRequest():
            return report_message(read)
        case _:
            return home_tab(read, today=today, workspace_url=None)


@contextmanager
def _counted_statements() -> Iterator[list[str]]:
    """Note the statements that the database gets, without those that begin a transaction."""
    sent = list[str]()

    def note(*args: Any) -> None:  # noqa: ANN401  SQLAlchemy's
        if not args[2].startswith(("BEGIN", "SET TRANSACTION")):
            sent.append(args[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def command(asked: argparse.Namespace) -> dict[str, Any]:
    """Call a command as a person does, in a process of its own."""
    settings = given(asked.store, server=asked.server, rows=asked.rows)
    environment = os.environ | {name.upper(): str(value) for name, value in settings.items()}
    called = (sys.executable, "-m", "bot", *asked.words.split())
    process = await asyncio.create_subprocess_exec(
        *called, env=environment, cwd=asked.store.parent, stdout=asyncio.subprocess.DEVNULL
    )
    if await process.wait():
        raise SystemExit(f"“{asked.words}” failed, so nothing was measured.")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"cpu": used.ru_utime + used.ru_stime}


@contextmanager
def _profile(file: Path | None) -> Iterator[None]:
    """Write a profile to a file, if one is given: the slowest functions of the bot's main thread first.

    `poll` in it is waiting: for the network, or for the database thread.
    """
    if file is None:
        yield
        return
    with cProfile.Profile() as profile:
        yield
    with file.open("w") as text:
        pstats.Stats(profile, stream=text).sort_stats("tottime").print_stats(_A_PROFILE)


def _peak() -> int:
    """Return the peak memory of this process in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Print what was measured as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--store", required=True, help="a SQLite file, or the address of a PostgreSQL database")
    parser.add_argument("--rows", type=int, required=True, help="licenses the vendor has")
    parser.add_argument("--profile", type=Path)
    parser.add_argument("--database-server", type=int, help="the first process of a PostgreSQL server")
    kinds = parser.add_subparsers(required=True)
    sweeping = kinds.add_parser("sweep")
    sweeping.add_argument("--day", type=int, default=0, help="days after the first")
    sweeping.set_defaults(measure=sweep)
    polling = kinds.add_parser("polls")
    polling.add_argument("--first", type=int, required=True, help="the round to begin with")
    polling.add_argument("--count", type=int, required=True)
    polling.set_defaults(measure=polls)
    listing = kinds.add_parser("lists")
    listing.add_argument("--count", type=int, required=True, help="how often; the first time warms up")
    listing.add_argument("--typed", action="append", help="only this list")
    listing.set_defaults(measure=lists)
    calling = kinds.add_parser("command")
    calling.add_argument("words", help="after `evaluator-bot`")
    calling.set_defaults(measure=command)
    asked = parser.parse_args()
    set_up_logging(json=True, level="warning")
    sys.stdout.write(json.dumps(asyncio.run(asked.measure(asked))))


if __name__ == "__main__":
    main()
