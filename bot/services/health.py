"""How the bot is doing, in figures."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.store import Store


class Health:
    """Figures for people and machines that watch over the bot; nothing personal among them."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def figures(self) -> dict[str, Any]:
        """When the report was last read and what came of it, and what waits for Slack; ages are in seconds."""
        last, good = await self._store.polls.last(), await self._store.polls.last_good()
        return {
            "last_poll": None
            if last is None
            else "good"
            if last.good
            else "running"
            if last.error is None
            else "failed",
            "seconds_since_good_poll": (
                None if good is None else round((self._clock() - good.started_at).total_seconds())
            ),
            "rows_last_read": None if good is None else good.tally.rows,
            "quarantined": await self._store.polls.quarantined(),
            "waiting_for_slack": await self._store.deliveries.waiting(),
        }
