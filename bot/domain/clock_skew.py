"""How long ago something happened, on a clock that may be wrong now or may have been wrong when it was recorded."""

from datetime import datetime, timedelta
from typing import Final

CLOCKS_DIFFER: Final = timedelta(minutes=15)
"""The tolerance between clocks. A wrong clock wrote any date further ahead: the event happened, but nobody
knows when.
"""


def age(then: datetime, now: datetime) -> timedelta:
    """Return how long ago something happened; never negative."""
    return max(now - then, timedelta(0))


def is_future(then: datetime, now: datetime) -> bool:
    """Return whether the time of a past event lies so far ahead that the clock must have been wrong."""
    return then - now > CLOCKS_DIFFER


def has_passed(span: timedelta, *, since: datetime, now: datetime) -> bool:
    """Return whether this span has passed since an event, or the time of the event is unknown."""
    return now - since >= span or is_future(since, now)


def remaining(due: datetime, now: datetime, *, longest: timedelta) -> timedelta:
    """Return how long to wait for something that is never deferred for longer than `longest`; zero if it is due.

    A later due time was set by a wrong clock, so it counts as due now.
    """
    wait = due - now
    return timedelta(0) if wait > longest + CLOCKS_DIFFER else max(wait, timedelta(0))
