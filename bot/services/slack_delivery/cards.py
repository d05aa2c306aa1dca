"""What people and the calendar ask of cards: the outbox delivers it."""

from collections.abc import Callable
from datetime import datetime

import structlog

from bot.domain.card_snapshot import UnmatchedCard
from bot.domain.evaluation import CardRef
from bot.errors import CardUnknown
from bot.store import Store

log = structlog.get_logger()


class Cards:
    """Enqueues updates of cards, and knows which evaluation a card shows."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def evaluation_on(self, claimed: int, card: CardRef | None) -> int:
        """Return the evaluation that a card shows, or `claimed` if no card is given.

        Raises CardUnknown, with what to do, if the evaluation cannot be determined.
        """
        if card is None:
            return claimed
        found = await self._store.evaluations.on_card(claimed, card)
        if isinstance(found, UnmatchedCard):
            log.warning("card_unknown", why=found.name)
            raise CardUnknown(found)
        return found

    async def shown_on(self, message: CardRef) -> int | None:
        """Return the evaluation whose card a message is, or None for any other message."""
        found = await self._store.evaluations.on_card(0, message)
        return None if isinstance(found, UnmatchedCard) else found

    async def update(self, evaluation_id: int) -> None:
        """Enqueue an update of a card that shows something outdated."""
        await self._store.evaluations.update_card(evaluation_id, at=self._clock())

    async def update_running(self) -> None:
        """Enqueue an update of every card with a running trial, after midnight."""
        await self._store.evaluations.update_running_cards(at=self._clock())

    async def post_again(self, evaluation_id: int) -> bool:
        """Enqueue a deleted card again. False if it is there, or enqueued already."""
        return await self._store.outbox.post_again(evaluation_id, at=self._clock())
