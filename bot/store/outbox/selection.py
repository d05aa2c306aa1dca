"""Choose which delivery goes next, and on which route."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.history import Kind
from bot.domain.outbox import OPEN, TO_PEOPLE, ApiMethod, DeliveryKind, DeliveryState
from bot.store.columns import Instant
from bot.store.schema import delivery, evaluation, history, installation

DECIDES_ROUTES: Final = (delivery, evaluation, installation)
"""The tables that say what may go next."""


def is_open(owed: FromClause) -> ColumnElement[bool]:
    """Return the condition for open deliveries. A message that is in Slack is not open, though it may be looked up once
    more for a duplicate.
    """
    return owed.c.state.in_(OPEN) & ~((owed.c.state == DeliveryState.UNKNOWN) & owed.c.ts.is_not(None))


IS_KNOWN: Final = delivery.c.kind.in_(list(DeliveryKind)) & or_(
    delivery.c.history_id.is_(None),
    exists().where(history.c.id == delivery.c.history_id, history.c.kind.in_(list(Kind))),
)
"""Whether this version can deliver something: a newer one may have enqueued it, before an update was taken back."""
GOES_TO_CARD: Final = delivery.c.kind.not_in(TO_PEOPLE)
"""Whether a delivery of an evaluation goes to its card or thread, rather than to a person."""
IS_CARD: Final = delivery.c.kind == DeliveryKind.CARD
_method: Final[ColumnElement[str]] = case(
    (delivery.c.state == DeliveryState.UNKNOWN, ApiMethod.HISTORY),
    (and_(IS_CARD, evaluation.c.card_ts.is_not(None)), ApiMethod.UPDATE),
    (delivery.c.kind.in_((DeliveryKind.NOTE, *TO_PEOPLE)) & delivery.c.ts.is_not(None), ApiMethod.UPDATE),
    else_=ApiMethod.POST,
)
_is_due: Final[ColumnElement[bool]] = or_(
    delivery.c.attempts == 0,  # nothing defers it, and another copy's clock may be ahead
    delivery.c.due_at <= bindparam("now", type_=delivery.c.due_at.type),
    delivery.c.due_at > bindparam("wrong", type_=delivery.c.due_at.type),
)
_AT_ONCE: Final = literal(datetime(1970, 1, 1, tzinfo=UTC), Instant)
_must_look: Final = exists().where(installation.c.look_since.is_not(None), installation.c.looked_at.is_(None))
"""Whether the database was restored from a backup and has not been compared with the cards in Slack."""
_JUST_NOW: Final = delivery.c.at >= bindparam("lately", type_=delivery.c.at.type)
LATELY: Final = timedelta(minutes=1)
"""How long a person who pressed a button may still be looking."""
_ORDER: Final[dict[ApiMethod, tuple[ColumnElement[Any], ...]]] = {
    ApiMethod.POST: (
        case((IS_CARD, 2), (delivery.c.kind == DeliveryKind.NOTE, 1), else_=0),
        case((IS_CARD, evaluation.c.started)).desc(),
        case((IS_CARD, delivery.c.at)).desc(),
        delivery.c.id,
    ),
    # Somebody may just have pressed a button on it: these go first come, first served. Midnight updates can wait.
    ApiMethod.UPDATE: (
        case((_JUST_NOW, 0), else_=1),
        case((_JUST_NOW, delivery.c.at)),
        delivery.c.at.desc(),
        delivery.c.id,
    ),
    ApiMethod.HISTORY: (delivery.c.id,),
}


@cache
def is_ready() -> Select[Any]:
    """Return the condition for deliveries whose turn it is: a note waits for its card, a card for its earlier delivery.

    A note also waits for a card update: in the thread of a deleted card it would land in the channel. A reminder waits
    for nothing. What only a newer version knows waits for that version.
    """
    earlier = delivery.alias("earlier")
    waits = exists().where(
        GOES_TO_CARD,
        earlier.c.evaluation_id == delivery.c.evaluation_id,
        or_(earlier.c.kind == delivery.c.kind, earlier.c.kind == DeliveryKind.CARD),
        earlier.c.id < delivery.c.id,
        is_open(earlier),
    )
    return (
        select(delivery, evaluation.c.card_ts, _method.label("method"))
        .join(evaluation, evaluation.c.id == delivery.c.evaluation_id, isouter=True)
        .where(
            delivery.c.state.in_((DeliveryState.DUE, DeliveryState.UNKNOWN)),
            or_(_method != ApiMethod.POST, ~IS_CARD, ~_must_look),
            or_(delivery.c.kind != DeliveryKind.NOTE, evaluation.c.card_ts.is_not(None)),
            ~waits,
            IS_KNOWN,
        )
    )


@cache
def routes() -> Select[Any]:
    """Return a query for the routes with something ready, and the time from which it is due."""
    waiting = is_ready().subquery()
    route = (waiting.c.method, waiting.c.channel)
    due = case((waiting.c.attempts == 0, _AT_ONCE), else_=waiting.c.due_at)
    return select(*route, func.min(due)).group_by(*route)


@cache
def next_due(method: ApiMethod, *, anywhere: bool) -> Select[Any]:
    """Return the query for the next deliveries of a method at `:now`, in `:channel` or anywhere, at most `:most`.

    `:lately` is `LATELY` before `:now`, `:wrong` is `LONGEST_WAIT` after it.
    """
    these = is_ready().where(_method == method, _is_due)
    query = these.order_by(*_ORDER[method]).limit(bindparam("most", type_=Integer))
    return query if anywhere else query.where(delivery.c.channel == bindparam("channel"))


async def unposted(connection: AsyncConnection, channel: str) -> tuple[int, int | None]:
    """Return how many cards wait for their first post in a channel, and the delivery that has waited longest."""
    query = (
        select(func.count(), func.min(delivery.c.id))
        .join(evaluation, evaluation.c.id == delivery.c.evaluation_id)
        .where(
            IS_CARD,
            evaluation.c.card_ts.is_(None),
            delivery.c.channel == channel,
            delivery.c.state.in_((DeliveryState.DUE, DeliveryState.UNKNOWN)),
        )
    )
    count, first = (await connection.execute(query)).one()
    return count, first
