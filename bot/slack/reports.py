"""What the bot says of itself in the channel."""

from datetime import date, timedelta

from bot.domain.card import day


def first_run(*, rows: int, started: int, announced: int, today: date, days: int) -> str:
    """The one message of the very first run."""
    since = day(today - timedelta(days=days))
    cards = "No trial has begun" if announced == 0 else f"{_count(announced, 'trial')} began"
    return (
        f":wave: I read the licenses report for the first time: {_count(rows, 'license')}, "
        f"{_count(started, 'evaluation')}. {cards} since {since}"
        f"{'' if announced == 0 else (' and has' if announced == 1 else ' and have') + ' a card here'}. "
        "What is older I know and keep to myself; from now on every new evaluation gets a card."
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
