"""Send the digests that are due, each exactly once."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from bot.domain.digest import due_digests
from bot.store import Store

log = structlog.get_logger()


class DigestSender:
    """Enqueues the digest of each channel that has cards."""

    def __init__(self, store: Store, *, channel: str, zone: ZoneInfo, clock: Callable[[], datetime]) -> None:
        """`channel` is where the cards of apps go that have no channel of their own."""
        self._store = store
        self._channel = channel
        self._zone = zone
        self._clock = clock

    async def send_due(self) -> None:
        """Enqueue what is due now. If there is nothing to say, it is left out. Call it every few seconds."""
        now = self._clock()
        settings = await self._store.team.settings()
        for period in due_digests(settings.digest, settings.calendar(self._zone), now):
            for channel in dict.fromkeys([self._channel, *(own for _, own in settings.channels)]):
                if await self._store.digests.has_begun(period, channel):
                    continue
                found = await self._store.digests.read(period, channel)
                if await self._store.digests.begin(period, channel, sends=not found.is_empty, at=now):
                    log.info("digest_decided", kind=period.kind, day=str(period.day), sent=not found.is_empty)
