"""Tell a press from its echo: Slack repeats what it thinks nobody heard, and a signed request can be replayed."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from bot.store import Store

log = structlog.get_logger()

_PATIENCE: Final = 1.0


class InteractionDeduplicator:
    """The presses that were taken, by this process and by those before and beside it."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime], patience: float = _PATIENCE) -> None:
        self._store = store
        self._clock = clock
        self._patience = patience
        self.under_way: dict[str, asyncio.Task[bool]] = {}
        """Those that are being written down at this moment, by trigger."""

    async def first_seen(self, trigger: str) -> bool:
        """Whether this is the first time that a press is seen, by its trigger, of which no two have the same.

        A database that is busy for longer than a second must not outlast the trigger: then a press is held against
        those of this process alone. That is enough: a trigger opens one modal, and whatever is changed is compared
        and set.
        """
        if trigger in self.under_way:
            return False
        task = asyncio.create_task(self._store.interactions.record(trigger, at=self._clock()))
        self.under_way[trigger] = task
        task.add_done_callback(lambda _: self._end(trigger))
        await asyncio.wait({task}, timeout=self._patience)
        if not task.done():
            log.info("interaction_unchecked")
            return True
        return task.result()

    async def done(self, trigger: str) -> None:
        """What a press asked for has been done, or answered: should Slack bring it again, it is an echo for good."""
        await self._store.interactions.done(trigger)

    def _end(self, trigger: str) -> None:
        task = self.under_way.pop(trigger)
        # An error that came too late to be told has nobody to go to.
        _ = task.cancelled() or task.exception()
