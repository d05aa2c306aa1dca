"""How dates and numbers are written for people."""

from datetime import date


def day(value: date) -> str:
    """A date as people read it without guessing which number is the month: 23 Nov 2026."""
    return f"{value.day} {value:%b %Y}"
