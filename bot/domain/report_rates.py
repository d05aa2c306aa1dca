"""How a rate is said: as a count while it is small, with its interval once it means something."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

ENOUGH: Final = 20
"""From so many on, a rate is given in percent."""
_Z: Final = 1.959964
"""Standard deviations around the middle that hold 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    of: int

    def __add__(self, other: "Share") -> "Share":
        return Share(self.part + other.part, self.of + other.of)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The Wilson interval in which the rate lies with 95 % confidence, or None for too small a number."""
        if self.of < ENOUGH:
            return None
        rate, square = self.part / self.of, _Z * _Z / self.of
        middle = (rate + square / 2) / (1 + square)
        reach = _Z * sqrt(rate * (1 - rate) / self.of + square / (4 * self.of)) / (1 + square)
        return max(middle - reach, 0.0), min(middle + reach, 1.0)

    @property
    def words(self) -> str:
        """The rate as people read it: `3 of 10`, from 20 on `30 % (15–52 %)`."""
        found = self.interval
        if found is None:
            return f"{self.part:,} of {self.of:,}"
        low, high = found
        return f"{self.part / self.of:.0%} ({low * 100:.0f}–{high:.0%})".replace("%", " %")


def is_difference_shown(one: Share, other: Share) -> bool:
    """Return whether two rates differ beyond chance: both are of enough, and their intervals do not overlap."""
    first, second = one.interval, other.interval
    return first is not None and second is not None and (first[1] < second[0] or second[1] < first[0])
