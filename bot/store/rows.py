"""How domain values lie in table rows, both ways."""

import json
from collections.abc import Iterable
from dataclasses import fields
from datetime import date
from typing import Any, Final

from sqlalchemy import Row, Table, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.evaluation import CardRef, Contact, Evaluation, License, Partner, State, Trial
from bot.domain.history import Entry, Kind
from bot.domain.trust import company_domain, company_key
from bot.store.keys import Keys
from bot.store.schema import evaluation

_NOT_COLUMNS: Final = frozenset({"aliases", "technical", "billing", "partner", "kept"})
_PLAIN: Final = tuple(f.name for f in fields(License) if f.name not in _NOT_COLUMNS)


def license_values(license_: License, keys: Keys) -> dict[str, Any]:
    """The columns of a license, but for its id and the time it was first seen."""
    partner = license_.partner or Partner()
    return {
        **{name: getattr(license_, name) for name in _PLAIN},
        "company_key": company_key(license_.company),
        "domain": company_domain(license_),
        "contacts": keys.seal(json.dumps([_plain(license_.technical), _plain(license_.billing)])),
        "technical_key": _address_key(license_.technical, keys),
        "billing_key": _address_key(license_.billing, keys),
        "partner_name": partner.name,
        "partner_kind": partner.kind,
        "kept": {detail: day.isoformat() for detail, day in license_.kept} or None,
    }


def license_from(row: Row[Any], aliases: Iterable[str], keys: Keys) -> License:
    """The license that a row of `license` holds."""
    technical, billing = (_contact(value) for value in json.loads(keys.open(row.contacts)))
    partner = Partner(name=row.partner_name, kind=row.partner_kind)
    return License(
        aliases=frozenset(aliases),
        technical=technical,
        billing=billing,
        partner=None if partner == Partner() else partner,
        kept=frozenset((detail, date.fromisoformat(day)) for detail, day in (row.kept or {}).items()),
        **{name: getattr(row, name) for name in _PLAIN},
    )


def trial_from(row: Row[Any]) -> Trial:
    """The trial that a row of `evaluation` holds."""
    return Trial(
        started=row.started,
        ends=row.ends,
        state=State(row.state),
        told=row.told,
        upgrade_to=row.upgrade_to or None,
    )


def trial_values(trial: Trial) -> dict[str, Any]:
    """The columns of a trial in a row of `evaluation`."""
    return {
        "started": trial.started,
        "ends": trial.ends,
        "state": trial.state,
        "told": trial.told,
        "upgrade_to": trial.upgrade_to or "",
    }


def evaluation_from(row: Row[Any], license_: License) -> Evaluation:
    """The evaluation that a row of `evaluation` holds."""
    return Evaluation(
        id=row.id,
        license=license_,
        trial=trial_from(row),
        first_seen=row.first_seen,
        owner=row.owner,
        card=CardRef(channel=row.channel, ts=row.card_ts) if row.card_ts else None,
    )


def entry_from(row: Row[Any]) -> Entry:
    """The fact that a row of `history` holds."""
    return Entry(at=row.at, kind=Kind(row.kind), actor=row.actor, details=row.details)


def history_values(entry: Entry, evaluation_id: int) -> dict[str, Any]:
    """The columns of an entry."""
    return {
        "evaluation_id": evaluation_id,
        "at": entry.at,
        "kind": entry.kind,
        "actor": entry.actor,
        "details": dict(entry.details),
    }


async def live_evaluation(connection: AsyncConnection, evaluation_id: int) -> Row[Any] | None:
    """The row of an evaluation, or of the one it was merged into."""
    wanted: int | None = evaluation_id
    row: Row[Any] | None = None
    while wanted is not None:
        row = (await connection.execute(select(evaluation).where(evaluation.c.id == wanted))).first()
        wanted = None if row is None else row.merged_into
    return row


async def insert_row(connection: AsyncConnection, table: Table, values: dict[str, Any]) -> int:
    """Insert a row; its id."""
    return int((await connection.execute(insert(table).values(values).returning(table.c.id))).scalar_one())


async def insert_new(connection: AsyncConnection, table: Table, values: dict[str, Any]) -> int | None:
    """Insert a row unless a constraint says that it is there; the new row's id, or None."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    key = next(iter(table.primary_key.columns))
    result = await connection.execute(dialect.insert(table).values(values).on_conflict_do_nothing().returning(key))
    row = result.first()
    return None if row is None else row[0]


def _plain(contact: Contact | None) -> dict[str, Any] | None:
    return None if contact is None else {"email": contact.email, "name": contact.name, "forgotten": contact.forgotten}


def _contact(value: dict[str, Any] | None) -> Contact | None:
    return None if value is None else Contact(**value)


def _address_key(contact: Contact | None, keys: Keys) -> str | None:
    return None if contact is None or contact.email is None else keys.fingerprint(contact.email)
