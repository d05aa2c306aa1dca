"""Which part of the report to read, so that nothing falls between two polls. Days are UTC, as in the report."""

from datetime import date, timedelta


def updated_since(last_good: date | None, *, today: date) -> date | None:
    """From which `lastUpdated` day on to read; None means everything.

    Two days of overlap: the report dates whole days in UTC, and its sources are processed at different rates.
    """
    return None if last_good is None else min(last_good, today) - timedelta(days=2)


def started_since(last_good: date, *, today: date) -> date:
    """From which trial start on to read again: rows come late with an old `lastUpdated`, seen up to days later."""
    return min(last_good, today) - timedelta(days=7)
