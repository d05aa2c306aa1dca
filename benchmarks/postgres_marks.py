"""The promises about PostgreSQL: its cost beside SQLite's, and presses that a stand-by answers."""

from collections.abc import Iterator
from typing import Final

from benchmarks.bench import Bench, PostgresServer, postgres
from benchmarks.marks import LATER, MS, POLLS, SMALL, Mark, press_marks
from benchmarks.vendor import A_ROUND

_LISTS: Final = 100
_TARGET: Final = 1.15
"""The processor time of bot and server together, against a bot with SQLite."""


def postgres_marks(bench: Bench, *, licenses: int) -> Iterator[Mark]:
    """Yield every promise about PostgreSQL as it is measured; none if it is not installed."""
    with postgres() as server:
        if server is None:
            bench.note("PostgreSQL is not installed in /usr/lib/postgresql, so the table has no lines about it.")
            return
        bench.database_server = server.process
        yield from _standby(bench, server, licenses)
        yield from _beside(bench, server, licenses)


def _standby(bench: Bench, server: PostgresServer, rows: int) -> Iterator[Mark]:
    """Measure presses that a stand-by answers. Both copies know the licenses of the small store, which have cards."""
    database, known = server.create("pressed"), min(rows // 2, SMALL)
    bench.sweep(database, rows=known)
    server.analyze()
    measured = bench.interactions(database, rows=rows, cards=known // 1_000, standby=True)
    acknowledged = f"PostgreSQL: presses acknowledged by a stand-by while {rows:,} are swept"
    yield from press_marks(measured, acknowledged, "their cards updated by the leader")


def _beside(bench: Bench, server: PostgresServer, rows: int) -> Iterator[Mark]:
    """Measure the processor time of the same work on both. SQLite is the floor."""
    polled, unchanged = f"poll with {A_ROUND} changed of {rows:,}", f"sweep of {rows:,}, nothing changed"
    first, today = f"first sweep of {rows:,}", f"“today” among {rows:,}"
    costs: dict[str, tuple[list[float], list[float]]] = {what: ([], []) for what in (first, polled, today, unchanged)}
    for number in bench.times():
        for side, store in enumerate((f"beside-{number}.db", server.create(f"beside_{number}"))):
            costs[first][side].append(bench.sweep(store, rows=rows)["cpu"])
            server.analyze()
            costs[polled][side].append(bench.polls_cost(store, count=POLLS, rows=rows))
            costs[today][side].append(bench.list_cost(store, "today", count=_LISTS))
            costs[unchanged][side].append(bench.sweep(store, rows=rows, day=LATER)["cpu"])
    for what, (sqlite, ours) in costs.items():
        yield _mark(what, floor=min(sqlite), ours=min(ours))


def _mark(what: str, *, floor: float, ours: float) -> Mark:
    return Mark(
        what=f"PostgreSQL, against SQLite, processor time: {what}",
        floor=_text(floor),
        ours=_text(ours),
        value=ours / floor,
        target=_TARGET,
    )


def _text(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * MS:.3g} ms"
