"""Two licenses that turn out to be one: nothing of either is lost, one card stays."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Row, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.evaluation import Trial
from bot.domain.history import Entry, Kind
from bot.store.outbox import remember, repaint
from bot.store.schema import delivery, evaluation, history, license_, license_alias, mail


async def merge_licenses(
    connection: AsyncConnection, keep: int, others: Sequence[int], *, trials: Iterable[Trial], at: datetime
) -> None:
    """Give all that `others` have to `keep`, whose `trials` are then these.

    Of two evaluations with one start, the one with a card stays.
    """
    for other in others:
        await connection.execute(
            update(license_alias).where(license_alias.c.license_id == other).values(license_id=keep)
        )
        await connection.execute(update(license_).where(license_.c.id == other).values(merged_into=keep))
        await _move_evaluations(connection, keep, other, at=at)
    for trial in trials if others else ():
        this = (evaluation.c.license_id == keep) & (evaluation.c.started == trial.started)
        stands = {"ends": trial.ends, "state": trial.state}
        await connection.execute(update(evaluation).where(this, evaluation.c.merged_into.is_(None)).values(stands))


async def _move_evaluations(connection: AsyncConnection, keep: int, other: int, *, at: datetime) -> None:
    live = evaluation.c.merged_into.is_(None)
    kept = {
        row.started: row
        for row in await connection.execute(select(evaluation).where(evaluation.c.license_id == keep, live))
    }
    for moving in (await connection.execute(select(evaluation).where(evaluation.c.license_id == other, live))).all():
        staying = kept.get(moving.started)
        if staying is None:
            await connection.execute(update(evaluation).where(evaluation.c.id == moving.id).values(license_id=keep))
            continue
        winner, loser = (moving, staying) if _has_more(moving, staying) else (staying, moving)
        await _join(connection, winner, loser, at=at)
        await connection.execute(update(evaluation).where(evaluation.c.id == winner.id).values(license_id=keep))


def _has_more(one: Row[tuple[object, ...]], other: Row[tuple[object, ...]]) -> bool:
    """Whether `one` is the evaluation people know: posted before silent, announced before that."""
    return (one.card_ts is not None, one.channel is not None) > (other.card_ts is not None, other.channel is not None)


async def _join(
    connection: AsyncConnection, winner: Row[tuple[object, ...]], loser: Row[tuple[object, ...]], *, at: datetime
) -> None:
    await connection.execute(update(evaluation).where(evaluation.c.id == loser.id).values(merged_into=winner.id))
    owned = winner if winner.owner is not None else loser
    await connection.execute(
        update(evaluation)
        .where(evaluation.c.id == winner.id)
        .values(owner=owned.owner, owned_at=owned.owned_at, first_seen=min(winner.first_seen, loser.first_seen))
    )
    await connection.execute(update(history).where(history.c.evaluation_id == loser.id).values(evaluation_id=winner.id))
    taken = select(mail.c.template).where(mail.c.evaluation_id == winner.id, mail.c.state != "failed")
    movable = or_(mail.c.state == "failed", mail.c.template.not_in(taken.scalar_subquery()))
    await connection.execute(
        update(mail).where(mail.c.evaluation_id == loser.id, movable).values(evaluation_id=winner.id)
    )
    await _move_deliveries(connection, winner, loser)
    await remember(connection, winner.id, [Entry(at=at, kind=Kind.MERGED)])
    await repaint(connection, [loser.id], at=at)


async def _move_deliveries(
    connection: AsyncConnection, winner: Row[tuple[object, ...]], loser: Row[tuple[object, ...]]
) -> None:
    """Say under the card that stays what waits to be said under the other, which is not posted unless it was begun."""
    theirs = delivery.c.evaluation_id == loser.id
    waiting = theirs & (delivery.c.state == "due")
    await connection.execute(
        update(delivery)
        .where(waiting, delivery.c.kind == "note")
        .values(evaluation_id=winner.id, channel=winner.channel)
    )
    begun = select(delivery.c.id).where(theirs, delivery.c.kind == "card", delivery.c.state.in_(("sending", "unknown")))
    if loser.card_ts is None and (await connection.execute(begun)).first() is None:
        await connection.execute(update(delivery).where(waiting).values(state="done", error="superseded"))
        await connection.execute(update(evaluation).where(evaluation.c.id == loser.id).values(channel=None))
