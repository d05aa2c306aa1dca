"""Licenses with their aliases: load what is known, write what a record adds."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.address import canonical
from bot.domain.announcement import AnnouncementPolicy
from bot.domain.changes import Change, Started
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import ContactRole, Hosting
from bot.domain.health import IngestStats
from bot.domain.identity import KnownLicense, is_renamed, merge_known
from bot.domain.license_update import LicenseUpdate, diff
from bot.domain.row_counts import RowCounts
from bot.domain.team_settings import CardChannels
from bot.security.keyring import Keyring
from bot.store.card_recovery import adopt_orphans
from bot.store.dnc.repository import anonymize, erased_hashes
from bot.store.early_cards import match_installations
from bot.store.engine.bulk import rows_with
from bot.store.engine.database import Database
from bot.store.erasures import without_people
from bot.store.licenses.batching import ParsedRecord, sort_and_dedupe, split_conflicts
from bot.store.licenses.bulk_insert import insert_new_licenses
from bot.store.licenses.bulk_update import (
    DELETE_DIGESTS,
    UPDATE_LICENSE,
    UPDATE_REPORTED,
    Update,
    is_one_license,
    is_plain,
    news_of,
    update_licenses,
)
from bot.store.licenses.company_words import update_company_words
from bot.store.licenses.merge import merge_licenses
from bot.store.licenses.trial_changes import apply_change
from bot.store.mapping import (
    insert_new,
    license_from,
    license_of,
    license_values,
    report_values,
    trial_from,
)
from bot.store.notes import blank_notes
from bot.store.outbox.enqueue import enqueue_card_update
from bot.store.rotation import last_delivery, queue_assignments
from bot.store.schema import evaluation, license_, license_alias, note, processed_row
from bot.store.team import load_team_settings
from bot.store.webhooks.enqueue import enqueue_facts_of

_MAX_BATCH_RECORDS: Final = 2_000
"""Records in one batch while nobody else waits to write; the database is fastest table by table."""
_MIN_BATCH_RECORDS: Final = 30
"""Records in one batch while somebody waits, or may: a press must not wait for many."""
_MIN_WRITTEN_ALONE: Final = 4
"""Of these, the fewest that are written one by one: each takes as long as many that are written together."""

_CLOUD_ID: Final = '"cloudId"'
_COMPANIES: Final = select(license_.c.company).where(license_.c.id.in_(bindparam("known_ids", expanding=True)))
_LACKS_SITE: Final = (
    license_.c.cloud_id.is_(None)
    & (license_.c.hosting == Hosting.CLOUD)
    & (license_.c.status == "active")
    & license_.c.merged_into.is_(None)
)


@shielded
class Licenses:
    """The licenses of the report, as last seen."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._has_gaps: bool | None = None

    async def filter_new(self, texts: Sequence[str]) -> list[bytes | None]:
        """Return a digest per row, or None for rows already processed."""
        digests = [self._keyring.row_digest(text) for text in texts]
        async with self._database.read() as connection:
            rows = await rows_with(connection, processed_row.c.digest, digests)
            read = {row.digest for row in rows}
            if await self._lacks_sites(connection):
                named = {digest for digest, text in zip(digests, texts, strict=True) if _CLOUD_ID in text}
                ids = {row.license_id for row in rows if row.digest in named}
                lacking = set(
                    await connection.scalars(select(license_.c.id).where(_LACKS_SITE, license_.c.id.in_(ids)))
                )
                read -= {row.digest for row in rows if row.digest in named and row.license_id in lacking}
        return [None if digest in read else digest for digest in digests]

    async def _lacks_sites(self, connection: AsyncConnection) -> bool:
        """Return whether licenses lack their cloud site, because an earlier version did not store it."""
        if self._has_gaps is None:
            found = await connection.scalar(select(license_.c.id).where(_LACKS_SITE).limit(1))
            self._has_gaps = found is not None
        return self._has_gaps

    async def diff(self, records: Sequence[ParsedRecord], announcement: AnnouncementPolicy) -> list[LicenseUpdate]:
        """Return what each record would change, without writing."""
        async with self._database.read() as connection:
            known = await self._load_known(connection, records)
        return [diff(k, record.license, announcement) for k, record in zip(known, records, strict=True)]

    async def record(
        self, records: Sequence[ParsedRecord], announcement: AnnouncementPolicy, *, channel: str, at: datetime
    ) -> IngestStats:
        """Write what records add, each with its history and deliveries, completely or not at all.

        Cards go to `channel` unless the team set another one for their app.

        One transaction is cheaper than many, but other writers must not wait long: batches are small while somebody
        waits. What is known is loaded in the same transaction, so two copies that read the same report tell each fact
        once.
        """
        announced, started, waiting, count = 0, 0, sort_and_dedupe(records), _MIN_BATCH_RECORDS
        counts = RowCounts()
        while waiting:
            async with self._database.write() as connection:
                gone = await erased_hashes(connection)
                settings = await load_team_settings(connection)
                channels = settings.card_channels(channel)
                since, early = await last_delivery(connection), list[int]()
                while waiting:
                    some = [self._allowed(record, gone) for record in waiting[:count]]
                    these, rest = split_conflicts(some, await self._load_known(connection, some))
                    found = [(record, diff(k, record.license, announcement)) for record, k in these]
                    found.sort(key=_is_written_alone)
                    new, written = await self._write_updates(connection, found, channels=channels, at=at)
                    waiting[:count] = [*(record for record, _ in found[written:]), *rest]
                    del found[written:]
                    started += new
                    early += await match_installations(connection, [each for _, each in found], self._keyring, at=at)
                    names = {key for record, _ in found for key in record.keys}
                    await adopt_orphans(connection, self._keyring, names, at=at)
                    announced += sum(
                        len({change.trial for change in license_update.announced}) for _, license_update in found
                    )
                    for record, license_update in found:
                        counts.add(license_update, rows=len(record.digests), at=at)
                    if await self._database.is_awaited(connection):
                        count = _MIN_BATCH_RECORDS
                        break
                    count = min(2 * count, _MAX_BATCH_RECORDS)
                await queue_assignments(connection, settings, since=since, at=at, early=early)
        return IngestStats(started=started, announced=announced, counts=counts)

    async def announce_missed(
        self, announcement: AnnouncementPolicy, *, after: datetime, channel: str, at: datetime
    ) -> int:
        """Announce running trials that were taken for ended ones because a clock was ahead. Return how many.

        They are those first seen after `after`, a time still to come. Their first-seen time becomes `at`. Cards go to
        `channel` unless the team set another one for their app.
        """
        ahead = evaluation.c.first_seen > after
        silent = select(evaluation).where(ahead, evaluation.c.channel.is_(None), evaluation.c.merged_into.is_(None))
        async with self._database.write() as connection:
            settings = await load_team_settings(connection)
            channels, since = settings.card_channels(channel), await last_delivery(connection)
            missed = defaultdict[str, list[int]](list)
            for row in (await connection.execute(silent.order_by(evaluation.c.id))).all():
                seen = await license_of(connection, row.license_id, self._keyring)
                if announcement.skip_reason(seen, trial_from(row)) is None:
                    missed[channels.of(seen.app_key)].append(row.id)
            await connection.execute(update(evaluation).where(ahead).values(first_seen=at))
            for theirs, ids in missed.items():
                await connection.execute(update(evaluation).where(evaluation.c.id.in_(ids)).values(channel=theirs))
            every = [id_ for ids in missed.values() for id_ in ids]
            await enqueue_card_update(connection, every, at=at)
            await enqueue_facts_of(connection, every)
            await queue_assignments(connection, settings, since=since, at=at)
            return len(every)

    def _allowed(self, record: ParsedRecord, gone: AbstractSet[str]) -> ParsedRecord:
        """Return the record without people who were erased: nothing about them may be kept, whatever brings it back."""
        if not gone:
            return record
        emails = {contact.email for contact in record.license.contacts if contact.email is not None}
        theirs = {canonical(email) for email in emails if not gone.isdisjoint(self._keyring.address_hashes(email))}
        if not theirs:
            return record
        seen = without_people(record.license, theirs)
        roles = frozenset(role for role in ContactRole if seen.contact(role) != record.license.contact(role))
        return replace(record, license=seen, erased=record.erased | roles)

    async def _write_updates(
        self,
        connection: AsyncConnection,
        found: Sequence[tuple[ParsedRecord, LicenseUpdate]],
        *,
        channels: CardChannels,
        at: datetime,
    ) -> tuple[int, int]:
        """Write what the records add, as far as nobody waits for long. Return how many trials are new, and how many
        records were written.
        """
        first = [(record, license_update) for record, license_update in found if license_update.known is None]
        await insert_new_licenses(connection, first, self._keyring, channels=channels, at=at)
        started_trials = [
            change for _, license_update in first for change in license_update.changes if isinstance(change, Started)
        ]
        again = [(record, each, each.known) for record, each in found if each.known is not None]
        plain = [each for each in again if is_plain(*each[1:])]
        await update_licenses(connection, plain, self._keyring, at=at)
        written = len(first) + len(plain)
        alone, is_awaited = again[len(plain) :], False
        while alone and not is_awaited:
            some, alone = alone[:_MIN_WRITTEN_ALONE], alone[_MIN_WRITTEN_ALONE:]
            started_trials += await self._write_news(connection, some, channels=channels, at=at)
            written += len(some)
            is_awaited = await self._database.is_awaited(connection)
        return len(started_trials), written

    async def _write_news(
        self, connection: AsyncConnection, found: Sequence[Update], *, channels: CardChannels, at: datetime
    ) -> list[Started]:
        """Write what records add to known licenses, and to the histories of their trials. Return the trials that are
        new.
        """
        await update_licenses(connection, [each for each in found if is_one_license(*each[1:])], self._keyring, at=at)
        started_trials = list[Started]()
        for record, license_update, known in found:
            changes: Sequence[Change] = news_of(license_update)
            if not is_one_license(license_update, known):
                changes = license_update.changes
                await self._merge(connection, record, license_update, known, at=at)
            channel = channels.of(license_update.seen.app_key)
            for change in changes:
                is_news = await apply_change(connection, known.ids[0], change, license_update, channel=channel, at=at)
                if is_news and isinstance(change, Started):
                    started_trials.append(change)
        return started_trials

    async def _load_known(
        self, connection: AsyncConnection, records: Sequence[ParsedRecord]
    ) -> list[KnownLicense | None]:
        """Return what is known about each license, in the same order; None for one never seen."""
        wanted = {alias for record in records for alias in record.license.aliases}
        found = await rows_with(connection, license_alias.c.alias, wanted)
        ids = {(row.app_key, row.alias): row.license_id for row in found}
        by_alias: dict[str, set[int]] = defaultdict(set)
        for row in found:
            by_alias[row.alias].add(row.license_id)
        known = await self._load_by_id(connection, set(ids.values()))
        theirs = (
            {ids[key] for key in record.keys if key in ids} | _renamed(record, by_alias, known) for record in records
        )
        return [merge_known([known[id_] for id_ in each]) for each in theirs]

    async def _load_by_id(self, connection: AsyncConnection, ids: set[int]) -> dict[int, KnownLicense]:
        if not ids:
            return {}
        aliases: dict[int, list[str]] = defaultdict(list)
        for row in await connection.execute(select(license_alias).where(license_alias.c.license_id.in_(ids))):
            aliases[row.license_id].append(row.alias)
        trials: dict[int, list[Any]] = defaultdict(list)
        of_these = evaluation.c.license_id.in_(ids) & evaluation.c.merged_into.is_(None)
        for row in await connection.execute(select(evaluation).where(of_these).order_by(evaluation.c.started)):
            trials[row.license_id].append(trial_from(row))
        rows = await connection.execute(select(license_).where(license_.c.id.in_(ids)))
        return {
            row.id: KnownLicense(
                ids=(row.id,), license=license_from(row, aliases[row.id], self._keyring), trials=tuple(trials[row.id])
            )
            for row in rows
        }

    async def _merge(
        self,
        connection: AsyncConnection,
        record: ParsedRecord,
        license_update: LicenseUpdate,
        known: KnownLicense,
        *,
        at: datetime,
    ) -> None:
        """Write what a record says of a license that it merges from several, or of people who were forgotten."""
        license_id, *others = known.ids
        if license_update.has_changes:
            named = _COMPANIES, {"known_ids": known.ids}
            companies = {(company, license_update.seen.company) for company in await connection.scalars(*named)}
            await merge_licenses(connection, license_id, others, self._keyring, at=at)
            await self._update_license(connection, license_id, record, license_update, known, at=at)
            await update_company_words(connection, [(was, now) for was, now in companies if was != now or others])
        for digest in record.digests:
            await insert_new(connection, processed_row, {"digest": digest, "license_id": license_id})

    async def _update_license(
        self,
        connection: AsyncConnection,
        license_id: int,
        record: ParsedRecord,
        license_update: LicenseUpdate,
        known: KnownLicense,
        *,
        at: datetime,
    ) -> None:
        """Write what is known now, with all ids. Of a contact who was forgotten, no copy stays."""
        before, now = known.license, license_update.seen
        for role in ContactRole:
            if role in record.erased:  # who was erased took the place of somebody who asked for nothing
                continue
            was, is_ = before.contact(role), now.contact(role)
            if was is not None and was.email is not None and is_ is not None and is_.forgotten:
                await anonymize(connection, self._keyring, was.email, DncReason.FORGOTTEN, at=at)
                theirs = select(evaluation.c.id).where(evaluation.c.license_id == license_id)
                await blank_notes(connection, note.c.evaluation_id.in_(theirs), at=at)
        await connection.execute(UPDATE_LICENSE, {"known_id": license_id, **license_values(now, self._keyring)})
        await connection.execute(UPDATE_REPORTED, {"known_license_id": license_id, **report_values(now)})
        is_same_app = now.app_key == before.app_key
        for alias in sorted(now.aliases - before.aliases if is_same_app else now.aliases):
            named = {"app_key": now.app_key, "alias": alias, "license_id": license_id}
            await insert_new(connection, license_alias, named)
        if now.updated > before.updated:
            await connection.execute(DELETE_DIGESTS, {"known_license_id": license_id})


def _is_written_alone(found: tuple[ParsedRecord, LicenseUpdate]) -> bool:
    _, license_update = found
    known = license_update.known
    return known is not None and not is_plain(license_update, known)


def _renamed(record: ParsedRecord, by_alias: Mapping[str, set[int]], known: Mapping[int, KnownLicense]) -> set[int]:
    """Return the licenses of the same entitlement under the former keys of its app."""
    if not by_alias:
        return set()
    seen = record.license
    found = set[int]().union(*(by_alias.get(alias, ()) for alias in seen.aliases))
    others = {id_: known[id_].license for id_ in found}
    return {
        id_ for id_, each in others.items() if each.app_key != seen.app_key and is_renamed(each.aliases, seen.aliases)
    }
