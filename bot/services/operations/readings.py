"""Read the gauges that say how the bot is at this moment, when somebody asks for the metrics."""

import asyncio
import math
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from bot.concurrency.tasks import answer_within
from bot.domain.incidents import IncidentSource
from bot.errors import StoreError
from bot.metrics.catalog import (
    DELIVERIES_WAITING,
    DELIVERY_AGE,
    LAST_GOOD_POLL,
    LEADER,
    OPEN_INCIDENTS,
    SOCKET_CONNECTED,
    SOCKET_LAST_HEARD,
    WEBHOOK_WAITING,
)
from bot.metrics.labels import MessageKind, PollKind
from bot.metrics.meter import Meter
from bot.services.operations.health import Health
from bot.store import Store

_TIMEOUT_S: Final = 2.0
_CACHED_S: Final = 5.0
"""How long what the database said is reused, so that readers put no load on it."""


class Readings:
    """Sets the gauges. Those of the database keep their last values while it does not answer."""

    def __init__(
        self,
        store: Store,
        meter: Meter,
        *,
        health: Health,
        clock: Callable[[], datetime],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._meter = meter
        self._health = health
        self._clock = clock
        self._elapsed = elapsed
        self._turn = asyncio.Lock()
        self._read_at: float | None = None

    async def refresh(self) -> None:
        """Set every gauge."""
        self._meter.set(LEADER, to=self._store.leases.is_held)
        if (line := self._health.line()) is not None:
            heard = math.nan if line.heard is None else (self._clock() - line.heard).timestamp()
            self._meter.set(SOCKET_CONNECTED, to=line.down is None)
            self._meter.set(SOCKET_LAST_HEARD, to=heard)
        async with self._turn:
            if self._read_at is None or self._elapsed() - self._read_at >= _CACHED_S:
                await self._ask_database()
                self._read_at = self._elapsed()

    async def _ask_database(self) -> None:
        try:
            await answer_within(_TIMEOUT_S, self._read())
        except (StoreError, TimeoutError):  # `/health` says so, and so does `evaluator_bot_leader`
            return

    async def _read(self) -> None:
        waiting, oldest = await self._store.outbox.backlog()
        counts = dict.fromkeys(MessageKind, 0)
        for kind, count in waiting.items():
            counts[MessageKind.of(kind)] += count
        for message_kind, count in counts.items():
            self._meter.set(DELIVERIES_WAITING, message_kind, to=count)
        age = 0.0 if oldest is None else (self._clock() - oldest).total_seconds()
        self._meter.set(DELIVERY_AGE, to=max(age, 0.0))
        for poll_kind in PollKind:
            good = await self._store.polls.last_good(is_full=poll_kind is PollKind.SWEEP)
            self._meter.set(LAST_GOOD_POLL, poll_kind, to=0 if good is None else good.started_at.timestamp())
        self._meter.set(WEBHOOK_WAITING, to=sum(each.waiting for each in await self._store.webhooks.list_addresses()))
        sources = {each.incident.source for each in await self._store.incidents.list_open()}
        for source in IncidentSource:
            self._meter.set(OPEN_INCIDENTS, source, to=source in sources)
