"""Licenses never seen before, stored many at a time: the very first run brings all there ever were."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.changes import Finding, Started
from bot.domain.history import entry_of
from bot.errors import StoreError
from bot.store.keys import Keys
from bot.store.rows import history_values, license_values
from bot.store.schema import delivery, evaluation, history, license_, license_alias


async def record_first_sights(
    connection: AsyncConnection, findings: Sequence[Finding], keys: Keys, *, channel: str, at: datetime
) -> None:
    """Store licenses, aliases, evaluations and history, and owe each announced evaluation its card."""
    rows = [{**license_values(finding.seen, keys), "first_seen": at} for finding in findings]
    # Sealing never gives the same bytes twice, so they tell which row got which id: databases promise no order.
    license_ids = await _ids(connection, license_, rows, known_by="contacts")
    await _insert_aliases(connection, findings, license_ids)
    begun = [
        (finding, {**_evaluation(change, channel if finding.announce else None), "license_id": id_, "first_seen": at})
        for finding, id_ in zip(findings, license_ids, strict=True)
        for change in finding.changes
        if isinstance(change, Started)
    ]
    ids = await _ids(connection, evaluation, [values for _, values in begun], known_by="license_id")
    entries = [
        history_values(entry, id_)
        for (finding, _), id_ in zip(begun, ids, strict=True)
        for change in finding.changes
        if (entry := entry_of(change, finding.seen, at=at)) is not None
    ]
    await _insert(connection, history, entries)
    due = {"kind": "card", "channel": channel, "state": "due", "at": at, "due_at": at}
    cards = [{**due, "evaluation_id": id_} for (finding, _), id_ in zip(begun, ids, strict=True) if finding.announce]
    await _insert(connection, delivery, cards)


def _evaluation(change: Started, channel: str | None) -> dict[str, Any]:
    trial = change.trial
    return {"started": trial.started, "ends": trial.ends, "state": trial.state, "channel": channel}


async def _insert_aliases(connection: AsyncConnection, findings: Sequence[Finding], ids: Sequence[int]) -> None:
    rows = [
        {"alias": alias, "app_key": finding.seen.app_key, "license_id": id_}
        for finding, id_ in zip(findings, ids, strict=True)
        for alias in finding.seen.aliases
    ]
    try:
        await _insert(connection, license_alias, rows)
    except IntegrityError as exc:
        raise StoreError("Another copy of the bot has just recorded the same license. Run only one of them.") from exc


async def _ids(
    connection: AsyncConnection, table: Table, rows: list[dict[str, Any]], *, known_by: str
) -> Sequence[int]:
    """Insert rows in one statement; their ids, in the same order. `known_by` is a column that differs in each row."""
    if not rows:
        return []
    result = await connection.execute(insert(table).returning(table.c[known_by], table.c.id), rows)
    ids: dict[object, int] = {row[0]: row[1] for row in result}
    return [ids[row[known_by]] for row in rows]


async def _insert(connection: AsyncConnection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        await connection.execute(insert(table), rows)
