"""What is owed to Slack, written in the same transaction as the fact it follows from."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.clock_skew import CLOCKS_DIFFER
from bot.domain.history import UNTOLD, Entry
from bot.store.mapping import history_values, insert_row, live_evaluation
from bot.store.schema import delivery, evaluation, history, installation


async def append_history(connection: AsyncConnection, evaluation_id: int, entries: Iterable[Entry]) -> None:
    """Add entries to an evaluation's history; where there is a card, owe it a repaint and a line in its thread each.

    What is remembered of an evaluation that was merged is remembered of the one it was merged into.
    """
    live = await live_evaluation(connection, evaluation_id)
    if live is None:
        return
    is_told = live.channel is not None and live.card_gone is None
    for entry in entries:
        history_id = await insert_row(connection, history, history_values(entry, live.id))
        await enqueue_card_update(connection, [live.id], at=entry.at)
        if not is_told or entry.kind in UNTOLD:
            continue
        owed = {"kind": "note", "channel": live.channel, "evaluation_id": live.id, "history_id": history_id}
        state = "unknown" if entry.actor is None and await _may_stand_there(connection, live) else "due"
        await insert_row(connection, delivery, {**owed, "state": state, "at": entry.at, "due_at": entry.at})


async def _may_stand_there(connection: AsyncConnection, live: Row[Any]) -> bool:
    """Whether a fact of the report may have been told under this card before the database went back in time."""
    row = (await connection.execute(select(installation).where(installation.c.since.is_not(None)))).first()
    if row is None:
        return False
    if live.card_ts is None:
        return row.looked_at is None
    latest: datetime = row.since + CLOCKS_DIFFER
    return float(live.card_ts) <= latest.timestamp()


async def enqueue_card_update(connection: AsyncConnection, evaluation_ids: Iterable[int], *, at: datetime) -> None:
    """Owe the cards of these evaluations a fresh look; those recorded in silence have none, those deleted want none.

    Of a card that is owed one already it is known from now on that somebody asked just now.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    wanted = (
        evaluation.c.id.in_(list(evaluation_ids)),
        evaluation.c.channel.is_not(None),
        evaluation.c.card_gone.is_(None),
    )
    rows = await connection.execute(
        select(evaluation.c.id, evaluation.c.channel).where(*wanted).order_by(evaluation.c.id)
    )
    for row in rows.all():
        owed = {"kind": "card", "channel": row.channel, "evaluation_id": row.id, "state": "due", "at": at, "due_at": at}
        one = dialect.insert(delivery).values(owed)
        await connection.execute(
            one.on_conflict_do_update(
                index_elements=["evaluation_id"],
                index_where=text("kind = 'card' AND state = 'due'"),
                set_={"at": one.excluded.at},
            )
        )


async def enqueue_refresh(connection: AsyncConnection, history_ids: Iterable[int], *, at: datetime) -> None:
    """Owe the lines of these entries a fresh look: they stand in Slack, and say what should not be read any more."""
    theirs = delivery.c.history_id.in_(list(history_ids)) & (delivery.c.state == "done") & delivery.c.ts.is_not(None)
    await connection.execute(update(delivery).where(theirs).values(state="due", at=at, due_at=at))


async def enqueue_message(connection: AsyncConnection, words: str, *, channel: str, at: datetime) -> None:
    """Owe a channel a message that belongs to no evaluation. `words` are Slack mrkdwn, escaped."""
    values = {"kind": "message", "channel": channel, "text": words, "state": "due", "at": at, "due_at": at}
    await insert_row(connection, delivery, values)
