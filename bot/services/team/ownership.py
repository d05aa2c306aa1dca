"""Decide who owns an evaluation: one person, and whoever loses the race is told who won."""

from collections.abc import Callable
from datetime import datetime

from bot.domain.evaluation import OwnerChange
from bot.store import Store


class Ownership:
    """Owners of evaluations, by Slack user id. Each answer is None for an evaluation that never was."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def claim(self, evaluation_id: int, *, by: str) -> OwnerChange | None:
        """Make an evaluation that nobody owns one's own."""
        return await self.assign(evaluation_id, by, instead_of=None, by=by)

    async def assign(
        self, evaluation_id: int, owner: str | None, *, instead_of: str | None, by: str
    ) -> OwnerChange | None:
        """Give an evaluation to somebody, if it is still owned by whom the giver believed."""
        return await self._store.evaluations.assign(
            evaluation_id, owner, instead_of=instead_of, by=by, at=self._clock()
        )

    async def release(self, evaluation_id: int, *, owner: str | None, by: str) -> OwnerChange | None:
        """Make an evaluation nobody's again, if it is still that owner's."""
        return await self.assign(evaluation_id, None, instead_of=owner, by=by)

    async def owner(self, evaluation_id: int) -> str | None:
        """Who owns it now."""
        card = await self._store.evaluations.card(evaluation_id)
        return None if card is None else card.evaluation.owner
