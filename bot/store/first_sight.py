"""Licenses never seen before, stored many at a time: the very first run brings all there ever were."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.changes import Started
from bot.domain.finding import Finding
from bot.domain.history import entry_of
from bot.store.bulk import insert_all
from bot.store.keys import Keys
from bot.store.rows import history_values, license_values, trial_values
from bot.store.schema import delivery, evaluation, history, license_, license_alias, seen_row
from bot.store.sights import Sight


async def record_first_sights(
    connection: AsyncConnection, found: Sequence[tuple[Sight, Finding]], keys: Keys, *, channel: str, at: datetime
) -> None:
    """Store licenses, aliases, evaluations and history, and owe each announced evaluation its card."""
    license_ids = await _next_ids(connection, license_, len(found))
    licenses, aliases, rows = [], [], []
    for (sight, finding), id_ in zip(found, license_ids, strict=True):
        licenses.append({**license_values(finding.seen, keys), "id": id_, "first_seen": at})
        aliases += [{"app_key": app_key, "alias": alias, "license_id": id_} for app_key, alias in sight.keys]
        rows += [{"digest": digest, "license_id": id_} for digest in sight.digests]
    await insert_all(connection, license_, licenses)
    await insert_all(connection, license_alias, aliases)
    await insert_all(connection, seen_row, rows)
    begun = [
        (finding, change, id_)
        for (_, finding), id_ in zip(found, license_ids, strict=True)
        for change in finding.changes
        if isinstance(change, Started)
    ]
    evaluations, entries, cards = [], [], []
    due = {"kind": "card", "channel": channel, "state": "due", "at": at, "due_at": at}
    for (finding, started, license_id), id_ in zip(
        begun, await _next_ids(connection, evaluation, len(begun)), strict=True
    ):
        loud = started in finding.announced
        whose = {"id": id_, "license_id": license_id, "first_seen": at, "channel": channel if loud else None}
        evaluations.append({**trial_values(started.trial), **whose})
        told = [change for change in finding.changes if change.trial == started.trial]
        found_entries = [entry_of(change, finding.seen, at=at) for change in told]
        entries += [history_values(entry, id_) for entry in found_entries if entry is not None]
        if loud:
            cards.append({**due, "evaluation_id": id_})
    await insert_all(connection, evaluation, evaluations)
    await insert_all(connection, history, entries)
    await insert_all(connection, delivery, cards)


async def _next_ids(connection: AsyncConnection, table: Table, count: int) -> Sequence[int]:
    """So many ids that nobody else gets, in rising order; the only writer may count for itself."""
    if not count:
        return []
    if connection.dialect.name == "postgresql":
        sequence = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
        return list(await connection.scalars(sequence, {"name": table.name, "count": count}))
    highest = await connection.scalar(select(func.coalesce(func.max(table.c.id), 0))) or 0
    return range(highest + 1, highest + 1 + count)
