"""Read events with what is known at this moment: since they were recorded, people may have said no or been erased."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.exports import evaluation_record, history_record
from bot.domain.mail_policy import MailRules
from bot.domain.webhook_event_types import EventType
from bot.domain.webhook_events import WebhookEvent
from bot.security.keyring import Keyring
from bot.store.exports import live_evaluations, load_customers, load_workspace
from bot.store.mapping import entry_from, evaluation_from, merged_into
from bot.store.schema import evaluation, history


async def load_events(
    connection: AsyncConnection, rows: Sequence[Row[Any]], rules: MailRules, keyring: Keyring
) -> list[WebhookEvent]:
    """Return the events of rows of `webhook_event`, in the same order."""
    ids = [row.history_id for row in rows if row.history_id is not None]
    if not ids:
        return [_without_fact(row) for row in rows]
    facts = {row.id: row for row in await connection.execute(select(history).where(history.c.id.in_(ids)))}
    live = await live_evaluations(connection, {row.evaluation_id for row in facts.values()})
    customers = await load_customers(connection, {row.license_id for row in live.values()}, keyring)
    current = select(evaluation).where(evaluation.c.id.in_({row.id for row in live.values()}))
    evaluations = {row.id: row for row in await connection.execute(current)}
    workspace = await load_workspace(connection, {row.owner for row in evaluations.values()}, keyring)
    found = []
    for row in rows:
        if row.history_id is None:
            found.append(_without_fact(row))
            continue
        fact = facts[row.history_id]
        about = evaluations[live[fact.evaluation_id].id]
        customer = customers[about.license_id]
        merged = row.type == EventType.EVALUATION_MERGED
        found.append(
            WebhookEvent(
                sequence=row.id,
                type=EventType(row.type),
                at=row.at,
                evaluation=evaluation_record(evaluation_from(about, customer.license), customer, rules, workspace),
                fact=history_record(about.id, entry_from(fact), customer),
                details={"merged_ids": await _merged(connection, about.id)} if merged else {},
            )
        )
    return found


async def _merged(connection: AsyncConnection, evaluation_id: int) -> list[int]:
    """Return the evaluations that were merged into this one."""
    found = await connection.scalars(merged_into(evaluation_id))
    return sorted(each for each in found if each != evaluation_id)


def _without_fact(row: Row[Any]) -> WebhookEvent:
    return WebhookEvent(sequence=row.id, type=EventType(row.type), at=row.at, details=row.details)
