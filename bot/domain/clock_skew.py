"""How long ago something was, on a clock that may have been wrong when it was written down, or is wrong now."""

from datetime import datetime, timedelta
from typing import Final

CLOCKS_DIFFER: Final = timedelta(minutes=15)
"""What is dated further ahead than this was written by a clock that was wrong: it happened, nobody knows when."""


def age(then: datetime, now: datetime) -> timedelta:
    """How long ago something happened; never negative."""
    return max(now - then, timedelta(0))


def is_future(then: datetime, now: datetime) -> bool:
    """Whether a time at which something happened lies so far ahead that the clock must have been wrong."""
    return then - now > CLOCKS_DIFFER


def has_passed(span: timedelta, *, since: datetime, now: datetime) -> bool:
    """Whether so long a time is over since something happened; also if nobody knows when that was."""
    return now - since >= span or is_future(since, now)


def remaining(due: datetime, now: datetime, *, longest: timedelta) -> timedelta:
    """How long to wait for something that nobody puts off for longer than `longest`; zero when it is due.

    What is due later than that was put off by a clock that was wrong: it is due now.
    """
    wait = due - now
    return timedelta(0) if wait > longest + CLOCKS_DIFFER else max(wait, timedelta(0))
