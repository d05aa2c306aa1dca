"""The promises about time and memory, and how each is measured.

Of times the best is taken, ours and the floor's in turn: other load can only make them longer. Polls are so short that
the disk decides, so there it is the median.
"""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.bench import Bench
from benchmarks.vendor import A_ROUND
from benchmarks.work import A_DAY

SMALL: Final = 10_000
"""Licenses in the small store that polls of a large one are compared with."""
POLLS: Final = 10
_LISTS: Final = 100
_PROFILED_LISTS: Final = 10
_SIGNALS_A_SECOND: Final = 200
_MOST: Final = 0.99
_PROFILED: Final = 20_000
"""Licenses of a profiled sweep: where the time goes does not depend on more."""
LATER: Final = 30
"""Days between sweeps."""
_MORE: Final = 3
_MB: Final = 1_000_000
MS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A promise with what was measured; `target` bounds `value`."""

    what: str
    floor: str
    ours: str
    value: float
    target: float
    unit: str = ""
    profile: Callable[[Path], object] | None = None
    """Measures once more and writes a profile to a file."""

    @property
    def kept(self) -> bool:
        """Whether the promise holds."""
        return self.value <= self.target

    def cells(self) -> tuple[str, ...]:
        """Return its line in the table."""
        value, target = (f"{n:.4g}{self.unit}" if self.unit else f"{n:.2f}" for n in (self.value, self.target))
        return self.what, self.floor, self.ours, value, f"≤ {target}", "ok" if self.kept else "missed"


def marks(bench: Bench, *, licenses: int, store: int) -> Iterator[Mark]:
    """Yield every promise as it is measured."""
    first: list[dict[str, Any]] = []
    later: list[int] = []
    yield _first_sweep(bench, licenses, first)
    yield _later_sweep(bench, licenses, later)
    yield _touched_sweep(bench, licenses, first)
    yield from _commands(bench, licenses, first)
    yield _polls(bench, store)
    yield from _lists(bench, store)
    yield from _deliveries(bench, due=store // 5_000, count=licenses // 1_666)
    yield from _interactions(bench, licenses)
    yield from _signals(bench, seconds=round(licenses * 6 / 10_000))
    yield from _idle(bench, seconds=licenses / 5_000)
    yield from _mailbox(messages=licenses // 5)
    yield from _larger_sweep(bench, licenses, first)
    yield from _larger_later_sweep(bench, licenses, later)


def _first_sweep(bench: Bench, rows: int, first: list[dict[str, Any]]) -> Mark:
    """Measure a first sweep. The floor stores what the sweep before it stored. What was measured goes into `first`."""
    ours, floor = [], []
    for number in bench.times():
        sweep = bench.sweep(f"{number}.db", rows=rows)
        ours.append(sweep["seconds"])
        first.append(sweep)
        floor.append(bench.floor(rows, like=f"{number}.db")["stored"])
    return _time(
        f"first sweep of {rows:,}",
        floor=min(floor),
        ours=min(ours),
        target=1.5,
        profile=lambda file: bench.sweep("profile.db", rows=min(rows, _PROFILED), profile=file),
    )


def _later_sweep(bench: Bench, rows: int, memory: list[int]) -> Mark:
    """Measure a later sweep, so many days apart that the poll before it finds no recent trial."""
    ours, floor = [], []
    for number in bench.times():
        sweep = bench.sweep("0.db", rows=rows, day=(number + 1) * LATER)
        ours.append(sweep["seconds"])
        memory.append(sweep["above_idle"])
        floor.append(bench.floor(rows)["read"])
    return _time(
        f"sweep of {rows:,}, nothing changed",
        floor=min(floor),
        ours=min(ours),
        target=1.3,
        profile=lambda file: bench.sweep("0.db", rows=min(rows, _PROFILED), day=100 * LATER, profile=file),
    )


def _touched_sweep(bench: Bench, rows: int, first: Sequence[Mapping[str, Any]]) -> Mark:
    """Measure a later sweep in which each row has a fresh date and another tier, by processor time: it compares two of
    our own, and load on the machine counts for neither.
    """
    ours = []
    for number in bench.times():
        bench.touch(rows, number)
        ours.append(bench.sweep("0.db", rows=rows, day=(10 + number) * LATER)["cpu"])
    bench.touch(0, 0)
    return _time(
        f"sweep of {rows:,}, each license touched (processor time, against the first sweep)",
        floor=min(sweep["cpu"] for sweep in first),
        ours=min(ours),
        target=1.5,
    )


def _mailbox(*, messages: int) -> Iterator[Mark]:
    """Measure how long the mailbox for replies takes to be read at the first start, and what that needs. The floor
    fetches the same.
    """
    command = [sys.executable, "-m", "benchmarks.mailbox", str(messages)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    measured = json.loads(done.stdout.splitlines()[-1])
    seconds, floor, memory = measured["seconds"], f"{measured['floor']:.1f} s", measured["megabytes"]
    what = f"mailbox of {messages:,} messages, read at the first start"
    yield Mark(what=what, floor=floor, ours=f"{seconds:.1f} s", value=seconds, target=60, unit=" s")
    yield Mark(what=f"{what}: memory", floor="–", ours=f"{memory:.0f} MB", value=memory, target=60, unit=" MB")


def _commands(bench: Bench, rows: int, first: Sequence[Mapping[str, Any]]) -> Iterator[Mark]:
    """Measure commands by processor time: one that reads an empty report, and one that reads all of it."""
    start = min(bench.command("poll", rows=0) for _ in bench.times())
    what = "a poll of an empty report, as a command (processor time)"
    yield Mark(what=what, floor="–", ours=f"{start:.2f} s", value=start, target=1, unit=" s")
    yield _time(
        f"backfill of {rows:,} (processor time, against the first sweep)",
        floor=min(sweep["cpu"] for sweep in first),
        ours=bench.command("backfill --yes", rows=rows),
        target=1.2,
    )


def _polls(bench: Bench, large: int) -> Mark:
    """Measure polls of two stores in turn, each time with other changed licenses."""
    bench.sweep("small.db", rows=SMALL)
    bench.grow("small.db", "large.db", times=large // SMALL)
    few: list[float] = []
    many: list[float] = []
    first = 0
    for first in (number * POLLS for number in bench.times()):
        few += bench.polls("small.db", first=first, count=POLLS, rows=SMALL)
        many += bench.polls("large.db", first=first, count=POLLS, rows=SMALL)
    return _time(
        f"poll with {A_ROUND} changed of {large:,}, against {SMALL:,}",
        floor=median(few),
        ours=median(many),
        target=1.2,
        profile=lambda file: bench.polls("large.db", first=first + POLLS, count=2, rows=SMALL, profile=file),
    )


def _lists(bench: Bench, large: int) -> Iterator[Mark]:
    """Measure the lists, searches and reports in the large store that the polls were measured with."""

    def profile(file: Path) -> object:
        return bench.lists("large.db", count=_PROFILED_LISTS, profile=file)

    bench.work("large.db")
    measured = bench.lists("large.db", count=_LISTS)
    for typed, times in measured["seconds"].items():
        what, slow, answer = f"“{typed}” among {large:,}", _slow(times), _slow(measured["answers"][typed])
        in_store = f"{what}, in the store, 99 of 100"
        yield Mark(what=in_store, floor="–", ours=f"{slow:.0f} ms", value=slow, target=50, unit=" ms", profile=profile)
        drawn = f"{what}, to the answer"
        yield Mark(what=drawn, floor="–", ours=f"{answer:.0f} ms", value=answer, target=150, unit=" ms")
    for typed in ("report", "report team"):
        first = MS * measured["first"][typed]
        what = f"“{typed}”, counted anew after ten minutes"
        yield Mark(what=what, floor="–", ours=f"{first:.0f} ms", value=first, target=50, unit=" ms")
    sent = measured["statements"]["today"]
    what = f"statements for “today” with {A_DAY} trials of the day"
    yield Mark(what=what, floor="–", ours=f"{sent}", value=sent, target=12)


def _slow(seconds: Sequence[float]) -> float:
    """Return the milliseconds that 99 of 100 do not exceed."""
    return MS * sorted(seconds)[math.ceil(_MOST * len(seconds)) - 1]


def _deliveries(bench: Bench, *, due: int, count: int) -> Iterator[Mark]:
    """Measure deliveries. Only this many of the due messages are awaited, or it would take minutes; the pace is the
    same.
    """
    measured = bench.pace(due=due, count=count)
    what = f"{count} messages in Slack, {due} cards due at once"
    yield _time(what, floor=measured["least"], ours=measured["seconds"], target=1 / 0.95)
    refused = measured["refused"]
    yield Mark(what="answers of 429 meanwhile", floor="–", ours=f"{refused}", value=refused, target=0, unit=" times")


def _interactions(bench: Bench, rows: int) -> Iterator[Mark]:
    """Measure presses. The bot knows the licenses of the small store and has their cards; the others are new to it."""
    known = min(rows // 2, SMALL)
    bench.sweep("pressed-first.db", rows=known)
    measured = bench.interactions("pressed-first.db", rows=rows, cards=known // 1_000)
    yield from press_marks(measured, f"presses acknowledged while {rows:,} are swept", "their cards updated")


def press_marks(measured: Mapping[str, float], acknowledged: str, updated: str) -> Iterator[Mark]:
    """Yield how soon presses were acknowledged, and their cards updated. The texts say which presses those are."""
    for what, name, target in ((acknowledged, "acknowledged", 100), (updated, "repainted", 2_000)):
        took, what_of_all = measured[name] * MS, f"{what}, 99 of 100"
        yield Mark(what=what_of_all, floor="–", ours=f"{took:.0f} ms", value=took, target=target, unit=" ms")


def _signals(bench: Bench, *, seconds: int) -> Iterator[Mark]:
    """Measure how soon signals of apps are acknowledged while the bot with the small store polls."""
    bench.sweep("signals-first.db", rows=SMALL)
    measured = bench.signals("signals-first.db", rows=SMALL, a_second=_SIGNALS_A_SECOND, seconds=seconds)
    what = f"{_SIGNALS_A_SECOND} signals a second for {seconds} s acknowledged, 99 of 100"
    took, refused = measured["acknowledged"] * MS, measured["refused"]
    floor = f"{measured['floor'] * MS:.0f} ms"
    yield Mark(what=what, floor=floor, ours=f"{took:.0f} ms", value=took, target=50, unit=" ms")
    yield Mark(what="signals refused meanwhile", floor="–", ours=f"{refused}", value=refused, target=0)


def _idle(bench: Bench, *, seconds: float) -> Iterator[Mark]:
    """Measure an idle bot for this long after its first start, with the next poll ten minutes away."""
    measured = bench.idle(seconds=seconds)
    share, held = 100 * measured["share"], measured["resident"] / _MB
    yield Mark(what="an idle bot, of a core", floor="–", ours=f"{share:.2f} %", value=share, target=0.3, unit=" %")
    yield Mark(what="memory of an idle bot", floor="–", ours=f"{held:.1f} MB", value=held, target=120, unit=" MB")


def _larger_sweep(bench: Bench, rows: int, first: Sequence[Mapping[str, Any]]) -> Iterator[Mark]:
    """Compare a larger first sweep, which runs once, with those of fewer licenses."""
    larger = bench.sweep("more.db", rows=_MORE * rows)
    yield _time(
        f"first sweep of {_MORE * rows:,} (processor time, against {rows:,})",
        floor=min(sweep["cpu"] for sweep in first),
        ours=larger["cpu"],
        target=1.1 * _MORE,
    )
    yield from _memory("first sweep", rows, median(sweep["above_idle"] for sweep in first), larger)


def _larger_later_sweep(bench: Bench, rows: int, peaks: Sequence[int]) -> Iterator[Mark]:
    """Compare the memory of a larger sweep that finds nothing changed, which runs once."""
    larger = bench.sweep("more.db", rows=_MORE * rows, day=LATER)
    yield from _memory("sweep that finds nothing changed", rows, median(peaks), larger)


def _memory(what: str, rows: int, peak: float, larger: Mapping[str, Any]) -> Iterator[Mark]:
    """Compare peaks above idle."""
    few, many = peak / _MB, larger["above_idle"] / _MB
    what = f"memory above idle, {what}"
    yield Mark(what=f"{what} of {rows:,}", floor="–", ours=f"{few:.1f} MB", value=few, target=64, unit=" MB")
    floor, ours = f"{few:.1f} MB", f"{many:.1f} MB"
    yield Mark(what=f"the same of {_MORE * rows:,}", floor=floor, ours=ours, value=many / few, target=1.1)


def _time(
    what: str, *, floor: float, ours: float, target: float, profile: Callable[[Path], object] | None = None
) -> Mark:
    return Mark(
        what=what, floor=f"{floor:.2f} s", ours=f"{ours:.2f} s", value=ours / floor, target=target, profile=profile
    )
