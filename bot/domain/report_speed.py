"""The report about speed: three delays of a trial, apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from bot.domain.card import discovery_delay
from bot.domain.report import ReportScope
from bot.domain.working_time import WorkingCalendar

NEWEST: Final = 1_000
"""How many trials are looked at, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The dates of one announced trial, from its start to the first contact."""

    app_key: str
    started: date
    seen: datetime
    claimed: datetime | None
    contacted: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How long something took: the median, and what nine of ten do not exceed. None if it never happened."""

    done: int
    open: int
    """How many have not come so far."""
    median: timedelta | None
    p90: timedelta | None


def delay_of(found: Sequence[timedelta], *, of: int) -> Delay:
    """Return the delay of those that came so far, among `of`."""
    ordered = sorted(found)
    return Delay(
        done=len(ordered), open=of - len(ordered), median=_percentile(ordered, 50), p90=_percentile(ordered, 90)
    )


def _percentile(ordered: Sequence[timedelta], share: int) -> timedelta | None:
    """Return the smallest value that at least so many of a hundred do not exceed."""
    return ordered[-(-len(ordered) * share // 100) - 1] if ordered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedReport:
    """How long it took until a trial was seen, then until somebody claimed it, and until the contact was emailed or
    spoken to.
    """

    scope: ReportScope
    trials: int
    seen: Delay
    claimed: Delay
    contacted: Delay
    licensed: Delay | None = None
    """From an installation, as the app said, to its license in the report. None if no app says anything."""


def speed_report(
    scope: ReportScope,
    responses: Iterable[Response],
    calendar: WorkingCalendar,
    *,
    licensed: Iterable[tuple[str, timedelta]] = (),
) -> SpeedReport:
    """Measure the responses that the scope covers. The team's own delays begin when the trial was seen, and are working
    time. `licensed` are an app each with the delay from an installation to its license.
    """
    covered = [each for each in responses if scope.covers(each.app_key)]
    claimed = [calendar.between(each.seen, each.claimed) for each in covered if each.claimed is not None]
    contacted = [calendar.between(each.seen, each.contacted) for each in covered if each.contacted is not None]
    lags = [lag for app_key, lag in licensed if scope.covers(app_key)]
    return SpeedReport(
        licensed=delay_of(lags, of=len(lags)) if lags else None,
        scope=scope,
        trials=len(covered),
        seen=delay_of([discovery_delay(each.started, each.seen) for each in covered], of=len(covered)),
        claimed=delay_of(claimed, of=len(covered)),
        contacted=delay_of(contacted, of=len(covered)),
    )
