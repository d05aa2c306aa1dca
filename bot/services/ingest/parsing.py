"""Parse the rows of a batch that were not processed before, for a poll and for its dry run alike."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.marketplace.license_record import InvalidRecord, parse_license
from bot.marketplace.responses import Row
from bot.store import Store
from bot.store.licenses.batching import ParsedRecord

_STRETCH_ROWS: Final = 10
"""Rows after which other tasks get a turn: a press must be acknowledged at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRows:
    """What is new in a batch; `known` is how many rows were processed before."""

    records: Sequence[ParsedRecord]
    unreadable: Sequence[InvalidRecord]
    known: int


async def parse_new(store: Store, rows: Sequence[Row]) -> NewRows:
    """Return the rows that were not processed before, parsed."""
    records, unreadable, known = list[ParsedRecord](), list[InvalidRecord](), 0
    digests = await store.licenses.filter_new([row.text for row in rows])
    for number, (row, digest) in enumerate(zip(rows, digests, strict=True)):
        if number % _STRETCH_ROWS == 0:
            await asyncio.sleep(0)
        if digest is None:
            known += 1
            continue
        seen = parse_license(row.record)
        if isinstance(seen, InvalidRecord):
            unreadable.append(seen)
        else:
            records.append(ParsedRecord(license=seen, digests=(digest,)))
    return NewRows(records=records, unreadable=unreadable, known=known)
