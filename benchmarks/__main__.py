"""`make bench`: measure every promise, print a table, and profile what missed its mark.

A missed mark is a finding and not a failure: how busy a machine is must not break anybody's build. The exit code says
whether there is a result.
"""

import argparse
import os
import platform
import re
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Final

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from benchmarks.bench import Bench, marketplace
from benchmarks.marks import SMALL, Mark, marks
from benchmarks.postgres_marks import postgres_marks

_PROFILES: Final = Path("artifacts/bench")
_WIDTH: Final = 140
"""Columns. The table is Markdown, too, and must not be wrapped."""


def main() -> None:
    """Measure, profile, print."""
    asked = _asked()
    measured: list[Mark] = []
    with tempfile.TemporaryDirectory(prefix="evaluator-bench-") as folder, marketplace(3 * asked.licenses) as server:
        bench = Bench(server, Path(folder), repeat=asked.repeat, log=sys.stderr)
        try:
            for mark in chain(
                marks(bench, licenses=asked.licenses, store=asked.store),
                postgres_marks(bench, licenses=asked.postgres),
            ):
                measured.append(mark)
                _explain(mark)
        except TimeoutExpired:
            sys.stderr.write("The time for everything is over; what is not in the table was not measured.\n")
    _report(measured)
    sys.exit(not measured)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--licenses", type=int, default=100_000, help="in a sweep, and three times that for memory")
    parser.add_argument("--store", type=int, default=1_000_000, help=f"licenses in the large store, over {SMALL:,}")
    parser.add_argument("--postgres", type=int, default=20_000, help="licenses in a sweep on PostgreSQL")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, once: does it still run?")
    asked = parser.parse_args()
    if asked.quick:
        asked.licenses, asked.store, asked.repeat = asked.licenses // 10, asked.store // 10, 1
        asked.postgres //= 10
    return asked


def _report(measured: Sequence[Mark]) -> None:
    table = Table("what", box=MARKDOWN)
    for heading in ("floor", "ours", "ratio", "target"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for mark in measured:
        table.add_row(*mark.cells())
    console = Console(width=_WIDTH, highlight=False)
    console.print(table)
    console.print(f"\n{_machine()}")
    if hasattr(os, "getloadavg"):
        console.print(f"Load in the last 15 minutes, the measurements included: {os.getloadavg()[-1]:.1f}")


def _machine() -> str:
    cpus, system = os.cpu_count(), f"{platform.system()} {platform.machine()}"
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{_processor()}, {cpus} cores, {system}, {versions}"


def _processor() -> str:
    """Return the processor's name, if it is known."""
    listed = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", listed.read_text()) if listed.exists() else None
    return named[1] if named else platform.processor() or "some processor"


def _explain(mark: Mark) -> None:
    """Write a profile if the mark was missed."""
    if mark.kept or mark.profile is None:
        return
    _PROFILES.mkdir(parents=True, exist_ok=True)
    file = _PROFILES / f"{re.sub(r'[^a-z0-9]+', '-', mark.what)}.txt"
    mark.profile(file.absolute())
    sys.stderr.write(f"Where the time of “{mark.what}” goes: {file}\n")


if __name__ == "__main__":
    main()
