"""Read the reports beside licenses with every poll: why customers leave, and which quotes they accept."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

import structlog

from bot.domain.departure import FIRST_LOOK_BACK, LOOK_BACK, Reading
from bot.errors import MarketplaceError, PermissionMissing
from bot.marketplace.client import Marketplace
from bot.marketplace.responses import NotFound
from bot.marketplace.return_records import parse_departure, parse_quote
from bot.metrics.catalog import INBOUND
from bot.metrics.labels import InboundResult, InboundSource
from bot.metrics.meter import OFF, Meter
from bot.store import Store

log = structlog.get_logger()

_BATCH_ROWS: Final = 100
"""Rows that one transaction records."""
_SOURCES: Final = {Reading.FEEDBACK: InboundSource.UNINSTALL, Reading.QUOTES: InboundSource.QUOTE}


class ReturnReports:
    """Reads feedback and quotes. A report that the account may not read, or that fails, holds nothing else up."""

    def __init__(
        self, marketplace: Marketplace, store: Store, *, show_prices: bool, clock: Callable[[], datetime]
    ) -> None:
        self.meter: Meter = OFF
        self._marketplace = marketplace
        self._store = store
        self._show_prices = show_prices
        self._clock = clock
        self._refused = set[Reading]()

    async def read(self) -> None:
        """Read both, and record what is new. Rows that are there at the first reading are not posted."""
        for reading, read in ((Reading.FEEDBACK, self._read_feedback), (Reading.QUOTES, self._read_quotes)):
            try:
                new = await read(posts=await self._store.departures.was_read(reading))
            except (PermissionMissing, NotFound) as exc:
                if reading not in self._refused:
                    self._refused.add(reading)
                    log.info("report_not_readable", report=reading, reason=str(exc))
            except MarketplaceError as exc:
                log.warning("report_failed", report=reading, reason=str(exc))
                self.meter.count(INBOUND, _SOURCES[reading], InboundResult.FAILED)
            else:
                self._refused.discard(reading)
                await self._store.departures.finish_first(reading, at=self._clock())
                if new:
                    self.meter.count(INBOUND, _SOURCES[reading], InboundResult.HANDLED, by=new)
                    log.info("report_rows_new", report=reading, rows=new)

    async def _read_feedback(self, *, posts: bool) -> int:
        now = self._clock()
        back = LOOK_BACK if posts else FIRST_LOOK_BACK
        rows = await self._marketplace.feedback(now.date() - back, now.date())
        found = [(json.dumps(row, sort_keys=True), parse_departure(row)) for row in rows]
        new = await self._store.departures.filter_new([(text, each) for text, each in found if each is not None])
        for start in range(0, len(new), _BATCH_ROWS):
            await self._store.departures.record(new[start : start + _BATCH_ROWS], posts=posts, at=now)
        return len(new)

    async def _read_quotes(self, *, posts: bool) -> int:
        now = self._clock()
        back = LOOK_BACK if posts else FIRST_LOOK_BACK
        rows = await self._marketplace.quotes(now.date() - back, now.date())
        quotes = [each for row in rows if (each := parse_quote(row)) is not None]
        if not self._show_prices:
            quotes = [replace(each, price=None) for each in quotes]
        new = 0
        for start in range(0, len(quotes), _BATCH_ROWS):
            new += await self._store.departures.record_quotes(quotes[start : start + _BATCH_ROWS], posts=posts, at=now)
        return new
