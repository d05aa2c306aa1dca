"""Map domain values to table rows, and back."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import fields
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from typing import Any, Final

import orjson
from sqlalchemy import Executable, Row, Select, Table, bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.cautions import company_domain, company_key
from bot.domain.evaluation import (
    CardRef,
    Contact,
    Done,
    Evaluation,
    License,
    NotForUs,
    NotForUsReason,
    Partner,
    State,
    Trial,
)
from bot.domain.history import Entry, Kind
from bot.domain.history_details import pack, unpack
from bot.domain.report import is_counted
from bot.security.keyring import Keyring
from bot.store.engine.upsert import insert_or
from bot.store.schema import evaluation, license_alias
from bot.store.schema import license_ as license_table

_NOT_COLUMNS: Final = frozenset({"aliases", "technical", "billing", "partner", "carried_over"})
_PLAIN: Final = tuple(f.name for f in fields(License) if f.name not in _NOT_COLUMNS)
_plain_values = attrgetter(*_PLAIN)
_derived_from = attrgetter("company", "technical", "billing", "partner", "carried_over")
"""What the columns that are not plain say."""

LICENSE_COLUMNS: Final = (
    *_PLAIN,
    "company_key",
    "domain",
    "contacts",
    "technical_key",
    "billing_key",
    "partner_name",
    "partner_kind",
    "carried_over",
)
"""The columns of a license, without its id and the time of its discovery."""
TRIAL_COLUMNS: Final = ("started", "ends", "state", "reported_on", "upgrade_to")
"""The columns of a trial in a row of `evaluation`."""
REPORT_COLUMNS: Final = ("app_key", "counted")
"""The columns of a license in a row of `evaluation`."""
_EVALUATION: Final = select(evaluation).where(evaluation.c.id == bindparam("wanted"))
ENTRY_COLUMNS: Final = ("evaluation_id", "at", "kind", "actor", "details")
"""The columns of an entry in a row of `history`."""


def license_row(license_: License, keyring: Keyring) -> tuple[Any, ...]:
    """Return the values of a license, in the order of `LICENSE_COLUMNS`."""
    technical, billing, partner = license_.technical, license_.billing, license_.partner
    return (
        *_plain_values(license_),
        company_key(license_.company),
        company_domain(license_),
        keyring.encrypt(orjson.dumps((technical, billing)).decode()),
        _address_key(technical, keyring),
        _address_key(billing, keyring),
        partner and partner.name,
        partner and partner.kind,
        {detail: day.isoformat() for detail, day in license_.carried_over} or None,
    )


def license_values(license_: License, keyring: Keyring) -> dict[str, Any]:
    """Return the same values by column."""
    return dict(zip(LICENSE_COLUMNS, license_row(license_, keyring), strict=True))


def changed_license_values(before: License, now: License, keyring: Keyring) -> dict[str, Any]:
    """Return the values of a license that differ from those before, by column. The database is quicker with few, and
    contacts that stay the same are not encrypted again.
    """
    plain = zip(_PLAIN, _plain_values(before), _plain_values(now), strict=True)
    changed = {name: value for name, was, value in plain if value != was}
    if _derived_from(before) != _derived_from(now):
        derived = license_values(now, keyring)
        changed |= {name: derived[name] for name in LICENSE_COLUMNS[len(_PLAIN) :]}
    return changed


def license_from(row: Row[Any], aliases: Iterable[str], keyring: Keyring) -> License:
    """Return the license in a row of `license`."""
    technical, billing = contacts_from(row.contacts, keyring)
    partner = Partner(name=row.partner_name, kind=row.partner_kind)
    return License(
        aliases=frozenset(aliases),
        technical=technical,
        billing=billing,
        partner=None if partner == Partner() else partner,
        carried_over=frozenset((detail, date.fromisoformat(day)) for detail, day in (row.carried_over or {}).items()),
        **{name: getattr(row, name) for name in _PLAIN},
    )


def contacts_from(sealed: bytes, keyring: Keyring) -> tuple[Contact | None, Contact | None]:
    """Return the technical and the billing contact in a row of `license`."""
    technical, billing = (_contact(value) for value in orjson.loads(keyring.decrypt(sealed)))
    return technical, billing


def trial_from(row: Row[Any]) -> Trial:
    """Return the trial in a row of `evaluation`."""
    return Trial(
        started=row.started,
        ends=row.ends,
        state=State(row.state),
        reported_on=row.reported_on,
        upgrade_to=row.upgrade_to or None,
    )


def trial_row(trial: Trial) -> tuple[Any, ...]:
    """Return the values of a trial, in the order of `TRIAL_COLUMNS`."""
    return trial.started, trial.ends, trial.state.value, trial.reported_on, trial.upgrade_to or ""


def trial_values(trial: Trial) -> dict[str, Any]:
    """Return the same values by column."""
    return dict(zip(TRIAL_COLUMNS, trial_row(trial), strict=True))


def report_row(license_: License) -> tuple[Any, ...]:
    """Return what an evaluation repeats of its license, in the order of `REPORT_COLUMNS`."""
    return license_.app_key, is_counted(license_)


def report_values(license_: License) -> dict[str, Any]:
    """Return the same values by column."""
    return dict(zip(REPORT_COLUMNS, report_row(license_), strict=True))


def evaluation_from(row: Row[Any], license_: License) -> Evaluation:
    """Return the evaluation in a row of `evaluation`."""
    return Evaluation(
        id=row.id,
        license=license_,
        trial=trial_from(row),
        first_seen=row.first_seen,
        owner=row.owner,
        card=CardRef(channel=row.channel, ts=row.card_ts) if row.card_ts else None,
        done=_done(row),
        not_for_us=_not_for_us(row),
        waiting_since=waiting_since(row),
    )


def entry_from(row: Row[Any]) -> Entry:
    """Return the fact in a row of `history`."""
    return Entry(at=row.at, actor=row.actor, fact=unpack(Kind(row.kind), row.details))


def entry_row(entry: Entry, evaluation_id: int) -> tuple[Any, ...]:
    """Return the values of an entry, in the order of `ENTRY_COLUMNS`."""
    return evaluation_id, entry.at, entry.kind.value, entry.actor, pack(entry.fact)


def history_values(entry: Entry, evaluation_id: int) -> dict[str, Any]:
    """Return the same values by column."""
    return dict(zip(ENTRY_COLUMNS, entry_row(entry, evaluation_id), strict=True))


async def license_of(connection: AsyncConnection, license_id: int, keyring: Keyring) -> License:
    """Return the license with this id and all its aliases. Raises KeyError if there is none."""
    return (await licenses_of(connection, [license_id], keyring))[license_id]


async def licenses_of(
    connection: AsyncConnection, license_ids: Collection[int], keyring: Keyring
) -> dict[int, License]:
    """Return the licenses with these ids, by id, with all their aliases."""
    rows = (await connection.execute(select(license_table).where(license_table.c.id.in_(license_ids)))).all()
    aliases = defaultdict[int, list[str]](list)
    for alias in await connection.execute(select(license_alias).where(license_alias.c.license_id.in_(license_ids))):
        aliases[alias.license_id].append(alias.alias)
    return {row.id: license_from(row, aliases[row.id], keyring) for row in rows}


async def live_evaluation(connection: AsyncConnection, evaluation_id: int) -> Row[Any] | None:
    """Return the row of an evaluation, or of the one it was merged into."""
    wanted: int | None = evaluation_id
    row: Row[Any] | None = None
    while wanted is not None:
        row = (await connection.execute(_EVALUATION, {"wanted": wanted})).first()
        wanted = None if row is None else row.merged_into
    return row


def merged_into(evaluation_id: int) -> Select[Any]:
    """Return the ids of an evaluation and of all that were merged into it, directly or not."""
    every = select(evaluation.c.id).where(evaluation.c.id == evaluation_id).cte("every", recursive=True)
    every = every.union(select(evaluation.c.id).where(evaluation.c.merged_into == every.c.id))
    return select(every.c.id)


async def insert_row(connection: AsyncConnection, table: Table, values: dict[str, Any]) -> int:
    """Insert a row of plain values and return its id."""
    return int((await connection.execute(_insert(table), values)).scalar_one())


async def insert_new(connection: AsyncConnection, table: Table, values: dict[str, Any]) -> int | None:
    """Insert a row of plain values unless a constraint says that it exists. Return the new row's id, or None."""
    row = (await connection.execute(_insert_new(table, connection.dialect.name), values)).first()
    return None if row is None else row[0]


@cache
def _insert(table: Table) -> Executable:
    """Return the statement with values still to come: it is built once, and SQLAlchemy knows it again."""
    return insert(table).returning(table.c.id)


@cache
def _insert_new(table: Table, dialect: str) -> Executable:
    key = next(iter(table.primary_key.columns))
    return insert_or(table, dialect).on_conflict_do_nothing().returning(key)


def _contact(value: dict[str, Any] | None) -> Contact | None:
    return None if value is None else Contact(**value)


def _address_key(contact: Contact | None, keyring: Keyring) -> str | None:
    return None if contact is None or contact.email is None else keyring.address_hash(contact.email)


def _done(row: Row[Any]) -> Done | None:
    return None if row.done_at is None else Done(by=row.done_by, at=row.done_at)


def waiting_since(row: Row[Any]) -> datetime | None:
    """Return since when a contact waits for an answer, or None if they do not."""
    is_over = row.waiting_since is None or (row.done_at is not None and row.done_at >= row.waiting_since)
    return None if is_over else row.waiting_since


def _not_for_us(row: Row[Any]) -> NotForUs | None:
    if row.not_for_us_at is None:
        return None
    return NotForUs(by=row.not_for_us_by, at=row.not_for_us_at, reason=NotForUsReason(row.not_for_us_reason))
