"""Lists of evaluations, a page at a time: the number of statements does not grow with the number of rows."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, assert_never

from sqlalchemy import Column, ColumnElement, Row, Select, and_, exists, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.dnc import targets_for
from bot.domain.evaluation import License, State
from bot.domain.home import Snoozed
from bot.domain.license_types import SOLD_TYPES
from bot.domain.listing import (
    PAGE_SIZE,
    Criteria,
    EvaluationRow,
    Found,
    ListKind,
    Ownership,
    Page,
    Selection,
    Status,
    Term,
    nearest_page,
)
from bot.domain.mail import MailState
from bot.security.keyring import Keyring
from bot.store.dnc.repository import active_hashes
from bot.store.engine.database import Database
from bot.store.engine.distinct import distinct_values
from bot.store.find import find_licenses
from bot.store.mapping import evaluation_from, licenses_of
from bot.store.schema import evaluation, license_, mail
from bot.store.team_tables import snooze
from bot.store.waiting import IS_WAITING

_RUNNING: Final = evaluation.c.state == literal_column(f"'{State.RUNNING.value}'")
"""As a literal: a partial index is used only if the condition is certain before the statement is run."""
_ANNOUNCED: Final = evaluation.c.channel.is_not(None)
OPEN: Final = and_(_RUNNING, _ANNOUNCED, evaluation.c.not_for_us_at.is_(None), evaluation.c.merged_into.is_(None))
_ITS_LICENSE: Final = license_.alias()
_IS_ITS_LICENSE: Final = exists().where(_ITS_LICENSE.c.id == evaluation.c.license_id)
HAS_KNOWN_END: Final = (evaluation.c.upgrade_to == "") | _IS_ITS_LICENSE.where(
    _ITS_LICENSE.c.license_type.endswith("EVALUATION")
)
"""The end of an upgrade trial on a license that was bought is assumed."""
_CONVERTED: Final = evaluation.c.state == State.CONVERTED
_IS_SOLD: Final = _IS_ITS_LICENSE.where(_ITS_LICENSE.c.license_type.in_(sorted(SOLD_TYPES)))
_STANDS: Final[Mapping[Status, ColumnElement[bool]]] = {
    Status.EXPECTED: evaluation.c.state == State.EXPECTED,
    Status.RUNNING: _RUNNING,
    Status.BOUGHT: _CONVERTED & _IS_SOLD,
    Status.LICENSED: _CONVERTED & ~_IS_SOLD,
    Status.ENDED: evaluation.c.state.in_((State.EXPIRED, State.CANCELLED)),
    Status.CANCELLED: evaluation.c.state == State.CANCELLED,
    Status.DONE: evaluation.c.done_at.is_not(None),
    Status.NOT_FOR_US: evaluation.c.not_for_us_at.is_not(None),
}


@shielded
class EvaluationLists:
    """Lists of evaluations, and the names that narrow them down."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def page(self, selection: Selection, number: int) -> Page[EvaluationRow]:
        """Return a page of a list, or the nearest one that exists."""
        [found] = await self.pages([(selection, number)])
        return found

    async def pages(self, wanted: Sequence[tuple[Selection, int]]) -> list[Page[EvaluationRow]]:
        """Return a page of each list, or the nearest one that exists. Their rows are read together."""
        conditions = [_wanted(selection) for selection, _ in wanted]
        counts = [select(func.count()).select_from(evaluation).where(each).scalar_subquery() for each in conditions]
        async with self._database.read() as connection:
            totals = (await connection.execute(select(*counts))).one()
            places = [nearest_page(total, number) for total, (_, number) in zip(totals, wanted, strict=True)]
            found = list[Sequence[Row[Any]]]()
            for (selection, _), condition, (number, _) in zip(wanted, conditions, places, strict=True):
                query = _ordered(select(evaluation).where(condition), selection.kind)
                found.append((await connection.execute(query.limit(PAGE_SIZE).offset(number * PAGE_SIZE))).all())
            rows = iter(await read_rows(connection, self._keyring, [row for each in found for row in each]))
        return [
            Page(rows=tuple(islice(rows, len(each))), number=number, pages=pages, total=total)
            for each, (number, pages), total in zip(found, places, totals, strict=True)
        ]

    async def find(self, terms: Sequence[Term], criteria: Criteria, *, most: int) -> Found:
        """Return the newest evaluations that match every term, at most `most` of them."""
        async with self._database.read() as connection:
            licenses, is_partial = await find_licenses(connection, self._keyring, terms)
            theirs = evaluation.c.license_id.in_(licenses)
            wanted = and_(evaluation.c.merged_into.is_(None), theirs, *_narrowed(criteria))
            # The search is done once: what it finds is counted while the newest are chosen.
            counted = select(evaluation.c.id, func.count().over().label("total")).where(wanted)
            newest = counted.order_by(evaluation.c.started.desc(), evaluation.c.id.desc()).limit(most)
            chosen = (await connection.execute(newest)).all()
            ids = [row.id for row in chosen]
            found = {
                row.id: row for row in await connection.execute(select(evaluation).where(evaluation.c.id.in_(ids)))
            }
            rows = await read_rows(connection, self._keyring, [found[id_] for id_ in ids])
        return Found(rows=rows, total=chosen[0].total if chosen else 0, is_partial=is_partial)

    async def snoozed(self, user: str, *, most: int) -> list[Snoozed]:
        """Return the evaluations of which a person is to be reminded, the next one first."""
        of_them = select(evaluation, snooze.c.until.label("until")).join(
            snooze, snooze.c.evaluation_id == evaluation.c.id
        )
        theirs = of_them.where(snooze.c.user_id == user, evaluation.c.not_for_us_at.is_(None))
        wanted = theirs.order_by(snooze.c.until, evaluation.c.id).limit(most)
        async with self._database.read() as connection:
            found = (await connection.execute(wanted)).all()
            rows = await read_rows(connection, self._keyring, found)
        return [Snoozed(row=row, until=each.until) for row, each in zip(rows, found, strict=True)]

    async def apps(self) -> dict[str, str]:
        """Return the names of the apps in the report, by key. An app that was renamed has its newest name."""
        keys, theirs = distinct_values(license_.c.app_key), license_.alias()
        newest = select(func.max(theirs.c.id)).where(theirs.c.app_key == keys.c.value).correlate(keys)
        ids = select(newest.scalar_subquery()).select_from(keys)
        query = select(license_.c.app_key, license_.c.app_name).where(license_.c.id.in_(ids))
        async with self._database.read() as connection:
            return {row.app_key: row.app_name for row in await connection.execute(query)}

    async def countries(self) -> frozenset[str]:
        """Return the countries in the report, by the names that it gives them."""
        async with self._database.read() as connection:
            return await _values(connection, license_.c.country)

    async def owners(self) -> frozenset[str]:
        """Return the Slack user ids of all who own an evaluation."""
        async with self._database.read() as connection:
            return await _values(connection, evaluation.c.owner)


async def _values(connection: AsyncConnection, column: Column[str]) -> frozenset[str]:
    values = distinct_values(column).c.value
    return frozenset(await connection.scalars(select(values).where(values.is_not(None))))


def _wanted(selection: Selection) -> ColumnElement[bool]:
    return and_(evaluation.c.merged_into.is_(None), *_of_list(selection), *_narrowed(selection.criteria))


def _of_list(selection: Selection) -> list[ColumnElement[bool]]:
    """Return what makes an evaluation one of a list. Lists of work have only what is open, unless a state is given."""
    status = selection.criteria.status
    is_for_us = [] if status is Status.NOT_FOR_US else [evaluation.c.not_for_us_at.is_(None)]
    is_open = [*is_for_us, *([_RUNNING] if status is None else [])]
    match selection.kind:
        case ListKind.DAYS:
            days = selection.days
            if days is None:
                raise ValueError("a list of days needs the days")
            arrived = (evaluation.c.first_seen >= days.begins) & (evaluation.c.first_seen < days.ends)
            is_trial = [] if status is Status.EXPECTED else [evaluation.c.state != State.EXPECTED]
            return [evaluation.c.started.between(days.first, days.last) | (_ANNOUNCED & arrived), *is_trial]
        case ListKind.MINE:
            return [evaluation.c.owner == selection.user, *is_open]
        case ListKind.UNOWNED:
            return [evaluation.c.owner.is_(None), _ANNOUNCED, *is_open]
        case ListKind.EXPIRING:
            return [OPEN]
        case ListKind.WAITING:
            return [IS_WAITING, *is_for_us]
    assert_never(selection.kind)


def _narrowed(criteria: Criteria) -> list[ColumnElement[bool]]:
    """Return a condition for each filter that is set."""
    conditions = list[ColumnElement[bool]]()
    if criteria.app_keys is not None:
        conditions.append(_IS_ITS_LICENSE.where(_ITS_LICENSE.c.app_key.in_(sorted(criteria.app_keys))))
    if criteria.countries is not None:
        conditions.append(_IS_ITS_LICENSE.where(_ITS_LICENSE.c.country.in_(sorted(criteria.countries))))
    if criteria.owner is not None:
        owner = None if criteria.owner == Ownership.NONE else criteria.owner
        conditions.append(evaluation.c.owner.is_(None) if owner is None else evaluation.c.owner == owner)
    if criteria.ends is not None:
        conditions += [_RUNNING, HAS_KNOWN_END, evaluation.c.ends.between(*criteria.ends)]
    if criteria.since is not None:
        conditions.append(evaluation.c.started >= criteria.since)
    if criteria.status is not None:
        conditions.append(_STANDS[criteria.status])
    return conditions


def _ordered(query: Select[Any], kind: ListKind) -> Select[Any]:
    """Order days by app, newest first; who waits by the time since when; other work by the end of the trial."""
    if kind is ListKind.DAYS:
        # Not as a join: PostgreSQL expects so many rows of a day that it would read every license for it.
        name = select(_ITS_LICENSE.c.app_name).where(_ITS_LICENSE.c.id == evaluation.c.license_id).scalar_subquery()
        return query.order_by(name, evaluation.c.app_key, evaluation.c.id.desc())
    if kind is ListKind.WAITING:
        return query.order_by(evaluation.c.waiting_since, evaluation.c.id)
    return query.order_by(evaluation.c.ends.nulls_last(), evaluation.c.id)


async def read_rows(
    connection: AsyncConnection, keyring: Keyring, rows: Sequence[Row[Any]]
) -> tuple[EvaluationRow, ...]:
    """Return the lines of these rows of `evaluation`, in this order."""
    if not rows:
        return ()
    ids = [row.id for row in rows]
    licenses = await licenses_of(connection, {row.license_id for row in rows}, keyring)
    sent = select(mail.c.evaluation_id).where(mail.c.evaluation_id.in_(ids), mail.c.state == MailState.SENT)
    mailed = set(await connection.scalars(sent))
    blocking = {number: _blocking_hashes(seen, keyring) for number, seen in licenses.items()}
    active = await active_hashes(connection, frozenset[str]().union(*blocking.values()))
    return tuple(
        EvaluationRow(
            evaluation=evaluation_from(row, licenses[row.license_id]),
            mailed=row.id in mailed,
            is_blocked=not active.isdisjoint(blocking[row.license_id]),
            gone=row.card_gone is not None,
        )
        for row in rows
    )


def _blocking_hashes(seen: License, keyring: Keyring) -> Iterable[str]:
    """Return the hashes under which an entry would forbid emailing a contact of a license."""
    addresses = [contact.email for contact in seen.contacts if contact.email is not None]
    targets = dict.fromkeys(target for address in addresses for target in targets_for(seen, address))
    return [each for target in targets for each in keyring.target_hashes(target)]
