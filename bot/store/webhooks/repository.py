"""What goes to which address: what is due, what became of it, and how each address is doing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

from sqlalchemy import Row, case, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import interruptible, shielded
from bot.domain.clock_skew import CLOCKS_DIFFER
from bot.domain.mail_policy import MailRules
from bot.domain.webhook_address import WebhookAddress
from bot.domain.webhook_events import LONGEST_PAUSE, WebhookEvent, WebhookStatus
from bot.security.keyring import Keyring
from bot.store.engine.database import Database
from bot.store.engine.upsert import insert_or
from bot.store.schema import history
from bot.store.webhook_tables import webhook_address, webhook_delivery, webhook_event
from bot.store.webhooks.enqueue import events_of, facts_without_event, insert_events, load_receivers
from bot.store.webhooks.events import load_events

_PAGE: Final = 500
"""Events in one transaction while many are sent again."""
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_IS_OPEN: Final = webhook_delivery.c.given_up.is_(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueWebhook:
    """An event that is due at an address; `attempts` counts the one that follows, `at` is since when it is due."""

    id: int
    attempts: int
    at: datetime
    event: WebhookEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Resent:
    """How many events go out again, and the id after which the next page begins; None after the last page."""

    count: int
    next_after: int | None


@shielded
class Webhooks:
    """Events for the vendor's own systems, by address. An event stays until its receiver took it."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def register(self, addresses: Sequence[WebhookAddress], *, forget_others: bool) -> None:
        """Record the addresses, and with `forget_others` that there are no more: what waits for others is deleted."""
        keys = [each.key for each in addresses]
        others = select(webhook_address.c.id).where(webhook_address.c.key.not_in(keys))
        async with self._database.write() as connection:
            if forget_others:
                await connection.execute(delete(webhook_delivery).where(webhook_delivery.c.address_id.in_(others)))
                await connection.execute(delete(webhook_address).where(webhook_address.c.key.not_in(keys)))
            for each in addresses:
                values = {"name": each.name, "events": sorted(each.events)}
                one = insert_or(webhook_address, connection.dialect.name).values(key=each.key, **values)
                await connection.execute(one.on_conflict_do_update(index_elements=["key"], set_=values))

    async def due(self, key: str, rules: MailRules, *, now: datetime, at_most: int) -> list[DueWebhook]:
        """Return the events that are due at an address, with what may be told about them at this moment."""
        # One that is due later than the longest pause was written by a wrong clock.
        is_due = or_(
            webhook_delivery.c.due_at <= now, webhook_delivery.c.due_at > now + 2 * LONGEST_PAUSE + CLOCKS_DIFFER
        )
        query = (
            select(
                webhook_delivery.c.id.label("delivery_id"),
                webhook_delivery.c.attempts,
                webhook_delivery.c.at.label("owed_at"),
                webhook_event,
            )
            .join(webhook_event, webhook_event.c.id == webhook_delivery.c.event_id)
            .where(webhook_delivery.c.address_id == _address(key), _IS_OPEN, is_due)
            .order_by(webhook_delivery.c.due_at, webhook_delivery.c.id)
            .limit(at_most)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
            events = await load_events(connection, rows, rules, self._keyring)
        return [
            DueWebhook(id=row.delivery_id, attempts=row.attempts + 1, at=row.owed_at, event=event)
            for row, event in zip(rows, events, strict=True)
        ]

    async def next_due(self, key: str) -> datetime | None:
        """Return when the next event is due at an address, or None if none waits."""
        theirs = (webhook_delivery.c.address_id == _address(key)) & _IS_OPEN
        async with self._database.read() as connection:
            due: datetime | None = await connection.scalar(select(func.min(webhook_delivery.c.due_at)).where(theirs))
            return due

    async def changed(self, since: int, *, seconds: float) -> None:
        """Wait for a commit after `Database.writes` was `since` that owes an event, but no longer than this."""
        with interruptible():
            await self._database.written(since, seconds=seconds, to=(webhook_delivery,))

    async def delivered(self, delivery_id: int, key: str, *, at: datetime) -> bool:
        """Record that an address took an event. Return whether it failed before."""
        async with self._database.write() as connection:
            await connection.execute(delete(webhook_delivery).where(webhook_delivery.c.id == delivery_id))
            return await _is_well(connection, key, at=at)

    async def failed(self, delivery_id: int, key: str, *, until: datetime | None, error: str, at: datetime) -> datetime:
        """Record that an address did not take an event, which is due again at `until` or else given up. Return since
        when it takes nothing.
        """
        this = webhook_delivery.c.id == delivery_id
        tried = {"attempts": webhook_delivery.c.attempts + 1, "error": error}
        outcome = {"given_up": at} if until is None else {"due_at": until}
        since = func.coalesce(webhook_address.c.failing_since, at)
        async with self._database.write() as connection:
            await connection.execute(update(webhook_delivery).where(this).values(**tried, **outcome))
            of_address = update(webhook_address).where(webhook_address.c.key == key)
            await connection.execute(of_address.values(failing_since=since, error=error))
            began: datetime = (
                await connection.scalar(select(webhook_address.c.failing_since).where(webhook_address.c.key == key))
            ) or at
            return began

    async def switch_off(self, key: str, *, error: str, at: datetime) -> None:
        """Send no more events to an address, neither those that wait nor later ones."""
        this = webhook_address.c.key == key
        async with self._database.write() as connection:
            await connection.execute(delete(webhook_delivery).where(webhook_delivery.c.address_id == _address(key)))
            await connection.execute(update(webhook_address).where(this).values(off_at=at, error=error))

    async def switch_on(self, key: str, *, at: datetime) -> datetime | None:
        """Record that an address takes events. Return when it was switched off, or None if it was not."""
        this = webhook_address.c.key == key
        async with self._database.write() as connection:
            off_at: datetime | None = await connection.scalar(select(webhook_address.c.off_at).where(this))
            await connection.execute(update(webhook_address).where(this).values(off_at=None))
            await _is_well(connection, key, at=at)
            return off_at

    async def list_addresses(self, *, since: datetime = _EVER) -> list[WebhookStatus]:
        """Return how each address is doing. Of the events that were given up, those since then count."""
        waiting = func.count(case((_IS_OPEN & webhook_delivery.c.id.is_not(None), 1)))
        given_up = func.count(case((webhook_delivery.c.given_up >= since, 1)))
        counts = (waiting.label("waiting"), given_up.label("given_up"))
        query = (
            select(webhook_address, *counts)
            .join(webhook_delivery, webhook_delivery.c.address_id == webhook_address.c.id, isouter=True)
            .group_by(webhook_address.c.id)
            .order_by(webhook_address.c.id)
        )
        async with self._database.read() as connection:
            return [_status(row) for row in await connection.execute(query)]

    async def record_missing(self, since: date, *, after: int = 0) -> int | None:
        """Record the events of facts since a UTC day that have none, a page at a time: those of the time before there
        was an address. Return the id after which the next page begins, or None after the last one.
        """
        missing = facts_without_event().where(history.c.id > after, history.c.at >= _start_of(since)).limit(_PAGE)
        async with self._database.write() as connection:
            rows = (await connection.execute(missing)).all()
            await insert_events(connection, events_of(rows))
        return rows[-1].id if len(rows) == _PAGE else None

    async def send_again(self, since: date, *, at: datetime, after: int = 0) -> Resent:
        """Send the events since a UTC day to each address that is on, a page at a time."""
        query = (
            select(webhook_event.c.id, webhook_event.c.type)
            .where(webhook_event.c.id > after, webhook_event.c.at >= _start_of(since))
            .order_by(webhook_event.c.id)
            .limit(_PAGE)
        )
        async with self._database.write() as connection:
            rows = (await connection.execute(query)).all()
            receivers = await load_receivers(connection)
            owed = [
                {"event_id": row.id, "address_id": receiver.id, "at": at, "due_at": at}
                for row in rows
                for receiver in receivers
                if receiver.is_on and row.type in receiver.events
            ]
            await self._owe_again(connection, owed, at=at)
        return Resent(count=len(owed), next_after=rows[-1].id if len(rows) == _PAGE else None)

    async def _owe_again(self, connection: AsyncConnection, owed: Sequence[dict[str, Any]], *, at: datetime) -> None:
        one = insert_or(webhook_delivery, connection.dialect.name)
        again = {"given_up": None, "attempts": 0, "at": at, "due_at": at, "error": None}
        if owed:
            await connection.execute(
                one.on_conflict_do_update(index_elements=["address_id", "event_id"], set_=again), list(owed)
            )


async def _is_well(connection: AsyncConnection, key: str, *, at: datetime) -> bool:
    """Record that an address took something. Return whether it failed before."""
    this = webhook_address.c.key == key
    failed = await connection.scalar(select(webhook_address.c.failing_since).where(this))
    well = {"delivered_at": at, "failing_since": None, "error": None}
    await connection.execute(update(webhook_address).where(this).values(well))
    return failed is not None


def _address(key: str) -> Any:  # noqa: ANN401  a subquery
    return select(webhook_address.c.id).where(webhook_address.c.key == key).scalar_subquery()


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _status(row: Row[Any]) -> WebhookStatus:
    return WebhookStatus(
        name=row.name,
        waiting=row.waiting,
        given_up=row.given_up,
        delivered_at=row.delivered_at,
        failing_since=row.failing_since,
        error=row.error,
        off_at=row.off_at,
    )
