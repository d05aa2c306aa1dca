"""Evaluations that wait for an owner, and whose turn it is to take them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, delete, exists, func, insert, literal, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import interruptible, shielded
from bot.domain.evaluation import State
from bot.domain.history import Assigned, Entry, Fact, Kind, NobodyAvailable, Released
from bot.domain.outbox import DeliveryKind
from bot.domain.rotation import AssignmentRule, Credit, Unavailable, choose
from bot.domain.team_settings import RotationRule, TeamSettings
from bot.security.keyring import Keyring
from bot.store.absences import away_at
from bot.store.engine.database import Database
from bot.store.licenses.customer_context import licenses_of_customer
from bot.store.mapping import license_of, live_evaluation
from bot.store.outbox.enqueue import append_history
from bot.store.schema import delivery, evaluation, history, license_
from bot.store.team import load_team_settings
from bot.store.team_tables import assignment, rotation_credit

_MAX_AT_ONCE: Final = 20
"""Evaluations that one transaction assigns: a press must not wait for more."""
_MAX_HANDED_OVER: Final = 100
"""Evaluations that one transaction hands over, for the same reason."""
_WAITING: Final = (
    select(assignment.c.evaluation_id, evaluation.c.channel, license_.c.app_key)
    .join(evaluation, evaluation.c.id == assignment.c.evaluation_id)
    .join(license_, license_.c.id == evaluation.c.license_id)
    .order_by(assignment.c.at, assignment.c.evaluation_id)
    .limit(_MAX_AT_ONCE)
)

Availability = Mapping["Seat", Unavailable | None]
"""Why somebody can take no evaluation in a channel, or None if they can."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody of a rotation, and the channel in which they would have to see the card."""

    user: str
    channel: str


@shielded
class Rotation:
    """Owners that the bot chooses."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def changed(self, since: int, *, seconds: float) -> None:
        """Wait for a commit after `Database.writes` was `since` that lets an evaluation wait, but not longer."""
        with interruptible():
            await self._database.written(since, seconds=seconds, to=(assignment,))

    async def seats(self) -> frozenset[Seat] | None:
        """Return who may be chosen for the evaluations that wait longest, or None if none waits."""
        async with self._database.read() as connection:
            rows = (await connection.execute(_WAITING)).all()
            if not rows:
                return None
            settings = await load_team_settings(connection)
        rules = [(row.channel, settings.rotation_for(row.app_key)) for row in rows]
        return frozenset(Seat(member.user, channel) for channel, rule in rules if rule for member in rule.members)

    async def assign(self, available: Availability, *, at: datetime) -> int:
        """Choose an owner for each evaluation that waits, and return how many were chosen.

        An evaluation goes on waiting if something is not known about one of its seats. If nobody is available, it is
        left without an owner, and its thread says why.
        """
        async with self._database.write() as connection:
            settings, away = await load_team_settings(connection), await away_at(connection, at)
            assigned = 0
            for waiting in (await connection.execute(_WAITING)).all():
                rule = settings.rotation_for(waiting.app_key)
                seats = {} if rule is None else {m.user: Seat(m.user, waiting.channel) for m in rule.members}
                if not available.keys() >= set(seats.values()):
                    continue
                done = assignment.c.evaluation_id == waiting.evaluation_id
                await connection.execute(delete(assignment).where(done))
                row = await live_evaluation(connection, waiting.evaluation_id)
                if rule is None or row is None or not _needs_owner(row):
                    continue
                why = {user: Unavailable.AWAY if user in away else available[seat] for user, seat in seats.items()}
                fact = await self._choose(connection, row, rule, why, at=at)
                if isinstance(fact, Assigned):
                    owned = update(evaluation).where(evaluation.c.id == row.id)
                    await connection.execute(owned.values(owner=fact.owner, owned_at=at))
                    assigned += 1
                await append_history(connection, row.id, [Entry(at=at, fact=fact)])
            return assigned

    async def owners(self) -> frozenset[str]:
        """Return everybody who owns a running evaluation."""
        owned = select(evaluation.c.owner).where(_is_owned()).distinct()
        async with self._database.read() as connection:
            return frozenset(await connection.scalars(owned))

    async def count_owned(self, owner: str) -> int:
        """Return how many running evaluations somebody owns."""
        theirs = select(func.count()).where(_is_owned(), evaluation.c.owner == owner)
        async with self._database.read() as connection:
            return await connection.scalar(theirs) or 0

    async def hand_over(self, owner: str, to: str | None, *, by: str | None, at: datetime) -> int:
        """Give running evaluations of somebody to another person, or to nobody. Return how many; there may be more.

        Without `by`, it is because their account was deactivated.
        """
        theirs = select(evaluation.c.id).where(_is_owned(), evaluation.c.owner == owner)
        async with self._database.write() as connection:
            ids = (await connection.scalars(theirs.order_by(evaluation.c.id).limit(_MAX_HANDED_OVER))).all()
            changed = update(evaluation).where(evaluation.c.id.in_(ids))
            await connection.execute(changed.values(owner=to, owned_at=at))
            fact: Fact = Released(was=owner) if to is None else Assigned(owner=to, was=owner)
            for evaluation_id in ids:
                await append_history(connection, evaluation_id, [Entry(at=at, actor=by, fact=fact)])
            return len(ids)

    async def _choose(
        self,
        connection: AsyncConnection,
        row: Row[Any],
        rule: RotationRule,
        why: Mapping[str, Unavailable | None],
        *,
        at: datetime,
    ) -> Fact:
        """Choose the owner of an evaluation, and record whose turn it was."""
        present = [member for member in rule.members if why[member.user] is None]
        owner = await self._owner_of_customer(connection, row, [member.user for member in present])
        if owner is not None:
            return Assigned(owner=owner, rule=AssignmentRule.SAME_CUSTOMER)
        turn = choose(present, await credits_of(connection, rule), at=at)
        if turn is None:
            return NobodyAvailable(why=tuple((user, reason) for user, reason in why.items() if reason is not None))
        await _save(connection, rule, turn.credits)
        return Assigned(owner=turn.user, rule=AssignmentRule.ROTATION)

    async def _owner_of_customer(
        self, connection: AsyncConnection, row: Row[Any], present: Collection[str]
    ) -> str | None:
        """Return which of those present owns another evaluation of the customer that runs or led to a license."""
        seen = await license_of(connection, row.license_id, self._keyring)
        theirs = await licenses_of_customer(connection, row, seen, self._keyring)
        query = (
            select(evaluation.c.owner)
            .join(license_, license_.c.id == evaluation.c.license_id)
            .where(evaluation.c.license_id.in_(theirs), evaluation.c.id != row.id, evaluation.c.merged_into.is_(None))
            .where(evaluation.c.owner.in_(list(present)))
            .where((evaluation.c.state == State.RUNNING) | (license_.c.status == "active"))
            .order_by(evaluation.c.owned_at.desc())
            .limit(1)
        )
        owner: str | None = await connection.scalar(query)
        return owner


async def last_delivery(connection: AsyncConnection) -> int:
    """Return the id of the latest delivery, for `queue_assignments`."""
    return await connection.scalar(select(func.max(delivery.c.id))) or 0


async def queue_assignments(
    connection: AsyncConnection, settings: TeamSettings, *, since: int, at: datetime, early: Collection[int] = ()
) -> None:
    """Let the evaluations whose card was enqueued after the delivery `since` wait for an owner, if their app has a
    rotation. Each waits once in its life. Those of `early` cards wait, too.
    """
    if not settings.rotation:
        return
    apps = {app for rule in settings.rotation for app in rule.apps}
    covered = true() if any(not rule.apps for rule in settings.rotation) else license_.c.app_key.in_(apps)
    cards = select(delivery.c.evaluation_id).where(delivery.c.id > since, delivery.c.kind == DeliveryKind.CARD)
    decided = exists().where(
        history.c.evaluation_id == evaluation.c.id, history.c.kind.in_((Kind.ASSIGNED, Kind.NOBODY_AVAILABLE))
    )
    new = (
        select(evaluation.c.id, literal(at, assignment.c.at.type))
        .join(license_, license_.c.id == evaluation.c.license_id)
        .where(evaluation.c.id.in_(cards), evaluation.c.owner.is_(None), covered)
        .where(evaluation.c.card_ts.is_(None) | evaluation.c.id.in_(early))
        .where(~decided, evaluation.c.id.not_in(select(assignment.c.evaluation_id)))
    )
    await connection.execute(insert(assignment).from_select(["evaluation_id", "at"], new))


def _needs_owner(row: Row[Any]) -> bool:
    return row.owner is None and row.state == State.RUNNING and row.not_for_us_at is None


def _is_owned() -> ColumnElement[bool]:
    return evaluation.c.owner.is_not(None) & (evaluation.c.state == State.RUNNING) & evaluation.c.merged_into.is_(None)


async def credits_of(connection: AsyncConnection, rule: RotationRule) -> dict[str, Credit]:
    """Return how far each member of a rotation is behind their share."""
    rows = await connection.execute(select(rotation_credit).where(rotation_credit.c.rotation == rule.name))
    return {row.user_id: Credit(row.amount, row.chosen_at) for row in rows}


async def _save(connection: AsyncConnection, rule: RotationRule, credits_: Mapping[str, Credit]) -> None:
    theirs = (rotation_credit.c.rotation == rule.name) & rotation_credit.c.user_id.in_(list(credits_))
    await connection.execute(delete(rotation_credit).where(theirs))
    rows = [
        {"rotation": rule.name, "user_id": user, "amount": credit.amount, "chosen_at": credit.chosen_at}
        for user, credit in credits_.items()
    ]
    await connection.execute(insert(rotation_credit), rows)
