"""What a poll, the outbox and a person do to the store, each in one line of a test."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Table, select

from bot.domain.card import Card
from bot.domain.changes import Finding, compare
from bot.domain.evaluation import License
from bot.domain.policy import MailState
from bot.store import Store
from bot.store.deliveries import Delivery, Lane, What
from bot.store.licenses import Recorded
from bot.store.mails import Claimed, Order
from bot.store.schema import evaluation
from tests.builders import NOON

SECRET = "a key for tests that is long enough"
CHANNEL = "C0CARDS"
LATER = NOON + timedelta(hours=1)


async def report(
    store: Store, *rows: License, announce: bool = True, channel: str = CHANNEL, at: datetime = NOON
) -> Recorded:
    """Record one batch of the report as a poll does: what is no news is left out."""
    known = await store.licenses.recall(rows)
    findings = [
        Finding(known=k, seen=seen, changes=tuple(compare(k, seen)), announce=announce)
        for k, seen in zip(known, rows, strict=True)
    ]
    return await store.licenses.record([f for f in findings if f.is_news], channel=channel, at=at)


async def rows(store: Store, table: Table) -> list[Row[Any]]:
    """Everything a table holds, oldest first."""
    async with store.database.read() as connection:
        return list((await connection.execute(select(table).order_by(*table.primary_key.columns))).all())


async def cards(store: Store) -> list[Card]:
    """The card of every evaluation that was not merged into another one, oldest first."""
    found = [await store.evaluations.card(row.id) for row in await rows(store, evaluation) if row.merged_into is None]
    return [card for card in found if card is not None]


async def only_card(store: Store) -> Card:
    """The card of the only evaluation there is."""
    [card] = await cards(store)
    return card


async def bring(store: Store, *, at: datetime = LATER) -> list[str]:
    """Bring to Slack all that is due; what it sees: `post card 1`, `note ended in 1.0`, `say …`, `update card 1`."""
    brought: list[str] = []
    for lane in (Lane.POST, Lane.UPDATE):
        while (delivery := await store.deliveries.take(lane, now=at)) is not None:
            brought.append(_shown(delivery))
            await store.deliveries.done(
                delivery, ts=delivery.card.ts if delivery.card else f"{delivery.evaluation_id}.0"
            )
    return brought


def _shown(delivery: Delivery) -> str:
    match delivery.what:
        case What.CARD:
            return f"{'update' if delivery.card else 'post'} card {delivery.evaluation_id}"
        case What.NOTE:
            assert delivery.entry is not None
            assert delivery.card is not None
            return f"note {delivery.entry.kind} in {delivery.card.ts}"
        case What.MESSAGE:
            return f"say {delivery.text}"


def order(evaluation_id: int, number: int = 1, **overrides: Any) -> Order:  # noqa: ANN401  of its field's type
    """Bo asks for the welcome mail to the technical contact."""
    given: dict[str, Any] = {
        "evaluation_id": evaluation_id,
        "template": "welcome",
        "recipient": "technical",
        "subject": "Welcome to Roadmap",
        "body": "Dear Ana Ash",
        "message_id": f"<{number}@vendor.example>",
        "by": "U0BO",
        "at": NOON,
    }
    return Order(**{**given, **overrides})


async def mailed(store: Store, wanted: Order, outcome: MailState = MailState.SENT) -> Claimed:
    """A mail that was claimed and came to its end."""
    claimed = await store.mails.claim(wanted)
    assert isinstance(claimed, Claimed)
    await store.mails.settle(claimed.mail_id, outcome, at=LATER)
    return claimed
