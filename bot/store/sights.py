"""The order in which the records of a batch are taken, so that no two of one round speak of the same license."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bot.domain.evaluation import License
from bot.domain.identity import Known, trials_of
from bot.domain.trust import reachable


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A record of the report as it was read, with the digests of the rows it was read from."""

    license: License
    digests: tuple[bytes, ...]

    @cached_property
    def keys(self) -> frozenset[tuple[str, str]]:
        """Its aliases, each with the app within which it is unique."""
        return frozenset((self.license.app_key, alias) for alias in self.license.aliases)


def in_order(sights: Iterable[Sight]) -> list[Sight]:
    """Older before younger, whatever order they came in; of several that differ in details alone, the best one.

    The report gives some licenses several times, with other contacts each time.
    """
    found: dict[object, Sight] = {}
    for sight in sorted(sights, key=_rank):
        this = (sight.keys, sight.license.updated, trials_of(sight.license))
        twin = found.pop(this, None)
        digests = sight.digests if twin is None else tuple(dict.fromkeys((*twin.digests, *sight.digests)))
        found[this] = sight if twin is None else replace(sight, digests=digests)
    return list(found.values())


def rounds(
    sights: Sequence[Sight], known: Sequence[Known | None]
) -> tuple[list[tuple[Sight, Known | None]], list[Sight]]:
    """Those that can be recorded together, with what is known of each, then those that must wait for them."""
    taken: set[object] = set()
    these, waiting = [], []
    for sight, k in zip(sights, known, strict=True):
        claims: set[object] = {*sight.keys, *(k.ids if k else ())}
        if taken.isdisjoint(claims):
            these.append((sight, k))
        else:
            waiting.append(sight)
        taken |= claims
    return these, waiting


def _rank(sight: Sight) -> tuple[object, ...]:
    """Younger is later; on one day, what is further along, then what says more of the people, then any fixed order."""
    seen = sight.license
    people = (reachable(seen) is not None, len(seen.contacts))
    return (seen.updated, not seen.is_evaluation, people, min(sight.keys), sight.digests)
