"""Tables for other programs, a page at a time: each page takes a fixed number of statements and a short transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.cautions import reachable
from bot.domain.dnc import targets_for
from bot.domain.evaluation import License, State
from bot.domain.export_choices import ExportKind, ExportScope
from bot.domain.exports import (
    Customer,
    ExportedMail,
    Record,
    Workspace,
    email_record,
    evaluation_record,
    history_record,
)
from bot.domain.mail import LawfulBasis, MailState
from bot.domain.mail_policy import MailRules
from bot.security.keyring import Keyring
from bot.store.dnc.repository import active_hashes
from bot.store.engine.database import Database
from bot.store.mapping import entry_from, evaluation_from, licenses_of
from bot.store.schema import evaluation, history, installation, mail
from bot.store.team_members import load_emails

PAGE_SIZE: Final = 250
"""Rows; each has some ten hashes in one statement, and an engine takes 32,766 values."""
_MAIL: Final = (
    *(mail.c.id, mail.c.evaluation_id, mail.c.template, mail.c.state, mail.c.at, mail.c.settled_at, mail.c.actor),
    *(mail.c.bounced, mail.c.lawful_basis),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPage:
    """Some rows of a table, and the id after which the next page begins; None after the last page."""

    records: tuple[Record, ...]
    next_after: int | None


@shielded
class Exports:
    """Evaluations, emails and history, in the order in which they were recorded."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def page(self, kind: ExportKind, scope: ExportScope, rules: MailRules, *, after: int = 0) -> ExportPage:
        """Return the next page of a table. A merged evaluation is shown as the one that it was merged into."""
        query = _QUERIES[kind](scope)
        key = query.selected_columns["id"]
        async with self._database.read() as connection:
            rows = (await connection.execute(query.where(key > after).order_by(key).limit(PAGE_SIZE))).all()
            records = await self._records(connection, kind, rows, rules)
        return ExportPage(records=tuple(records), next_after=rows[-1].id if len(rows) == PAGE_SIZE else None)

    async def _records(
        self, connection: AsyncConnection, kind: ExportKind, rows: Sequence[Row[Any]], rules: MailRules
    ) -> list[Record]:
        if kind is ExportKind.EVALUATIONS:
            customers = await load_customers(connection, {row.license_id for row in rows}, self._keyring)
            found = [(row, customers[row.license_id]) for row in rows]
            workspace = await load_workspace(connection, {row.owner for row in rows}, self._keyring)
            return [
                evaluation_record(evaluation_from(row, each.license), each, rules, workspace) for row, each in found
            ]
        live = await live_evaluations(connection, {row.evaluation_id for row in rows})
        customers = await load_customers(connection, {each.license_id for each in live.values()}, self._keyring)
        about = [(row, each.id, customers[each.license_id]) for row in rows for each in [live[row.evaluation_id]]]
        if kind is ExportKind.EMAILS:
            return [email_record(_mail(row, evaluation_id), customer) for row, evaluation_id, customer in about]
        return [history_record(evaluation_id, entry_from(row), customer) for row, evaluation_id, customer in about]


async def load_customers(
    connection: AsyncConnection, license_ids: Collection[int], keyring: Keyring
) -> dict[int, Customer]:
    """Return what may be told about the customers of licenses, by the license's id."""
    licenses = await licenses_of(connection, license_ids, keyring)
    blocking = {number: _blocking_hashes(seen, keyring) for number, seen in licenses.items()}
    active = await active_hashes(connection, frozenset[str]().union(*blocking.values()))
    return {
        number: Customer(license=seen, is_blocked=not active.isdisjoint(blocking[number]))
        for number, seen in licenses.items()
    }


async def load_workspace(connection: AsyncConnection, owners: Collection[str | None], keyring: Keyring) -> Workspace:
    """Return what Slack said about the workspace and these owners."""
    url = await connection.scalar(select(installation.c.workspace_url))
    return Workspace(url=url, emails=await load_emails(connection, owners, keyring))


def _blocking_hashes(seen: License, keyring: Keyring) -> frozenset[str]:
    """Return the hashes under which an entry would forbid emailing the contact that a card shows first."""
    contact = reachable(seen)
    if contact is None or contact.email is None:
        return frozenset()
    return frozenset(each for target in targets_for(seen, contact.email) for each in keyring.target_hashes(target))


def _evaluations(scope: ExportScope) -> Select[Any]:
    is_trial = evaluation.c.state != State.EXPECTED
    conditions = [evaluation.c.merged_into.is_(None), is_trial, *_of_apps(scope)]
    if scope.since is not None:
        conditions.append(evaluation.c.started >= scope.since)
    return select(evaluation).where(*conditions)


def _emails(scope: ExportScope) -> Select[Any]:
    return _of_evaluations(select(*_MAIL).where(*_since(mail.c.at, scope)), mail.c.evaluation_id, scope)


def _history(scope: ExportScope) -> Select[Any]:
    return _of_evaluations(select(history).where(*_since(history.c.at, scope)), history.c.evaluation_id, scope)


_QUERIES: Final = {
    ExportKind.EVALUATIONS: _evaluations,
    ExportKind.EMAILS: _emails,
    ExportKind.HISTORY: _history,
}


def _of_apps(scope: ExportScope) -> list[ColumnElement[bool]]:
    return [] if scope.app_keys is None else [evaluation.c.app_key.in_(sorted(scope.app_keys))]


def _of_evaluations(query: Select[Any], column: Column[int], scope: ExportScope) -> Select[Any]:
    if scope.app_keys is None:
        return query
    return query.join(evaluation, evaluation.c.id == column).where(*_of_apps(scope))


def _since(column: Column[datetime], scope: ExportScope) -> list[ColumnElement[bool]]:
    if scope.since is None:
        return []
    return [column >= datetime.combine(scope.since, time(), UTC)]


async def live_evaluations(connection: AsyncConnection, evaluation_ids: Iterable[int]) -> Mapping[int, Row[Any]]:
    """Return the id and the license of evaluations, or of those that they were merged into, by the ids given."""
    table = evaluation
    chain = (
        select(table.c.id.label("given"), table.c.id, table.c.license_id, table.c.merged_into)
        .where(table.c.id.in_(list(evaluation_ids)))
        .cte("chain", recursive=True)
    )
    next_one = select(chain.c.given, table.c.id, table.c.license_id, table.c.merged_into)
    chain = chain.union(next_one.join(chain, table.c.id == chain.c.merged_into))
    found = await connection.execute(select(chain).where(chain.c.merged_into.is_(None)))
    return {row.given: row for row in found}


def _mail(row: Row[Any], evaluation_id: int) -> ExportedMail:
    return ExportedMail(
        evaluation_id=evaluation_id,
        template=row.template,
        state=MailState(row.state),
        at=row.at,
        settled_at=row.settled_at,
        sender=row.actor,
        bounced=row.bounced,
        basis=LawfulBasis[row.lawful_basis],
    )
