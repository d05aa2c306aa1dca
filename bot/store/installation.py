"""The present generation of ids, and recovery after the database was restored from a backup."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Row, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.card_snapshot import LONGEST_TRIAL, CardSnapshot, PostedCard
from bot.domain.mail import MailState
from bot.domain.outbox import DeliveryKind, DeliveryState
from bot.security.keyring import Keyring
from bot.store.card_recovery import BACK_IN_TIME, adopt_cards, snapshot_of
from bot.store.columns import has_own_ids
from bot.store.digests import restore_digests
from bot.store.engine.database import Database
from bot.store.engine.generation import next_generation, random_steps
from bot.store.mail.repository import settle_all_unknown
from bot.store.mapping import live_evaluation
from bot.store.outbox.enqueue import enqueue_message
from bot.store.schema import delivery, do_not_contact, evaluation, history, installation, mail, metadata, poll

_MOMENTS: Final = (
    poll.c.started_at,
    poll.c.finished_at,
    delivery.c.at,
    history.c.at,
    mail.c.at,
    mail.c.settled_at,
    do_not_contact.c.at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """The present generation of ids. Times are in UTC."""

    number: int
    since: datetime | None
    """When it began; None for the first one."""
    look_since: datetime | None
    """The time to which the database was restored; None if it never was."""
    is_compared: bool
    """Whether this generation was compared with Slack."""

    @property
    def must_look(self) -> bool:
        """Whether no card may be posted until the cards that are already in Slack are known."""
        return self.look_since is not None and not self.is_compared


@dataclass(frozen=True, slots=True, kw_only=True)
class WentBack:
    """The result of a restore: the time the database went back to, and how many emails now have an unknown outcome."""

    to: datetime
    mails: int


@shielded
class Installation:
    """The single row that holds the present generation."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def generation(self) -> Generation:
        """Return the present generation."""
        async with self._database.read() as connection:
            return _generation((await connection.execute(select(installation))).one())

    async def trace(self, evaluation_id: int) -> CardSnapshot | None:
        """Return the snapshot that an evaluation's card carries for a database restored from a backup.

        None for an evaluation that does not exist, and for a merged one, because its card only points to the other one.
        """
        async with self._database.read() as connection:
            row = await live_evaluation(connection, evaluation_id)
            return None if row is None or row.id != evaluation_id else await snapshot_of(connection, row, self._keyring)

    async def channels(self) -> list[str]:
        """Return every channel that has cards or will have some."""
        query = select(evaluation.c.channel).where(evaluation.c.channel.is_not(None)).distinct()
        async with self._database.read() as connection:
            return [str(channel) for channel in await connection.scalars(query)]

    async def went_back(self, posted: Sequence[PostedCard]) -> int | None:
        """Return the highest id in Slack that shows that the database is older than Slack, or None.

        Every message carries the id of its delivery, which is recorded before it is posted. If that id is unknown, or
        its delivery never began, a later state of the database posted the message. After a comparison with Slack,
        unknown ids of former generations are known to be lost.
        """
        async with self._database.read() as connection:
            present = _generation((await connection.execute(select(installation))).one())
            known = await _known(connection, delivery.c.id, [each.delivery_id for each in posted])
            begun = await _known(connection, delivery.c.id, list(known), but_new=True)
            evaluations = await _known(connection, evaluation.c.id, [each.evaluation_id for each in posted])
        floor = present.number if present.is_compared else -1
        lost = [
            id_
            for id_, theirs in [
                *((each.delivery_id, known) for each in posted),
                *((each.evaluation_id, evaluations) for each in posted),
            ]
            if id_ is not None and id_ not in theirs and id_ > floor
        ]
        return max([*lost, *(known - begun)], default=None)

    async def go_back(
        self, *, at: datetime, above: int = 0, steps: Callable[[], int] = random_steps, instead_of: int | None = None
    ) -> WentBack | None:
        """Begin a new generation after a restore, above all existing ids and those up to `above`.

        Pending emails, and those being sent, get an unknown outcome, because they may have been sent since. Queued
        Slack messages may have been posted, so they are looked up first. Return None if `instead_of` is no longer the
        present generation.
        """
        async with self._database.write() as connection:
            row = (await connection.execute(select(installation))).one()
            if instead_of not in (None, row.generation):
                return None
            to = await _last_moment(connection, at=at)
            if row.look_since is not None and row.looked_at is None:
                to = min(to, row.look_since)
            await connection.execute(
                update(delivery)
                .where(
                    delivery.c.state.in_((DeliveryState.DUE, DeliveryState.SENDING)),
                    delivery.c.kind != DeliveryKind.CARD,
                    delivery.c.ts.is_(None),
                )
                .values(state=DeliveryState.UNKNOWN)
            )
            await _begin(connection, next_generation(max(row.generation, above), steps()), to, at=at)
            states = [state for state in MailState if state.is_pending or state is MailState.SENDING]
            mails = await settle_all_unknown(connection, states, at=at, error=BACK_IN_TIME)
            return WentBack(to=to, mails=mails)

    async def compared(self, number: int, *, at: datetime) -> None:
        """Record that Slack shows nothing that this generation does not know."""
        this = (installation.c.generation == number) & installation.c.looked_at.is_(None)
        async with self._database.write() as connection:
            await connection.execute(update(installation).where(this).values(looked_at=at))

    async def adopt(self, posted: Sequence[PostedCard], *, text: str, to: Sequence[str], at: datetime) -> int:
        """Adopt the cards and digests that are in Slack, and return how many cards. Then others may be posted.

        A card whose trial is not known yet is adopted once the report lists it. `text` is enqueued for each channel in
        `to`.
        """
        async with self._database.write() as connection:
            taken = await adopt_cards(connection, self._keyring, posted, at=at)
            await restore_digests(connection, posted, at=at)
            await connection.execute(update(installation).values(looked_at=at))
            for channel in to:
                await enqueue_message(connection, text, channel=channel, at=at)
            return taken


async def _begin(connection: AsyncConnection, number: int, to: datetime, *, at: datetime) -> None:
    values = {"generation": number, "since": at, "look_since": to, "looked_at": None}
    await connection.execute(update(installation).values(values))
    if connection.dialect.name == "postgresql":
        for table in filter(has_own_ids, metadata.sorted_tables):
            sequence = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :number)")
            await connection.execute(sequence, {"name": table.name, "number": number})


async def _last_moment(connection: AsyncConnection, *, at: datetime) -> datetime:
    """Return the latest moment recorded in the database, or `LONGEST_TRIAL` before `at` if there is none."""
    latest = [await connection.scalar(select(func.max(column))) for column in _MOMENTS]
    known = [moment for moment in latest if moment is not None]
    return min(max(known), at) if known else at - LONGEST_TRIAL


async def _known(
    connection: AsyncConnection,
    column: Column[int],
    ids: Sequence[int | None],
    *,
    but_new: bool = False,
) -> frozenset[int]:
    """Return the ids that exist. `but_new` leaves out deliveries that wait for their first attempt."""
    wanted = [each for each in ids if each is not None and 0 <= each < 1 << 63]
    query = select(column).where(column.in_(wanted))
    if but_new:
        query = query.where((delivery.c.state != DeliveryState.DUE) | (delivery.c.attempts > 0))
    return frozenset(await connection.scalars(query))


def _generation(row: Row[Any]) -> Generation:
    return Generation(
        number=row.generation, since=row.since, look_since=row.look_since, is_compared=row.looked_at is not None
    )
