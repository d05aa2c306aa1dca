"""The processes of a measurement: a Marketplace, the bot, the floor. Each is new each time."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO

import httpx

from benchmarks.server import DEVELOPER_ID

_ROOT: Final = Path(__file__).parent.parent
_MOST_SECONDS: Final = 840.0
"""For everything; what is not done by then is not measured."""
_A_MEASUREMENT: Final = 60.0
"""Seconds after which a measurement is not repeated."""


class Bench:
    """A folder for stores, a Marketplace, and a clock that runs down."""

    def __init__(self, server: str, folder: Path, *, repeat: int, log: TextIO) -> None:
        self._server = server
        self.folder = folder
        self._repeat = repeat
        self._log = log
        self._ends = time.monotonic() + _MOST_SECONDS
        self.database_server: int | None = None
        """The first process of the PostgreSQL server; its processor time counts where a store is on it."""

    def note(self, line: str) -> None:
        """Say something beside the table."""
        self._log.write(f"{line}\n")

    def times(self) -> Iterator[int]:
        """Return the repetitions of a measurement, fewer if it is slow."""
        stops = time.monotonic() + _A_MEASUREMENT
        for number in range(self._repeat):
            if number and time.monotonic() > stops:
                return
            yield number

    def sweep(self, store: str, *, rows: int, day: int = 0, profile: Path | None = None) -> dict[str, Any]:
        """Let the bot read the full report: into a new store on the first day, later to find that nothing changed."""
        result = self._ours(store, "sweep", f"--day={day}", rows=rows, profile=profile)
        if result["rows"] < rows or bool(result["started"]) != (day == 0):
            raise SystemExit(f"The sweep read {result['rows']} of {rows} licenses, so nothing was measured.")
        return result

    def command(self, words: str, *, rows: int) -> float:
        """Return the processor time of a command with a new store, in seconds."""
        self._new("command.db")
        return float(self._ours("command.db", "command", words, rows=rows, profile=None)["cpu"])

    def touch(self, rows: int, time: int) -> None:
        """Let the report of this many licenses come with a fresh date and another tier on each row."""
        httpx.put(f"{self._server}/touched/{rows}/{time}", timeout=300).raise_for_status()

    def polls(self, store: str, *, first: int, count: int, rows: int, profile: Path | None = None) -> list[float]:
        """Return the seconds of each poll of the rounds from `first` on, without that one: it warms up."""
        return list(self._polls(store, first=first, count=count, rows=rows, profile=profile)["seconds"])

    def polls_cost(self, store: str, *, count: int, rows: int, profile: Path | None = None) -> float:
        """Return the seconds of processor time of so many polls."""
        return float(self._polls(store, first=0, count=count + 1, rows=rows, profile=profile)["cpu"])

    def lists(self, store: str, *, count: int, profile: Path | None = None) -> dict[str, dict[str, Any]]:
        """Return the `seconds` that each list and each search takes, to its `answers`, and its `statements`, each by
        what is typed.
        """
        return self._ours(store, "lists", f"--count={count}", rows=0, profile=profile)

    def list_cost(self, store: str, typed: str, *, count: int, profile: Path | None = None) -> float:
        """Return the seconds of processor time of one list, asked for so many times."""
        given = (f"--count={count + 1}", f"--typed={typed}")
        return float(self._ours(store, "lists", *given, rows=0, profile=profile)["cpu"])

    def pace(self, *, due: int, count: int) -> dict[str, float]:
        """Return how long Slack takes to get this many due cards, and how often it answers 429."""
        return self._run("team", f"--store={self._new('pace.db')}", "pace", f"--due={due}", f"--count={count}")

    def interactions(self, store: str, *, rows: int, cards: int, standby: bool = False) -> dict[str, float]:
        """Let a team press while a bot with this many cards reads the full report; with `standby`, while the other
        copy does.
        """
        given = [f"--server={self._server}", f"--rows={rows}", f"--cards={cards}"]
        if standby:
            return self._run("team", f"--store={store}", "presses", *given, "--standby")
        copy = self._new("pressed.db")
        shutil.copy(self.folder / store, copy)
        return self._run("team", f"--store={copy}", "presses", *given)

    def signals(self, store: str, *, rows: int, a_second: int, seconds: int) -> dict[str, float]:
        """Let apps send signals while a bot with this store polls."""
        copy = self._new("signalled.db")
        shutil.copy(self.folder / store, copy)
        given = (f"--server={self._server}", f"--store={copy}", f"--rows={rows}")
        return self._run("apps", *given, f"--a-second={a_second}", f"--seconds={seconds}")

    def idle(self, *, seconds: float) -> dict[str, float]:
        """Measure a bot while nothing happens, after the start that created its tables."""
        return self._run("team", f"--store={self._new('idle.db')}", "idle", f"--seconds={seconds}")

    def floor(self, rows: int, *, like: str | None = None) -> dict[str, float]:
        """Download and parse; with `like`, store as much as that store holds."""
        into = self._new("floor.db")
        store = [] if like is None else [f"--like={self.folder / like}", f"--into={into}"]
        licenses = f"{self._server}/{rows}/rest/3/reporting/developer-space/{DEVELOPER_ID}/licenses"
        return self._run("floor", f"--export={licenses}/export", *store)

    def grow(self, small: str, large: str, *, times: int) -> None:
        """Make a store this many times as large as another."""
        shutil.copy(self.folder / small, self.folder / large)
        self._run("seed", str(self.folder / large), str(times))

    def work(self, store: str) -> None:
        """Let a team have worked with a store."""
        self._run("work", str(self.folder / store))

    def _new(self, store: str) -> Path:
        """Return a path where no store is yet."""
        for file in self.folder.glob(f"{store}*"):
            file.unlink()
        return self.folder / store

    def _polls(self, store: str, *, first: int, count: int, rows: int, profile: Path | None) -> dict[str, Any]:
        result = self._ours(store, "polls", f"--first={first}", f"--count={count}", rows=rows, profile=profile)
        if not result["started"]:
            raise SystemExit("The polls found no new trial, so nothing was measured.")
        return result

    def _ours(self, store: str, *what: str, rows: int, profile: Path | None) -> dict[str, Any]:
        is_server = "://" in store
        given = [f"--server={self._server}", f"--store={store if is_server else self.folder / store}", f"--rows={rows}"]
        if is_server:
            given.append(f"--database-server={self.database_server}")
        if profile is not None:
            given.append(f"--profile={profile}")
        return self._run("ours", *given, *what)

    def _run(self, name: str, *given: str) -> dict[str, Any]:
        # Linux counts this process's peak memory for the processes it starts, too: so it must stay small.
        left = max(self._ends - time.monotonic(), 0.0)
        asked = [sys.executable, "-m", f"benchmarks.{name}", *given]
        done = subprocess.run(asked, stdout=subprocess.PIPE, check=True, timeout=left, cwd=_ROOT)
        result: dict[str, Any] = json.loads(done.stdout or "{}")
        words = " ".join(word for word in given if not word.startswith(("--server", "--export")))
        self._log.write(f"{name} {words.replace(f'{self.folder}/', '')}: {_short(result)}\n")
        return result


@contextmanager
def marketplace(rows: int) -> Iterator[str]:
    """Start a Marketplace whose vendors have up to this many licenses; yields its address."""
    asked = [sys.executable, "-m", "benchmarks.server", str(rows)]
    with subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as server:
        yield next(iter(server.stdout or ())).strip()
        # Leaving closes its standard input, whatever happened here, and that ends it.


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A PostgreSQL server; `create` makes a database with this name and returns its address."""

    process: int
    create: Callable[[str], str]
    analyze: Callable[[], object]
    """Counts for the planner what is in the tables, as a server does some time after a first sweep."""


@contextmanager
def postgres() -> Iterator[PostgresServer | None]:
    """Start a PostgreSQL server; yields None if it is not installed."""
    asked = [sys.executable, "-m", "benchmarks.postgres"]
    with subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as server:
        stated, says = server.stdin, server.stdout
        if stated is None or says is None:
            raise RuntimeError("a process was started without its pipes")

        def ask(name: str) -> str:
            stated.write(f"{name}\n")
            stated.flush()
            return says.readline().strip()

        process = says.readline().strip()
        analyze = partial(ask, "")
        yield PostgresServer(process=int(process), create=ask, analyze=analyze) if process else None


def _short(result: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in result.items())


def _number(value: object) -> str:
    if isinstance(value, dict):
        return f"({_short(value)})"
    if isinstance(value, list):
        return " ".join(map(_number, value))
    return f"{value:.3g}" if isinstance(value, float) else f"{value:,}"
