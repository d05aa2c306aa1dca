"""Digests: what they say, and the right to send one, which is a row."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, and_, delete, exists, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.card_snapshot import PostedCard
from bot.domain.departure import LeavingCount, add_up
from bot.domain.digest import SHOWN, SOON, Counts, Digest, DigestKind, DigestPeriod, Group, week_before
from bot.domain.history import Kind
from bot.domain.outbox import DeliveryKind, DeliveryState
from bot.domain.reminders import ReminderState
from bot.security.keyring import Keyring
from bot.store.departures import count_reasons
from bot.store.engine.database import Database
from bot.store.listing import HAS_KNOWN_END, OPEN, read_rows
from bot.store.mapping import insert_new, insert_row
from bot.store.reminders import decided_between
from bot.store.schema import delivery, evaluation, history, license_, poll
from bot.store.signal_tables import departure
from bot.store.team_tables import digest, own_digest
from bot.store.touches import IS_TOUCHED

_KEPT_FOR: Final = timedelta(days=60)
_IS_OUTCOME: Final = literal_column("history.kind IN ('converted', 'ended')", Boolean)
"""As a literal: a partial index is used only if the condition is certain before the statement is run."""


@shielded
class Digests:
    """The digests of each channel, and of each person who wants one."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def switch_own(self, user: str, *, on: bool, at: datetime) -> None:
        """Switch somebody's own digest on or off."""
        async with self._database.write() as connection:
            if on:
                await insert_new(connection, own_digest, {"user_id": user, "since": at})
            else:
                await connection.execute(delete(own_digest).where(own_digest.c.user_id == user))

    async def people(self) -> dict[str, datetime]:
        """Return who switched their own digest on, and since when."""
        async with self._database.read() as connection:
            return {row.user_id: row.since for row in await connection.execute(select(own_digest))}

    async def has_begun(self, period: DigestPeriod, channel: str) -> bool:
        """Return whether it was decided about this digest."""
        key = (digest.c.kind == period.kind, digest.c.channel == channel, digest.c.day == period.day)
        async with self._database.read() as connection:
            return bool(await connection.scalar(select(exists().where(*key))))

    async def begin(self, period: DigestPeriod, channel: str, *, sends: bool, at: datetime) -> bool:
        """Decide about a digest: enqueue it, or leave it out. Return whether this call decided.

        The row is inserted in the same transaction, so that no other copy and no restart sends it again.
        """
        async with self._database.write() as connection:
            await connection.execute(delete(digest).where(digest.c.day < period.day - _KEPT_FOR))
            key = {"kind": period.kind, "channel": channel, "day": period.day}
            if await insert_new(connection, digest, {**key, "since": period.since, "until": period.until}) is None:
                return False
            if sends:
                owed = {"kind": DeliveryKind.DIGEST, "channel": channel, "text": f"{period.kind} {period.day}"}
                await insert_row(connection, delivery, {**owed, "state": DeliveryState.DUE, "at": at, "due_at": at})
            return True

    async def period(self, text: str, channel: str) -> DigestPeriod | None:
        """Return the digest that a delivery brings, by the delivery's text."""
        kind, _, day = text.partition(" ")
        key = (digest.c.kind == kind, digest.c.channel == channel, digest.c.day == date.fromisoformat(day))
        async with self._database.read() as connection:
            row = (await connection.execute(select(digest).where(*key))).first()
        if row is None:
            return None
        return DigestPeriod(kind=DigestKind(row.kind), day=row.day, since=row.since, until=row.until)

    async def read(self, period: DigestPeriod, channel: str) -> Digest:
        """Return what a digest says about the evaluations of a channel, or of the person whose own it is."""
        is_own = period.kind is DigestKind.OWN
        theirs = (evaluation.c.owner if is_own else evaluation.c.channel) == channel
        async with self._database.read() as connection:
            rehearsed = decided_between(ReminderState.REHEARSED, period.since, period.until)
            late = decided_between(ReminderState.LATE, period.since, period.until)
            found = Digest(
                rehearsed=await self._group(connection, theirs & evaluation.c.id.in_(rehearsed)),
                late=await connection.scalar(select(func.count()).where(theirs, evaluation.c.id.in_(late))) or 0,
                counts=await _counts(connection, theirs, period.since, period.until, is_own=is_own),
            )
            soon = evaluation.c.ends.between(period.day, period.day + timedelta(days=SOON))
            ending = theirs & OPEN & HAS_KNOWN_END & soon
            if is_own:
                waiting = await self._group(connection, theirs & OPEN & ~IS_TOUCHED)
                return replace(found, waiting=waiting, ending=await self._group(connection, ending))
            before, left = None, list[LeavingCount]()
            if period.kind is DigestKind.WEEKLY:
                before = await _counts(connection, theirs, *week_before(period))
                left = await _left(connection, theirs, period)
            return replace(
                found,
                left=add_up(left),
                unowned=await self._group(connection, theirs & OPEN & evaluation.c.owner.is_(None)),
                untouched=await self._group(connection, ending & ~IS_TOUCHED),
                before=before,
                report_error=await connection.scalar(select(poll.c.error).order_by(poll.c.id.desc()).limit(1)),
            )

    async def _group(self, connection: AsyncConnection, wanted: ColumnElement[bool]) -> Group:
        total = await connection.scalar(select(func.count()).select_from(evaluation).where(wanted)) or 0
        if not total:
            return Group()
        first = select(evaluation).where(wanted).order_by(evaluation.c.ends.nulls_last(), evaluation.c.id).limit(SHOWN)
        rows = (await connection.execute(first)).all()
        return Group(rows=await read_rows(connection, self._keyring, rows), total=total)


async def restore_digests(connection: AsyncConnection, posted: Iterable[PostedCard], *, at: datetime) -> None:
    """Record the digests that are in Slack: they are not sent again."""
    for each in posted:
        kind, _, day = (each.digest or "").partition(" ")
        with suppress(ValueError):
            key = {"kind": DigestKind(kind), "channel": each.channel, "day": date.fromisoformat(day)}
            await insert_new(connection, digest, {**key, "since": at, "until": at})


async def _left(connection: AsyncConnection, theirs: ColumnElement[bool], period: DigestPeriod) -> list[LeavingCount]:
    """Return how many customers of a channel's apps left, also of sites that nobody knows."""
    during = (departure.c.at >= period.since) & (departure.c.at < period.until) & departure.c.is_new
    counts = await count_reasons(connection, during)
    apps = frozenset(await connection.scalars(select(evaluation.c.app_key).where(theirs).distinct())) if counts else ()
    return [each for each in counts if each.app_key in apps]


async def _counts(
    connection: AsyncConnection,
    theirs: ColumnElement[bool],
    since: datetime,
    until: datetime,
    *,
    is_own: bool = False,
) -> Counts:
    """Return what happened from `since` on and before `until`. A person's evaluations begin as they become theirs."""
    alive: Any = and_(theirs, evaluation.c.merged_into.is_(None))
    beginning = evaluation.c.owned_at if is_own else evaluation.c.first_seen
    began = and_(beginning >= since, beginning < until)
    number = func.count()
    by_app = (
        select(license_.c.app_name, number)
        .join(evaluation, evaluation.c.license_id == license_.c.id)
        .where(alive, began)
        .group_by(license_.c.app_name)
        .order_by(number.desc(), license_.c.app_name)
    )
    ends = (
        select(history.c.kind, func.count(history.c.evaluation_id.distinct()))
        .join(evaluation, evaluation.c.id == history.c.evaluation_id)
        .where(alive, _IS_OUTCOME, history.c.at >= since, history.c.at < until)
        .group_by(history.c.kind)
    )
    started = [(row[0], row[1]) for row in await connection.execute(by_app)]
    numbers = {row[0]: row[1] for row in await connection.execute(ends)}
    return Counts(started=tuple(started), bought=numbers.get(Kind.CONVERTED, 0), ended=numbers.get(Kind.ENDED, 0))
