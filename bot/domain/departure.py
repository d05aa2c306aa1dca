"""Why customers leave, as the Marketplace reports it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

LOOK_BACK: Final = timedelta(days=14)
"""How far back each poll reads: rows come late."""
FIRST_LOOK_BACK: Final = timedelta(days=400)


class Reading(StrEnum):
    """What is read with every poll beside licenses. The values are those of the column."""

    FEEDBACK = "feedback"
    QUOTES = "quotes"


class DepartureKind(StrEnum):
    """What a customer did. Unknown words of the report count as other."""

    UNINSTALL = "uninstall"
    DISABLE = "disable"
    UNSUBSCRIBE = "unsubscribe"
    OTHER = "other"

    @property
    def words(self) -> str:
        """What they did, as the beginning of a sentence."""
        return _WORDS[self]


_WORDS: Final = {
    DepartureKind.UNINSTALL: "Uninstalled",
    DepartureKind.DISABLE: "Disabled",
    DepartureKind.UNSUBSCRIBE: "Unsubscribed from the app",
    DepartureKind.OTHER: "Left",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerWords:
    """What a person wrote when they left, and who they are, as far as they said. Personal data."""

    message: str | None = None
    email: str | None = None
    name: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether they said nothing."""
        return not (self.message or self.email or self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """One row of the report's feedback."""

    app_key: str
    kind: DepartureKind
    day: date
    reason_key: str | None = None
    reason: str | None = None
    """One of Atlassian's sentences."""
    aliases: tuple[str, ...] = ()
    cloud_id: str | None = None
    words: CustomerWords = CustomerWords()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavingCount:
    """How many customers of an app did the same for the same reason. An empty reason: they gave none."""

    app_key: str
    kind: DepartureKind
    reason: str
    number: int


def add_up(counts: Iterable[LeavingCount]) -> tuple[tuple[str, int], ...]:
    """Return the reasons, each with its number, the most frequent first; those without a reason by what they did."""
    total = Counter[str]()
    for each in counts:
        total[each.reason.rstrip(".") or f"{each.kind.words}, no reason given"] += each.number
    return tuple(total.most_common())
