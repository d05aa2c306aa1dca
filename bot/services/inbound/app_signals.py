"""Take signals of apps, and work on them."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.domain.app_signal import AppSignal, EarlyCardPolicy
from bot.store import IDLE_S, Store

log = structlog.get_logger()

_MOST_WAITING: Final = 2_000
"""Signals that may wait to be written down. One transaction takes them all."""

_REST: Final = 9
"""How many times as long as its work the worker rests."""
_MAX_REST_S: Final = 1.0


class SignalIntake:
    """Writes signals down, unless too many wait for that."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._waiting = 0
        self._is_full = False

    def has_room(self) -> bool:
        """Return whether another signal may wait. The first one that may not is logged."""
        is_full = self._waiting >= _MOST_WAITING
        if is_full and not self._is_full:
            log.warning("signals_refused", waiting=self._waiting)
        self._is_full = is_full
        return not is_full

    async def add(self, signal: AppSignal) -> bool:
        """Write a signal down. Return whether it is new. Raises StoreError if it cannot be written."""
        self._waiting += 1
        try:
            [is_new] = await self._store.app_signals.add([signal], at=self._clock())
        finally:
            self._waiting -= 1
        return is_new


class SignalWorker:
    """Finds out what each signal means, one after the other."""

    def __init__(
        self, store: Store, policy: EarlyCardPolicy, *, wait: timedelta, clock: Callable[[], datetime]
    ) -> None:
        """`wait` is how long an early card waits for its license."""
        self._store = store
        self._policy = policy
        self._wait = wait
        self._clock = clock

    async def run(self) -> None:
        """Work until this task is cancelled.

        While many signals come in, the work on them leaves most of the time to writing them down: they must be
        acknowledged soon, but Slack takes a card a second at most.
        """
        while True:
            moment = self._store.database.writes
            began = time.monotonic()
            if await self._handle_some():
                await asyncio.sleep(min(_REST * (time.monotonic() - began), _MAX_REST_S))
            else:
                await self._store.app_signals.changed(moment, seconds=IDLE_S)

    async def work(self) -> None:
        """Handle the signals that wait."""
        while await self._handle_some():
            pass

    async def _handle_some(self) -> int:
        handled = await self._store.app_signals.handle(self._policy, at=self._clock())
        if handled:
            log.info("signals_handled", signals=handled)
        return handled

    async def expire(self) -> None:
        """Update the early cards whose license did not come."""
        now = self._clock()
        if expired := await self._store.app_signals.expire(before=now - self._wait, at=now):
            log.info("early_cards_expired", cards=expired)
