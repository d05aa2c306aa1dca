"""Insert licenses that were never seen before, many at a time: the first run brings all there ever were."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.changes import Started
from bot.domain.license_update import LicenseUpdate
from bot.domain.outbox import DeliveryKind, DeliveryState
from bot.domain.reported_entries import entry_of
from bot.domain.team_settings import CardChannels
from bot.security.keyring import Keyring
from bot.store.engine.bulk import Inserts, reserve_ids
from bot.store.licenses.batching import ParsedRecord
from bot.store.licenses.company_words import add_company_words
from bot.store.mapping import (
    ENTRY_COLUMNS,
    LICENSE_COLUMNS,
    REPORT_COLUMNS,
    TRIAL_COLUMNS,
    entry_row,
    license_row,
    report_row,
    trial_row,
)
from bot.store.schema import delivery, evaluation, history, license_, license_alias, processed_row
from bot.store.webhooks.enqueue import enqueue_facts_of

T = TypeVar("T")

_CHUNK_ROWS: Final = 500
"""Rows built while those before them are inserted; after them, other tasks get a turn."""


async def insert_new_licenses(
    connection: AsyncConnection,
    found: Sequence[tuple[ParsedRecord, LicenseUpdate]],
    keys: Keyring,
    *,
    channels: CardChannels,
    at: datetime,
) -> None:
    """Insert licenses, their aliases and words, evaluations and history, and enqueue a card and the events of each
    announced evaluation.
    """
    ids = await reserve_ids(connection, license_, len(found))
    licenses = [(id_, *sighted) for id_, sighted in zip(ids, found, strict=True)]
    started_trials = [
        (id_, license_update, change)
        for id_, _, license_update in licenses
        for change in license_update.changes
        if isinstance(change, Started)
    ]
    ids = await reserve_ids(connection, evaluation, len(started_trials))
    evaluations = [(id_, *started) for id_, started in zip(ids, started_trials, strict=True)]
    announced = [id_ for id_, _, license_update, change in evaluations if change in license_update.announced]
    card_ids = await reserve_ids(connection, delivery, len(announced))
    async with Inserts(connection) as inserts:
        await _add_licenses(inserts, licenses, keys, at=at)
        await _add_evaluations(inserts, evaluations, card_ids, channels=channels, at=at)
    await enqueue_facts_of(connection, announced)


async def _add_licenses(
    inserts: Inserts, licenses: Sequence[tuple[int, ParsedRecord, LicenseUpdate]], keys: Keyring, *, at: datetime
) -> None:
    for some in _chunks(licenses):
        rows = [(id_, at, *license_row(license_update.seen, keys)) for id_, _, license_update in some]
        await inserts.add(license_, ("id", "first_seen", *LICENSE_COLUMNS), rows)
    aliases = [(app_key, alias, id_) for id_, record, _ in licenses for app_key, alias in record.keys]
    await inserts.add(license_alias, ("app_key", "alias", "license_id"), aliases)
    digests = [(digest, id_) for id_, record, _ in licenses for digest in record.digests]
    await inserts.add(processed_row, ("digest", "license_id"), digests)
    await add_company_words(inserts, (license_update.seen.company for _, _, license_update in licenses))


async def _add_evaluations(
    inserts: Inserts,
    evaluations: Sequence[tuple[int, int, LicenseUpdate, Started]],
    card_ids: Sequence[int],
    *,
    channels: CardChannels,
    at: datetime,
) -> None:
    """Add each evaluation with the changes from its license record. Each card's delivery takes one of the
    `card_ids`.
    """
    entries, cards, next_card = [], [], iter(card_ids)
    for some in _chunks(evaluations):
        rows = []
        for id_, license_id, license_update, started in some:
            is_announced = started in license_update.announced
            channel = channels.of(license_update.seen.app_key)
            where = channel if is_announced else None
            rows.append((id_, license_id, at, where, *trial_row(started.trial), *report_row(license_update.seen)))
            reported = [change for change in license_update.changes if change.trial == started.trial]
            found = [entry_of(change, license_update.seen, at=at) for change in reported]
            entries += [entry_row(entry, id_) for entry in found if entry is not None]
            if is_announced:
                cards.append((next(next_card), DeliveryKind.CARD, channel, id_, DeliveryState.DUE, at, at))
        columns = ("id", "license_id", "first_seen", "channel", *TRIAL_COLUMNS, *REPORT_COLUMNS)
        await inserts.add(evaluation, columns, rows)
    await inserts.add(history, ENTRY_COLUMNS, entries)
    await inserts.add(delivery, ("id", "kind", "channel", "evaluation_id", "state", "at", "due_at"), cards)


def _chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[first : first + _CHUNK_ROWS] for first in range(0, len(rows), _CHUNK_ROWS))
