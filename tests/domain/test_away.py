"""What people type after `away`."""

from datetime import date

import pytest

from bot.domain.away import AwayCommand, read_away

THURSDAY = date(2026, 12, 3)


@pytest.mark.parametrize(
    ("typed", "until"),
    [
        ("", None),
        ("until 2026-12-07", date(2026, 12, 7)),
        ("2026-12-7", date(2026, 12, 7)),
        ("today", THURSDAY),
        ("until tomorrow", date(2026, 12, 4)),
        ("until Monday", date(2026, 12, 7)),
        ("until thu", THURSDAY),
        ("wednesday", date(2026, 12, 9)),
    ],
)
def test_an_absence_lasts_through_the_day_that_is_named(typed: str, until: date | None) -> None:
    assert read_away(typed, today=THURSDAY) == AwayCommand(until=until)


@pytest.mark.parametrize(
    "typed", ["until", "2026-12-02", "2026-02-30", "until 9999-12-31", "monkey", "until next week", "7 dec"]
)
def test_other_text_and_days_that_are_past_or_far_are_refused(typed: str) -> None:
    assert read_away(typed, today=THURSDAY) is None
