"""Decide who owns an evaluation: one person. The loser of a race learns who won."""

from collections.abc import Callable
from datetime import datetime

from bot.domain.evaluation import Evaluation, OwnerChange
from bot.store import Store


class Ownership:
    """Owners of evaluations, by Slack user id. Each method returns None if there is no such evaluation."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def claim(self, evaluation_id: int, *, by: str) -> OwnerChange | None:
        """Claim an evaluation that nobody owns."""
        return await self.assign(evaluation_id, by, instead_of=None, by=by)

    async def assign(
        self, evaluation_id: int, owner: str | None, *, instead_of: str | None, by: str
    ) -> OwnerChange | None:
        """Assign an evaluation to somebody, if its owner still is `instead_of`."""
        return await self._store.evaluations.assign(
            evaluation_id, owner, instead_of=instead_of, by=by, at=self._clock()
        )

    async def release(self, evaluation_id: int, *, owner: str | None, by: str) -> OwnerChange | None:
        """Release an evaluation, if its owner still is `owner`."""
        return await self.assign(evaluation_id, None, instead_of=owner, by=by)

    async def evaluation(self, evaluation_id: int) -> Evaluation | None:
        """Return an evaluation with its owner."""
        card = await self._store.evaluations.card(evaluation_id)
        return None if card is None else card.evaluation

    async def owner(self, evaluation_id: int) -> str | None:
        """Return the owner."""
        evaluation = await self.evaluation(evaluation_id)
        return None if evaluation is None else evaluation.owner
