"""Choose which part of the report to read, so that nothing falls between two polls. Days are UTC, as in the report."""

from datetime import date, timedelta


def updated_since(last_good: date | None, *, today: date) -> date | None:
    """Return the first `lastUpdated` day to read; None means everything.

    Two days of overlap: the report dates whole days in UTC, and its sources are processed at different speeds.
    """
    return None if last_good is None else min(last_good, today) - timedelta(days=2)


def started_since(last_good: date, *, today: date) -> date:
    """Return the first trial start to read again: rows arrive late with an old `lastUpdated`, seen up to days later."""
    return min(last_good, today) - timedelta(days=7)
