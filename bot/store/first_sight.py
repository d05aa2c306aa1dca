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
from bot.store.rows import ENTRY_COLUMNS, LICENSE_COLUMNS, TRIAL_COLUMNS, entry_row, license_row, trial_row
from bot.store.schema import delivery, evaluation, history, license_, license_alias, seen_row
from bot.store.sights import Sight


async def record_first_sights(
    connection: AsyncConnection, found: Sequence[tuple[Sight, Finding]], keys: Keys, *, channel: str, at: datetime
) -> None:
    """Store licenses, aliases, evaluations and history, and owe each announced evaluation its card."""
    license_ids = await _next_ids(connection, license_, len(found))
    licenses, aliases, rows = [], [], []
    for (sight, finding), id_ in zip(found, license_ids, strict=True):
        licenses.append((id_, at, *license_row(finding.seen, keys)))
        aliases += [(app_key, alias, id_) for app_key, alias in sight.keys]
        rows += [(digest, id_) for digest in sight.digests]
    await insert_all(connection, license_, ("id", "first_seen", *LICENSE_COLUMNS), licenses)
    await insert_all(connection, license_alias, ("app_key", "alias", "license_id"), aliases)
    await insert_all(connection, seen_row, ("digest", "license_id"), rows)
    begun = [
        (finding, change, id_)
        for (_, finding), id_ in zip(found, license_ids, strict=True)
        for change in finding.changes
        if isinstance(change, Started)
    ]
    evaluations, entries, cards = [], [], []
    for (finding, started, license_id), id_ in zip(
        begun, await _next_ids(connection, evaluation, len(begun)), strict=True
    ):
        loud = started in finding.announced
        evaluations.append((id_, license_id, at, channel if loud else None, *trial_row(started.trial)))
        told = [change for change in finding.changes if change.trial == started.trial]
        found_entries = [entry_of(change, finding.seen, at=at) for change in told]
        entries += [entry_row(entry, id_) for entry in found_entries if entry is not None]
        if loud:
            cards.append(("card", channel, id_, "due", at, at))
    whose = ("id", "license_id", "first_seen", "channel")
    await insert_all(connection, evaluation, (*whose, *TRIAL_COLUMNS), evaluations)
    await insert_all(connection, history, ENTRY_COLUMNS, entries)
    await insert_all(connection, delivery, ("kind", "channel", "evaluation_id", "state", "at", "due_at"), cards)


async def _next_ids(connection: AsyncConnection, table: Table, count: int) -> Sequence[int]:
    """So many ids that nobody else gets, in rising order; the only writer may count for itself."""
    if not count:
        return []
    if connection.dialect.name == "postgresql":
        sequence = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
        return list(await connection.scalars(sequence, {"name": table.name, "count": count}))
    highest = await connection.scalar(select(func.coalesce(func.max(table.c.id), 0))) or 0
    return range(highest + 1, highest + 1 + count)
