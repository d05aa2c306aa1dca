"""Direct messages about what a customer wrote or did: to the owner of the evaluation, or to who stands in."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.outbox import DeliveryKind, DeliveryState, OwnerNews
from bot.domain.rotation import choose
from bot.store.absences import away_at
from bot.store.mapping import insert_row
from bot.store.rotation import credits_of
from bot.store.schema import delivery
from bot.store.team import load_team_settings


async def tell_owner(
    connection: AsyncConnection, live: Row[Any], kind: DeliveryKind, text: int | OwnerNews, *, at: datetime
) -> None:
    """Enqueue a direct message: about the reply or feedback with this id, or a reminder that brings news.

    If the owner is away, or nobody owns the evaluation, it goes to the person whose turn in the rotation is next. It
    costs no turn. If there is nobody, it goes to the owner all the same; the thread shows it in any case.
    """
    to = await _receiver(connection, live, at=at)
    if to is not None:
        owed = {"kind": kind, "channel": to, "evaluation_id": live.id, "text": str(text)}
        await insert_row(connection, delivery, {**owed, "state": DeliveryState.DUE, "at": at, "due_at": at})


async def _receiver(connection: AsyncConnection, live: Row[Any], *, at: datetime) -> str | None:
    owner: str | None = live.owner
    away = await away_at(connection, at)
    if owner is not None and owner not in away:
        return owner
    rule = (await load_team_settings(connection)).rotation_for(live.app_key)
    if rule is None:
        return owner
    present = [member for member in rule.members if member.user not in away]
    turn = choose(present, await credits_of(connection, rule), at=at)
    return owner if turn is None else turn.user
