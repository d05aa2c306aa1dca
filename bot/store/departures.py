"""Customers who left, and quotes that were accepted: recorded once each, with what follows."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.accepted_quote import AcceptedQuote
from bot.domain.departure import CustomerWords, Departure, DepartureKind, LeavingCount, Reading
from bot.domain.evaluation import State
from bot.domain.history import CustomerLeft, Entry, Kind, QuoteAccepted
from bot.domain.mail import Overtaken
from bot.domain.outbox import DeliveryKind, OwnerNews
from bot.security.keyring import Keyring
from bot.store.dnc.repository import erased_hashes
from bot.store.engine.bulk import rows_with
from bot.store.engine.database import Database
from bot.store.licenses.places import find_licenses_of_app
from bot.store.mail.repository import count_stopped, stop_queued
from bot.store.mapping import contacts_from, insert_new
from bot.store.outbox.enqueue import append_history, enqueue_refresh
from bot.store.schema import evaluation, history, license_, license_alias
from bot.store.signal_tables import departure, quote, report_reading
from bot.store.stand_ins import tell_owner

ReadRow = tuple[str, Departure]
"""A row as text, without anything that differs between two readings, and what it says."""

IS_SETTLED: ColumnElement[bool] = exists().where(
    history.c.evaluation_id == evaluation.c.id, history.c.kind.in_((Kind.CUSTOMER_LEFT, Kind.QUOTE_ACCEPTED))
)
"""Whether nobody should be reminded of an evaluation: they left, or they are about to buy."""


@shielded
class Departures:
    """Rows of the reports beside licenses. Each is recorded once; those of the first reading are not posted."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def was_read(self, reading: Reading) -> bool:
        """Return whether a report was read completely once."""
        async with self._database.read() as connection:
            return bool(await connection.scalar(select(exists().where(report_reading.c.name == reading))))

    async def finish_first(self, reading: Reading, *, at: datetime) -> None:
        """Note that a report was read completely."""
        async with self._database.write() as connection:
            await insert_new(connection, report_reading, {"name": reading, "at": at})

    async def filter_new(self, rows: Sequence[ReadRow]) -> list[tuple[bytes, Departure]]:
        """Return the rows that were not recorded before. Equal rows are recorded apart by their number."""
        seen, numbered = Counter[str](), list[tuple[bytes, Departure]]()
        for text, found in rows:
            seen[text] += 1
            numbered.append((self._keyring.row_digest(f"feedback {seen[text]} {text}"), found))
        async with self._database.read() as connection:
            known = {row.digest for row in await rows_with(connection, departure.c.digest, [d for d, _ in numbered])}
        return [each for each in numbered if each[0] not in known]

    async def record(self, rows: Sequence[tuple[bytes, Departure]], *, posts: bool, at: datetime) -> int:
        """Record customers who left; if it `posts`, say so in the thread of their card, and stop queued email to them.
        Return how many are new.
        """
        new = stopped = 0
        async with self._database.write() as connection:
            gone = await erased_hashes(connection)
            for digest, found in rows:
                licenses = await find_licenses_of_app(
                    connection, found.app_key, aliases=found.aliases, cloud_id=found.cloud_id, site=None
                )
                newest = await _newest(connection, licenses)
                email = found.words.email
                is_gone = email is not None and not gone.isdisjoint(self._keyring.address_hashes(email))
                words = CustomerWords() if is_gone else found.words
                values = {
                    "digest": digest,
                    "app_key": found.app_key,
                    "day": found.day,
                    "kind": found.kind,
                    "at": at,
                    "is_new": posts,
                    "reason": found.reason or found.reason_key,
                    "evaluation_id": None if newest is None else newest.id,
                    "content": None if words.is_empty else self._keyring.encrypt(json.dumps(asdict(words))),
                    "address_key": None if words.email is None else self._keyring.address_hash(words.email),
                }
                id_ = await insert_new(connection, departure, values)
                new += id_ is not None
                if id_ is not None and posts and newest is not None and newest.channel is not None:
                    reason = found.reason or found.reason_key or ""
                    fact = CustomerLeft(left=found.kind, reason=reason, on=found.day, departure_id=id_)
                    await append_history(connection, newest.id, [Entry(at=at, fact=fact)])
                    stopped += await stop_queued(connection, newest.id, Overtaken.LEFT, at=at)
        count_stopped(self._database.meter, Overtaken.LEFT, stopped)
        return new

    async def record_quotes(self, quotes: Sequence[AcceptedQuote], *, posts: bool, at: datetime) -> int:
        """Record accepted quotes; if it `posts`, say so in the thread of their card and to its owner, or to who stands
        in, and stop queued email to them. Return how many are new.
        """
        new = stopped = 0
        async with self._database.write() as connection:
            for found in quotes:
                newest, license_row = await _evaluation_named(connection, found.aliases)
                key = {"number": found.number, "alias": found.aliases[0]}
                values = {**key, "accepted": found.accepted, "at": at, "evaluation_id": newest and newest.id}
                if await insert_new(connection, quote, values) is None:
                    continue
                new += 1
                if posts and newest is not None and newest.channel is not None and license_row is not None:
                    fact = _fact(found, is_reseller=self._is_elsewhere(license_row, found.created_by_domain))
                    await append_history(connection, newest.id, [Entry(at=at, fact=fact)])
                    stopped += await stop_queued(connection, newest.id, Overtaken.QUOTE, at=at)
                    await tell_owner(connection, newest, DeliveryKind.REMINDER, OwnerNews.QUOTE, at=at)
        count_stopped(self._database.meter, Overtaken.QUOTE, stopped)
        return new

    async def words(self, departure_id: int) -> CustomerWords | None:
        """Return what a person wrote when they left, or None if nothing is on record any more."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(departure).where(departure.c.id == departure_id))).first()
        return None if row is None else words_from(row, self._keyring)

    async def reasons(self, *, since: date) -> list[LeavingCount]:
        """Return how many customers left since a day, by app, reason and what they did."""
        async with self._database.read() as connection:
            return await count_reasons(connection, departure.c.day >= since)

    def _is_elsewhere(self, row: Row[Any], domain: str | None) -> bool:
        """Return whether a quote was made by somebody with another mail domain than the contacts."""
        contacts = contacts_from(row.contacts, self._keyring)
        own = {each.email.rpartition("@")[2].lower() for each in contacts if each is not None and each.email}
        return domain is not None and bool(own) and domain not in own


async def count_reasons(connection: AsyncConnection, which: ColumnElement[bool]) -> list[LeavingCount]:
    """Return how many of these rows are alike in app, reason and what the customer did."""
    columns = (departure.c.app_key, departure.c.kind, func.coalesce(departure.c.reason, "").label("reason"))
    query = select(*columns, func.count().label("number")).where(which).group_by(*columns)
    return [
        LeavingCount(app_key=row.app_key, kind=DepartureKind(row.kind), reason=row.reason, number=row.number)
        for row in await connection.execute(query)
    ]


def words_from(row: Row[Any], keyring: Keyring) -> CustomerWords | None:
    """Return what a person wrote, in a row of `departure`, or None if it was erased."""
    return None if row.content is None else CustomerWords(**json.loads(keyring.decrypt(row.content)))


async def blank_words(connection: AsyncConnection, which: ColumnElement[bool], *, at: datetime) -> int:
    """Remove what people wrote in these rows, and update the lines in Slack. Return how many there were."""
    rows = (await connection.execute(select(departure).where(which, departure.c.content.is_not(None)))).all()
    ids = [row.id for row in rows]
    await connection.execute(update(departure).where(departure.c.id.in_(ids)).values(content=None, address_key=None))
    theirs = history.c.evaluation_id.in_({row.evaluation_id for row in rows} - {None})
    recorded = select(history.c.id, history.c.details).where(theirs, history.c.kind == Kind.CUSTOMER_LEFT)
    shown = {str(each) for each in ids}
    lines = [row.id for row in await connection.execute(recorded) if row.details.get("departure_id") in shown]
    await enqueue_refresh(connection, lines, at=at)
    return len(ids)


async def has_words(connection: AsyncConnection, departure_id: int) -> bool:
    """Return whether something is on record that a person wrote when they left."""
    written = exists().where(departure.c.id == departure_id, departure.c.content.is_not(None))
    return bool(await connection.scalar(select(written)))


async def _newest(connection: AsyncConnection, licenses: Sequence[Row[Any]]) -> Row[Any] | None:
    """Return the newest evaluation of these licenses, one with a card first."""
    theirs = evaluation.c.license_id.in_([each.id for each in licenses]) & evaluation.c.merged_into.is_(None)
    is_real = evaluation.c.state != State.EXPECTED
    order = (evaluation.c.started.desc(), evaluation.c.channel.is_(None), evaluation.c.id.desc())
    return (await connection.execute(select(evaluation).where(theirs, is_real).order_by(*order).limit(1))).first()


async def _evaluation_named(
    connection: AsyncConnection, aliases: Sequence[str]
) -> tuple[Row[Any] | None, Row[Any] | None]:
    """Return the newest evaluation of the license with the first of these ids that is known, and the license."""
    for alias in aliases:
        named = select(license_alias.c.license_id).where(license_alias.c.alias == alias)
        licenses = (await connection.execute(select(license_).where(license_.c.id.in_(named)))).all()
        if (newest := await _newest(connection, licenses)) is not None:
            return newest, next(each for each in licenses if each.id == newest.license_id)
    return None, None


def _fact(found: AcceptedQuote, *, is_reseller: bool) -> QuoteAccepted:
    return QuoteAccepted(
        on=found.accepted,
        starts=found.starts,
        users=found.users or "",
        edition=found.edition or "",
        price=found.price or "",
        reseller="yes" if is_reseller else "",
    )
