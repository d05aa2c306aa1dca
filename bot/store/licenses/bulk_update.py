"""Update many licenses whose trials did not change: Atlassian may touch every row of a report at once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Executable, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.changes import Change, Confirmed, Refreshed
from bot.domain.identity import KnownLicense
from bot.domain.license_update import LicenseUpdate
from bot.security.keyring import Keyring
from bot.store.engine.bulk import Inserts
from bot.store.licenses.batching import ParsedRecord
from bot.store.licenses.company_words import update_company_words
from bot.store.mapping import changed_license_values, report_values, trial_values
from bot.store.outbox.enqueue import enqueue_card_update
from bot.store.schema import evaluation, license_, license_alias, processed_row

Update = tuple[ParsedRecord, LicenseUpdate, KnownLicense]

UPDATE_LICENSE: Final = update(license_).where(license_.c.id == bindparam("known_id"))
IS_TRIAL: Final = (
    evaluation.c.license_id == bindparam("known_license_id"),
    evaluation.c.started == bindparam("known_started"),
    evaluation.c.upgrade_to == bindparam("known_upgrade_to"),
    evaluation.c.merged_into.is_(None),
)
_UPDATE_TRIAL: Final = update(evaluation).where(*IS_TRIAL)
_IN_KEY: Final = frozenset({"started", "upgrade_to"})
"""What a `Confirmed` trial keeps."""
UPDATE_REPORTED: Final = update(evaluation).where(evaluation.c.license_id == bindparam("known_license_id"))
DELETE_DIGESTS: Final = delete(processed_row).where(processed_row.c.license_id == bindparam("known_license_id"))


def is_plain(license_update: LicenseUpdate, known: KnownLicense) -> bool:
    """Return whether a record merges no licenses, forgets nobody, and adds nothing to a history."""
    return is_one_license(license_update, known) and not news_of(license_update)


def is_one_license(license_update: LicenseUpdate, known: KnownLicense) -> bool:
    """Return whether a record merges no licenses and forgets nobody."""
    now, before = license_update.seen, known.license
    is_merged = len(known.ids) > 1 or now.app_key != before.app_key
    return not is_merged and not any(contact.forgotten for contact in now.contacts)


def news_of(license_update: LicenseUpdate) -> list[Change]:
    """Return the changes that `update_licenses` leaves to others."""
    return [change for change in license_update.changes if not isinstance(change, Confirmed | Refreshed)]


async def update_licenses(
    connection: AsyncConnection, found: Sequence[Update], keyring: Keyring, *, at: datetime
) -> None:
    """Write what records of one license each add, table by table, without the `news_of` its trials."""
    values, aliases, outdated, companies, reported = [], [], [], [], []
    for _, license_update, known in found:
        if license_update.has_changes:
            id_, before, now = known.ids[0], known.license, license_update.seen
            values.append({"known_id": id_, **changed_license_values(before, now, keyring)})
            new = sorted(now.aliases - before.aliases)
            aliases += [(now.app_key, alias, id_) for alias in new]
            outdated += [{"known_license_id": id_}] if now.updated > before.updated else []
            companies += [(before.company, now.company)] if now.company != before.company else []
            if report_values(now) != report_values(before):
                reported.append({"known_license_id": id_, **report_values(now)})
    digests = [(each, known.ids[0]) for record, _, known in found for each in record.digests]
    await _update(connection, UPDATE_LICENSE, values)
    await _update(connection, UPDATE_REPORTED, reported)
    if outdated:
        await connection.execute(DELETE_DIGESTS, outdated)
    async with Inserts(connection) as inserts:
        await inserts.add(license_alias, ("app_key", "alias", "license_id"), aliases, skip_existing=True)
        await inserts.add(processed_row, ("digest", "license_id"), digests, skip_existing=True)
    await update_company_words(connection, companies)
    await _update_trials(connection, found, at=at)


async def _update_trials(connection: AsyncConnection, found: Iterable[Update], *, at: datetime) -> None:
    """Write which record speaks of a trial now, and enqueue an update of the cards that show something else."""
    confirmed, shown = list[dict[str, Any]](), set[tuple[object, ...]]()
    for _, license_update, known in found:
        for change in license_update.changes:
            trial, license_id = change.trial, known.ids[0]
            of_trial = (license_id, trial.started, trial.upgrade_to or "")
            if isinstance(change, Confirmed):
                names = ("known_license_id", "known_started", "known_upgrade_to")
                said = {name: value for name, value in trial_values(trial).items() if name not in _IN_KEY}
                confirmed.append({**dict(zip(names, of_trial, strict=True)), **said})
            elif isinstance(change, Refreshed):
                shown.add(of_trial)
    await _update(connection, _UPDATE_TRIAL, confirmed)
    with_card = select(evaluation).where(
        evaluation.c.license_id.in_({license_id for license_id, *_ in shown}),
        evaluation.c.channel.is_not(None),
        evaluation.c.merged_into.is_(None),
    )
    rows = (await connection.execute(with_card)).all()
    stale = [row.id for row in rows if (row.license_id, row.started, row.upgrade_to) in shown]
    await enqueue_card_update(connection, stale, at=at)


async def _update(connection: AsyncConnection, statement: Executable, rows: Iterable[dict[str, Any]]) -> None:
    """Update rows, those with the same columns at once. The names that begin with `known_` say which row it is."""
    alike = defaultdict[tuple[str, ...], list[dict[str, Any]]](list)
    for row in rows:
        alike[tuple(row)].append(row)
    for names, some in alike.items():
        if not all(name.startswith("known_") for name in names):
            await connection.execute(statement, some)
