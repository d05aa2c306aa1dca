"""Dates and numbers as people read them."""

from datetime import date


def day(value: date) -> str:
    """Return a date that nobody misreads, with the month as a word: 23 Nov 2026."""
    return f"{value.day} {value:%b %Y}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return `1 card`, `1,200 cards`, or with a plural of its own `2 entries`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
