"""Pages of a list, and the rows of one of evaluations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Self, TypeVar

from bot.domain.evaluation import Evaluation

T = TypeVar("T")

PAGE_SIZE: Final = 15
"""Rows on a page. Keeps an answer well below Slack's 50 blocks and 8,000 characters, whatever the names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """One row of a list: an evaluation, whether it was emailed or is blocked, and whether its card was deleted."""

    evaluation: Evaluation
    mailed: bool
    is_blocked: bool
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list."""

    rows: tuple[T, ...]
    number: int = 0
    """Counted from 0."""
    pages: int = 1
    total: int
    """Rows on all pages."""

    @classmethod
    def cut(cls, everything: Sequence[T], number: int) -> Self:
        """Return a page of a list; for a page that does not exist, the nearest one that does."""
        pages = max(1, -(-len(everything) // PAGE_SIZE))
        number = min(max(number, 0), pages - 1)
        rows = tuple(everything[number * PAGE_SIZE : (number + 1) * PAGE_SIZE])
        return cls(rows=rows, number=number, pages=pages, total=len(everything))
