"""Take in what apps say of themselves, and work on it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.domain.app_signal import AppSignal, EarlyCardPolicy
from bot.errors import StoreError
from bot.store import IDLE_S, Store

log = structlog.get_logger()

_MOST_WAITING: Final = 2_000
"""Signals that may wait to be written down. One transaction takes them all."""


@dataclass(slots=True, eq=False)
class _Entry:
    signal: AppSignal
    is_taken: bool = False
    is_new: bool = False
    error: StoreError | None = None


class SignalIntake:
    """Writes signals down. Those that come while a transaction runs share the next one."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._waiting: list[_Entry] = []
        self._turn = asyncio.Lock()
        self._is_full = False

    def has_room(self) -> bool:
        """Return whether another signal may wait. The first one that may not is logged."""
        is_full = len(self._waiting) >= _MOST_WAITING
        if is_full and not self._is_full:
            log.warning("signals_refused", waiting=len(self._waiting))
        self._is_full = is_full
        return not is_full

    async def add(self, signal: AppSignal) -> bool:
        """Write a signal down. Return whether it is new. Raises StoreError if it cannot be written."""
        entry = _Entry(signal)
        self._waiting.append(entry)
        async with self._turn:
            if not entry.is_taken:
                await self._write()
        if entry.error is not None:
            raise entry.error
        return entry.is_new

    async def _write(self) -> None:
        batch, self._waiting = self._waiting, []
        for each in batch:
            each.is_taken = True
        try:
            new = await self._store.app_signals.add([each.signal for each in batch], at=self._clock())
        except StoreError as exc:
            for each in batch:
                each.error = exc
            return
        for each, is_new in zip(batch, new, strict=True):
            each.is_new = is_new


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
        """Work until this task is cancelled."""
        while True:
            moment = self._store.database.writes
            await self.work()
            await self._store.app_signals.changed(moment, seconds=IDLE_S)

    async def work(self) -> None:
        """Handle the signals that wait."""
        total = 0
        while handled := await self._store.app_signals.handle(self._policy, at=self._clock()):
            total += handled
        if total:
            log.info("signals_handled", signals=total)

    async def expire(self) -> None:
        """Let early cards whose license did not come say so."""
        now = self._clock()
        if expired := await self._store.app_signals.expire(before=now - self._wait, at=now):
            log.info("early_cards_expired", cards=expired)
