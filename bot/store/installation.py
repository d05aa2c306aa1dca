"""Which ids are given at present, and what becomes of the rest once the database went back in time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Row, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.card_snapshot import LONGEST_TRIAL, CardSnapshot, PostedCard
from bot.domain.mail import MailState
from bot.domain.outbox import DeliveryKind
from bot.security.keyring import Keyring
from bot.store.card_recovery import BACK_IN_TIME, adopt_cards, snapshot_of
from bot.store.engine.database import Database
from bot.store.engine.generation import next_generation, random_steps
from bot.store.mail.repository import settle_all_unknown
from bot.store.mapping import live_evaluation
from bot.store.outbox.enqueue import enqueue_message
from bot.store.schema import delivery, do_not_contact, evaluation, history, installation, mail, poll

_MOMENTS: Final = (
    poll.c.started_at,
    poll.c.finished_at,
    delivery.c.at,
    history.c.at,
    mail.c.at,
    mail.c.settled_at,
    do_not_contact.c.at,
)
_NUMBERED: Final = (evaluation, delivery, mail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """The generation that ids are given in at present; times are UTC."""

    number: int
    since: datetime | None
    """When it began; None for the first one."""
    look_since: datetime | None
    """To when the database went back; None where it never did."""
    is_compared: bool
    """Whether Slack was compared with it."""

    @property
    def must_look(self) -> bool:
        """Whether no card may be posted before it is known which ones stand in Slack already."""
        return self.look_since is not None and not self.is_compared


@dataclass(frozen=True, slots=True, kw_only=True)
class WentBack:
    """What was done about a database that went back: to when, and how many mails are unknown now."""

    to: datetime
    mails: int


@shielded
class Installation:
    """The one row that says which generation it is."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def generation(self) -> Generation:
        """The present generation."""
        async with self._database.read() as connection:
            return _generation((await connection.execute(select(installation))).one())

    async def trace(self, evaluation_id: int) -> CardSnapshot | None:
        """What the card of an evaluation is to tell a database that went back in time.

        None for an evaluation that never was, and for one that was merged: its card only points to the other one.
        """
        async with self._database.read() as connection:
            row = await live_evaluation(connection, evaluation_id)
            return None if row is None or row.id != evaluation_id else await snapshot_of(connection, row, self._keyring)

    async def channels(self) -> list[str]:
        """Every channel in which cards stand, or will."""
        query = select(evaluation.c.channel).where(evaluation.c.channel.is_not(None)).distinct()
        async with self._database.read() as connection:
            return [str(channel) for channel in await connection.scalars(query)]

    async def went_back(self, posted: Sequence[PostedCard]) -> int | None:
        """Return the highest id in Slack that shows that the database is older than it; None where none does.

        Every message carries the id of its delivery, which is written down before it is posted. One that is unknown,
        or that was never begun, was posted by a later state of the database. Once it was compared with Slack, unknown
        ids of former generations are known to be lost.
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
        """Begin a new generation, above all ids there are and those up to `above`, as the database went back in time.

        Mails that wait or are under way may have gone since: nobody knows. What waits to be said in Slack may have been
        said: it is looked for first. None when it is not `instead_of` that generation any more.
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
                    delivery.c.state.in_(("due", "sending")),
                    delivery.c.kind != DeliveryKind.CARD,
                    delivery.c.ts.is_(None),
                )
                .values(state="unknown")
            )
            await _begin(connection, next_generation(max(row.generation, above), steps()), to, at=at)
            states = [state for state in MailState if state.is_pending or state is MailState.SENDING]
            mails = await settle_all_unknown(connection, states, at=at, error=BACK_IN_TIME)
            return WentBack(to=to, mails=mails)

    async def compared(self, number: int, *, at: datetime) -> None:
        """Note that Slack shows nothing that this generation does not know."""
        this = (installation.c.generation == number) & installation.c.looked_at.is_(None)
        async with self._database.write() as connection:
            await connection.execute(update(installation).where(this).values(looked_at=at))

    async def adopt(self, posted: Sequence[PostedCard], *, text: str, to: Sequence[str], at: datetime) -> int:
        """Take up the cards that stand in Slack; how many. From now on others may be posted.

        Those whose trial is not known yet are taken up once the report names it. The `text` is owed to each of `to`.
        """
        async with self._database.write() as connection:
            taken = await adopt_cards(connection, self._keyring, posted, at=at)
            await connection.execute(update(installation).values(looked_at=at))
            for channel in to:
                await enqueue_message(connection, text, channel=channel, at=at)
            return taken


async def _begin(connection: AsyncConnection, number: int, to: datetime, *, at: datetime) -> None:
    values = {"generation": number, "since": at, "look_since": to, "looked_at": None}
    await connection.execute(update(installation).values(values))
    if connection.dialect.name == "postgresql":
        for table in _NUMBERED:
            sequence = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :number)")
            await connection.execute(sequence, {"name": table.name, "number": number})


async def _last_moment(connection: AsyncConnection, *, at: datetime) -> datetime:
    """The latest moment that the database knows of; where it knows none, the longest trial ago."""
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
    """Which of these ids there are; `but_new`, without those of deliveries that wait for their first attempt."""
    wanted = [each for each in ids if each is not None and 0 <= each < 1 << 63]
    query = select(column).where(column.in_(wanted))
    if but_new:
        query = query.where((delivery.c.state != "due") | (delivery.c.attempts > 0))
    return frozenset(await connection.scalars(query))


def _generation(row: Row[Any]) -> Generation:
    return Generation(
        number=row.generation, since=row.since, look_since=row.look_since, is_compared=row.looked_at is not None
    )
