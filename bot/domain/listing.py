"""Lists of evaluations: what may be asked for, the pages of a list, and its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Generic, Self, TypeVar

from bot.domain.evaluation import Evaluation, State
from bot.domain.license_types import is_sold

T = TypeVar("T")

PAGE_SIZE: Final = 15
"""Rows on a page. Keeps an answer well below Slack's 50 blocks and 8,000 characters, whatever the names."""
SOON: Final = 7
"""Days that `expiring` looks ahead unless the person says how many."""


class ListKind(StrEnum):
    """Which evaluations a list has."""

    DAYS = "days"
    """Those that started or were announced on some days."""
    MINE = "mine"
    UNOWNED = "unowned"
    EXPIRING = "expiring"
    WAITING = "waiting"
    """Those whose contact waits for an answer."""


class Status(StrEnum):
    """How an evaluation stands, as a row says it and as the filter `state:` takes it."""

    RUNNING = "running"
    BOUGHT = "bought"
    LICENSED = "licensed"
    """The customer has a license now that nobody pays for."""
    ENDED = "ended"
    CANCELLED = "cancelled"
    DONE = "done"
    NOT_FOR_US = "not-for-us"
    EXPECTED = "expected"
    """The app was installed. The report has no license so far."""


class Ownership(StrEnum):
    """Owners that the filter `owner:` takes beside people."""

    ME = "me"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What narrows a list down, as it was typed."""

    app: str | None = None
    """An app's key, or a part of its name."""
    state: Status | None = None
    owner: str | None = None
    """`Ownership`, a person's name, or a Slack user id."""
    country: str | None = None
    """A country's ISO code or name."""
    ending: int | None = None
    """The trial ends within this many days."""
    since: date | None = None
    """The trial started on this day or later."""


NO_FILTERS: Final = Filters()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """A list that somebody asks for."""

    kind: ListKind
    first: date | None = None
    """The days of `ListKind.DAYS`, both included."""
    last: date | None = None
    within: int = SOON
    """The days that `ListKind.EXPIRING` looks ahead."""
    filters: Filters = NO_FILTERS

    @classmethod
    def of_days(cls, first: date, last: date | None = None, *, filters: Filters = NO_FILTERS) -> Self:
        """Return the query for what started or arrived on some days."""
        return cls(kind=ListKind.DAYS, first=first, last=last or first, filters=filters)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindQuery:
    """Words that somebody looks for. An evaluation is found if it has all of them."""

    words: tuple[str, ...]
    filters: Filters = NO_FILTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word that somebody looks for, in the forms in which it may be stored."""

    address: str | None = None
    """The word, if it is an email address; then nothing else is set."""
    ids: tuple[str, ...] = ()
    """Beginnings of an alias."""
    hosts: tuple[str, ...] = ()
    """Beginnings of a site or a mail domain."""
    names: tuple[str, ...] = ()
    """Beginnings of words of a company, all of which must be there."""
    joined: str = ""
    """`names` as one word."""
    app_keys: frozenset[str] = frozenset()
    """Apps that have the word in their name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """Filters with their names resolved to what the store holds. None narrows nothing down."""

    app_keys: frozenset[str] | None = None
    status: Status | None = None
    owner: str | None = None
    """A Slack user id, or `Ownership.NONE`."""
    countries: frozenset[str] | None = None
    """A country by the names that the report gives it."""
    ends: tuple[date, date] | None = None
    """The first and the last day on which a trial that runs may end."""
    since: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Days in a row, both included, with the moments at which they begin and end in the team's time zone."""

    first: date
    last: date
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A list in terms of the store. That of `ListKind.EXPIRING` has the days in `criteria.ends`."""

    kind: ListKind
    days: Days | None = None
    """Of `ListKind.DAYS`."""
    user: str = ""
    """Who asks, by Slack user id."""
    criteria: Criteria


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
        number, pages = nearest_page(len(everything), number)
        rows = tuple(everything[number * PAGE_SIZE : (number + 1) * PAGE_SIZE])
        return cls(rows=rows, number=number, pages=pages, total=len(everything))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The newest evaluations that were found, and how many there are."""

    rows: tuple[EvaluationRow, ...]
    total: int
    is_partial: bool = False
    """Whether so many were found that the search stopped: there are more than `total`."""


def nearest_page(total: int, number: int) -> tuple[int, int]:
    """Return the number of the page nearest to `number` that exists, and how many pages this many rows take."""
    pages = max(1, -(-total // PAGE_SIZE))
    return min(max(number, 0), pages - 1), pages


def status_of(evaluation: Evaluation) -> Status:
    """Return how the trial of an evaluation stands by the report."""
    match evaluation.trial.state:
        case State.EXPECTED:
            return Status.EXPECTED
        case State.RUNNING:
            return Status.RUNNING
        case State.CONVERTED:
            return Status.BOUGHT if is_sold(evaluation.license.license_type) else Status.LICENSED
        case State.EXPIRED:
            return Status.ENDED
        case State.CANCELLED:
            return Status.CANCELLED
