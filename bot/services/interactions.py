"""Recognise an interaction that arrives twice: Slack retries, and a signed request can be replayed."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from bot.store import Store

log = structlog.get_logger()

_TIMEOUT_S: Final = 1.0


class InteractionDeduplicator:
    """The interactions received by this process, and by those before and beside it."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime], patience: float = _TIMEOUT_S) -> None:
        self._store = store
        self._clock = clock
        self._patience = patience
        self.under_way: dict[str, asyncio.Task[bool]] = {}
        """Interactions that are being recorded right now, by trigger."""

    async def first_seen(self, trigger: str) -> bool:
        """Return whether an interaction is seen for the first time, by its trigger, which is unique.

        If the database is busy for longer than a second, only this process's own interactions are compared: waiting
        would outlast the trigger. That is enough, since a trigger opens one modal and every change is compare-and-set.
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
        """Note that an interaction has been handled: if Slack delivers it again, it is a duplicate for good."""
        await self._store.interactions.done(trigger)

    def _end(self, trigger: str) -> None:
        task = self.under_way.pop(trigger)
        # Nobody is waiting for an error that comes so late.
        _ = task.cancelled() or task.exception()
