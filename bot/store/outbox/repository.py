"""The Slack outbox: what is due, what is in flight, what became of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, case, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import interruptible, shielded
from bot.domain.digest import is_stale
from bot.domain.evaluation import CardRef
from bot.domain.history import Entry
from bot.domain.outbox import (
    BACKLOG_THRESHOLD,
    BEGUN,
    LONGEST_WAIT,
    TO_PEOPLE,
    ApiMethod,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Route,
)
from bot.domain.reminders import is_in_thread
from bot.security.keyring import Keyring
from bot.store.engine.database import Database
from bot.store.mapping import entry_from, insert_row
from bot.store.notes import with_note
from bot.store.outbox.enqueue import enqueue_card_update, enqueue_message, hand_line_over, supersede
from bot.store.outbox.selection import (
    DECIDES_ROUTES,
    GOES_TO_CARD,
    IS_CARD,
    IS_KNOWN,
    LATELY,
    is_open,
    next_due,
    routes,
    unposted,
)
from bot.store.schema import delivery, evaluation, history, license_
from bot.store.team import load_team_settings


@shielded
class SlackOutbox:
    """Deliveries to Slack."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def routes(self) -> dict[Route, datetime]:
        """Return the routes on which something may go as far as order is concerned, with the time from
        which it is due.
        """
        async with self._database.read() as connection:
            return {
                Route(ApiMethod(method), channel): due for method, channel, due in await connection.execute(routes())
            }

    async def changed(self, since: int, *, seconds: float) -> None:
        """Wait for a commit after `Database.writes` was `since` that may change the routes, but no longer than this."""
        with interruptible():
            await self._database.written(since, seconds=seconds, to=DECIDES_ROUTES)

    async def claim(
        self, method: ApiMethod, *, now: datetime, channel: str | None = None, most: int = 1
    ) -> list[Delivery]:
        """Claim at most `most` deliveries that are due by a method, in one channel or in any.

        Messages and notes go before cards, the newest cards first. A notice goes before a large backlog. A digest that
        has waited for too long is dropped.
        """
        query = next_due(method, anywhere=channel is None)
        values = {"now": now, "lately": now - LATELY, "wrong": now + LONGEST_WAIT, "channel": channel, "most": most}
        async with self._database.write() as connection:
            rows = (await connection.execute(query, values)).all()
            while stale := [row.id for row in rows if _is_stale_digest(row, now)]:
                await supersede(connection, delivery.c.id.in_(stale))
                rows = (await connection.execute(query, values)).all()
            first = next(filter(_is_first_post, rows), None)
            if first is not None and await _enqueue_backlog_notice(connection, first.channel, at=now):
                rows = (await connection.execute(query, values)).all()
            if not rows:
                return []
            theirs = delivery.c.id.in_([row.id for row in rows])
            await connection.execute(
                update(delivery).where(theirs).values(state=DeliveryState.SENDING, attempts=delivery.c.attempts + 1)
            )
            return [await self._claimed(connection, row) for row in rows]

    async def mark_delivered(
        self, delivered: Delivery, *, ts: str, channel: str | None = None, look_again: datetime | None = None
    ) -> None:
        """Record that the message is in Slack with this timestamp, also in the evaluation of a new card.

        `channel` is where Slack put a direct message: only there can it be changed. With `look_again`, it is looked up
        then, because an earlier attempt may show up late. Nothing waits for that.
        """
        found: dict[str, object] = (
            {"state": DeliveryState.DELIVERED}
            if look_again is None
            else {"state": DeliveryState.UNKNOWN, "due_at": look_again}
        )
        if channel is not None:
            found["channel"] = channel
        async with self._database.write() as connection:
            is_first = look_again is None and delivered.ts is None
            is_handed_over = is_first and await hand_line_over(connection, delivered, ts=ts)
            await _set(connection, delivered.id, ts=None if is_handed_over else ts, error=None, **found)
            if delivered.kind is DeliveryKind.CARD and delivered.card is None:
                await connection.execute(
                    update(evaluation)
                    .where(evaluation.c.id == delivered.evaluation_id, evaluation.c.card_ts.is_(None))
                    .values(card_ts=ts)
                )

    async def adopt(self, delivered: Delivery, *, ts: str, at: datetime) -> None:
        """Keep the older of two messages of one delivery; `ts` is its timestamp.

        Notes under the younger card are enqueued again under the older one, and so is an update of the older card.
        """
        theirs = (delivery.c.evaluation_id == delivered.evaluation_id) & (delivery.c.kind == DeliveryKind.NOTE)
        under = (
            theirs
            & delivery.c.state.in_((DeliveryState.DELIVERED, DeliveryState.UNKNOWN))
            & (delivery.c.ts > delivered.ts)
        )
        younger = (evaluation.c.id == delivered.evaluation_id) & (evaluation.c.card_ts == delivered.ts)
        async with self._database.write() as connection:
            await _set(connection, delivered.id, ts=ts)
            if delivered.kind is not DeliveryKind.CARD or delivered.evaluation_id is None:
                return
            moved = await connection.execute(update(evaluation).where(younger).values(card_ts=ts))
            if moved.rowcount:
                await connection.execute(
                    update(delivery).where(under).values(state=DeliveryState.DUE, ts=None, due_at=at)
                )
                await enqueue_card_update(connection, [delivered.evaluation_id], at=at)

    async def reschedule(self, delivered: Delivery, *, until: datetime, error: str, unsure: bool) -> None:
        """Reschedule a delivery that did not reach Slack, or, if `unsure`, may have. It is due again at `until`."""
        async with self._database.write() as connection:
            if not unsure and await _superseded(connection, delivered):
                await supersede(connection, delivery.c.id == delivered.id)
                return
            state = DeliveryState.UNKNOWN if unsure else DeliveryState.DUE
            await _set(connection, delivered.id, state=state, due_at=until, error=error)

    async def give_up(self, delivered: Delivery, *, error: str) -> None:
        """Give a delivery up for good; the reason stays on record."""
        async with self._database.write() as connection:
            await _set(connection, delivered.id, state=DeliveryState.GIVEN_UP, error=error)

    async def mark_card_deleted(self, delivered: Delivery, *, at: datetime, error: str) -> None:
        """Record that a card was deleted or can no longer be changed, and give up its open deliveries.

        Nothing more is delivered to it until somebody asks for it again. If the card has moved to an older message, the
        delivery goes there instead.
        """
        there = (evaluation.c.id == delivered.evaluation_id) & (evaluation.c.card_ts.is_not(None))
        theirs = (delivery.c.evaluation_id == delivered.evaluation_id) & GOES_TO_CARD
        waiting = theirs & delivery.c.state.in_((DeliveryState.DUE, DeliveryState.UNKNOWN))
        async with self._database.write() as connection:
            known = await connection.scalar(select(evaluation.c.card_ts).where(there))
            if known is not None and delivered.card is not None and known != delivered.card.ts:
                # An update of the card is already queued.
                await _set(
                    connection,
                    delivered.id,
                    state=DeliveryState.DUE if delivered.kind is DeliveryKind.NOTE else DeliveryState.DELIVERED,
                )
                return
            await connection.execute(update(evaluation).where(there).values(card_ts=None, card_gone=at))
            await connection.execute(
                update(delivery)
                .where(waiting | (delivery.c.id == delivered.id))
                .values(state=DeliveryState.GIVEN_UP, error=error)
            )

    async def post_again(self, evaluation_id: int, *, at: datetime) -> bool:
        """Enqueue a deleted card again. False if it is not, or no longer, deleted."""
        gone = (evaluation.c.id == evaluation_id) & evaluation.c.card_gone.is_not(None)
        async with self._database.write() as connection:
            found = await connection.execute(update(evaluation).where(gone).values(card_gone=None))
            if found.rowcount:
                await enqueue_card_update(connection, [evaluation_id], at=at)
            return found.rowcount > 0

    async def move(self, channel: str | None) -> int:
        """Move cards that wait for their first post to the channel of their app, or else to `channel`. Return how many
        there were. Without `channel`, only cards of apps with a channel of their own are moved.

        Cards that may have been posted already stay where they are.
        """
        begun = delivery.alias("begun")
        owed = select(delivery.c.evaluation_id).where(
            delivery.c.kind == DeliveryKind.CARD,
            delivery.c.state == DeliveryState.DUE,
            ~exists().where(begun.c.evaluation_id == delivery.c.evaluation_id, begun.c.state.in_(BEGUN)),
        )
        waiting = (evaluation.c.id.in_(owed), evaluation.c.card_ts.is_(None))
        unposted = select(evaluation.c.id).join(license_, license_.c.id == evaluation.c.license_id).where(*waiting)
        group = (license_.c.app_key, evaluation.c.channel)
        moved = 0
        async with self._database.write() as connection:
            settings = await load_team_settings(connection)
            groups = unposted.with_only_columns(*group, func.count()).group_by(*group)
            for app_key, present, count in (await connection.execute(groups)).all():
                target = settings.card_channels(channel or present).of(app_key)
                if target == present:
                    continue
                ids = unposted.where(license_.c.app_key == app_key, evaluation.c.channel == present)
                theirs = delivery.c.evaluation_id.in_(ids) & GOES_TO_CARD & (delivery.c.state == DeliveryState.DUE)
                await connection.execute(update(delivery).where(theirs).values(channel=target))
                await connection.execute(update(evaluation).where(evaluation.c.id.in_(ids)).values(channel=target))
                moved += count
        return moved

    async def recover_in_flight(self) -> int:
        """At start: deliveries that were in flight may have reached Slack and become unknown. Return how many there
        were.
        """
        async with self._database.write() as connection:
            # A line or a reminder that is already in Slack is updated once more, which does no harm.
            is_line = delivery.c.kind.in_((DeliveryKind.NOTE, *TO_PEOPLE))
            is_change = is_line & delivery.c.ts.is_not(None)
            result = await connection.execute(
                update(delivery)
                .where(delivery.c.state == DeliveryState.SENDING)
                .values(state=case((is_change, DeliveryState.DUE), else_=DeliveryState.UNKNOWN))
            )
            return result.rowcount

    async def forget_waits(self, *, at: datetime) -> None:
        """Let what waits for another attempt be due now. The copy that led before set its time by a clock of its own,
        which may be ahead.
        """
        async with self._database.write() as connection:
            later = is_open(delivery) & (delivery.c.due_at > at)
            await connection.execute(update(delivery).where(later).values(due_at=at))

    async def enqueue_message(self, text: str, *, channel: str, at: datetime) -> None:
        """Enqueue a message that belongs to no evaluation. `text` is escaped mrkdwn."""
        async with self._database.write() as connection:
            await enqueue_message(connection, text, channel=channel, at=at)

    async def waiting(self) -> int:
        """Return how many deliveries are waiting."""
        async with self._database.read() as connection:
            return await connection.scalar(select(func.count()).where(is_open(delivery))) or 0

    async def backlog(self) -> tuple[dict[DeliveryKind, int], datetime | None]:
        """Return how many deliveries of each kind are waiting, and when the oldest was enqueued."""
        query = select(delivery.c.kind, func.count(), func.min(delivery.c.at)).where(is_open(delivery), IS_KNOWN)
        async with self._database.read() as connection:
            rows = (await connection.execute(query.group_by(delivery.c.kind))).all()
        counts = {DeliveryKind(kind): count for kind, count, _ in rows}
        return counts, min((oldest for *_, oldest in rows), default=None)

    async def given_up(self, *, since: datetime) -> int:
        """Return how many deliveries enqueued since then were given up."""
        these = (delivery.c.state == DeliveryState.GIVEN_UP) & (delivery.c.at >= since)
        async with self._database.read() as connection:
            return await connection.scalar(select(func.count()).where(these)) or 0

    async def _claimed(self, connection: AsyncConnection, row: Row[Any]) -> Delivery:
        entry = None if row.history_id is None else await self._entry(connection, row.history_id)
        is_elsewhere = row.kind in TO_PEOPLE and not is_in_thread(row.text, row.channel)
        return Delivery(
            id=row.id,
            kind=DeliveryKind(row.kind),
            channel=row.channel,
            attempts=row.attempts + 1,
            at=row.at,
            evaluation_id=row.evaluation_id,
            card=CardRef(channel=row.channel, ts=row.card_ts) if row.card_ts and not is_elsewhere else None,
            entry=entry,
            text=row.text,
            ts=row.ts,
            lines=await _lines(connection, row) if row.state == DeliveryState.UNKNOWN else frozenset(),
            waiting=(await unposted(connection, row.channel))[0] if row.kind == DeliveryKind.SUMMARY else 0,
        )

    async def _entry(self, connection: AsyncConnection, history_id: int) -> Entry:
        row = (await connection.execute(select(history).where(history.c.id == history_id))).one()
        return await with_note(connection, self._keyring, entry_from(row))


def _is_first_post(row: Row[Any]) -> bool:
    return bool(row.method == ApiMethod.POST and row.kind == DeliveryKind.CARD)


async def _enqueue_backlog_notice(connection: AsyncConnection, channel: str, *, at: datetime) -> bool:
    """Enqueue a backlog notice if many cards wait in a channel and none was enqueued since. Return whether one was."""
    count, first = await unposted(connection, channel)
    if count <= BACKLOG_THRESHOLD:
        return False
    said = select(func.max(delivery.c.id)).where(delivery.c.kind == DeliveryKind.SUMMARY, delivery.c.channel == channel)
    last = await connection.scalar(said)
    if last is not None and last > first:
        return False
    owed = {"kind": DeliveryKind.SUMMARY, "channel": channel, "state": DeliveryState.DUE, "at": at, "due_at": at}
    await insert_row(connection, delivery, owed)
    return True


async def _lines(connection: AsyncConnection, row: Row[Any]) -> frozenset[str]:
    theirs = (delivery.c.evaluation_id == row.evaluation_id) & (delivery.c.kind == DeliveryKind.NOTE)
    return frozenset(await connection.scalars(select(delivery.c.ts).where(theirs, delivery.c.ts.is_not(None))))


async def _set(connection: AsyncConnection, delivery_id: int, **values: object) -> None:
    await connection.execute(update(delivery).where(delivery.c.id == delivery_id).values(**values))


def _is_stale_digest(row: Row[Any], now: datetime) -> bool:
    is_waiting = row.kind == DeliveryKind.DIGEST and row.state == DeliveryState.DUE and row.ts is None
    return is_waiting and is_stale(row.text, decided_at=row.at, now=now)


async def _superseded(connection: AsyncConnection, delivered: Delivery) -> bool:
    """Return whether a later delivery of the same card waits, or a notice has nothing left to announce."""
    if delivered.kind is DeliveryKind.SUMMARY:
        return (await unposted(connection, delivered.channel))[0] == 0
    if delivered.kind is not DeliveryKind.CARD:
        return False
    later = select(delivery.c.id).where(
        delivery.c.evaluation_id == delivered.evaluation_id, IS_CARD, delivery.c.state == DeliveryState.DUE
    )
    return (await connection.execute(later)).first() is not None
