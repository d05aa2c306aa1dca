"""The order in which the records of a batch are recorded, so that no two of one round describe the same license."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from operator import attrgetter

from bot.domain.cautions import reachable
from bot.domain.evaluation import ContactRole, License
from bot.domain.identity import KnownLicense, entitlements, trials_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRecord:
    """A record of the report, with the digests of the rows it was read from."""

    license: License
    digests: tuple[bytes, ...]
    erased: frozenset[ContactRole] = frozenset()
    """The roles of contacts that it named and that were erased."""
    keys: frozenset[tuple[str, str]] = field(init=False)
    """Its aliases, each with the app within which it is unique."""
    rank: tuple[object, ...] = field(init=False, compare=False)
    """Its place among others: a lower rank is recorded earlier."""

    def __post_init__(self) -> None:
        """Compute what is used repeatedly now, record by record: computing it for thousands at once would delay a
        press.
        """
        keys = frozenset(zip(repeat(self.license.app_key), self.license.aliases, strict=False))
        object.__setattr__(self, "keys", keys)
        object.__setattr__(self, "rank", _rank(self))


def sort_and_dedupe(records: Iterable[ParsedRecord]) -> list[ParsedRecord]:
    """Sort records from old to young, and keep the best of several that differ in details only.

    The report gives some licenses several times, each time with other contacts.
    """
    in_turn = sorted(records, key=attrgetter("rank"))
    alike = Counter((record.keys, record.license.updated) for record in in_turn)
    found: dict[object, ParsedRecord] = {}
    for record in in_turn:
        whose = (record.keys, record.license.updated)
        this = (*whose, trials_of(record.license) if alike[whose] > 1 else ())
        twin = found.pop(this, None)
        digests = record.digests if twin is None else tuple(dict.fromkeys((*twin.digests, *record.digests)))
        found[this] = record if twin is None else replace(record, digests=digests)
    return list(found.values())


def split_conflicts(
    records: Sequence[ParsedRecord], known: Sequence[KnownLicense | None]
) -> tuple[list[tuple[ParsedRecord, KnownLicense | None]], list[ParsedRecord]]:
    """Return the records that can be recorded together, each with what is known, then those that must wait."""
    taken: set[object] = set()
    these, waiting = [], []
    for record, k in zip(records, known, strict=True):
        claims: set[object] = {*record.keys, *entitlements(record.license.aliases), *(k.ids if k else ())}
        if taken.isdisjoint(claims):
            these.append((record, k))
        else:
            waiting.append(record)
        taken |= claims
    return these, waiting


def _rank(record: ParsedRecord) -> tuple[object, ...]:
    """Rank a record: by date; on one day by progress, then by how much it says about people, then by any
    fixed order.
    """
    seen = record.license
    people = (reachable(seen) is not None, len(seen.contacts))
    return (seen.updated, not seen.is_evaluation, people, min(record.keys), record.digests)
