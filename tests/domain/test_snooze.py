"""When a person is reminded, by their own clock, and which times are refused."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.domain.snooze import SnoozeChoice, SnoozeRefused, snoozed_until, why_not_snoozed
from tests.builders import NOON

BERLIN, AUCKLAND = ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Auckland")
PICKED = datetime(2026, 12, 1, 7, 30, tzinfo=UTC)
ENDS = date(2026, 12, 20)


@pytest.mark.parametrize(
    ("choice", "zone", "until"),
    [
        pytest.param(SnoozeChoice.HOUR, BERLIN, datetime(2026, 11, 23, 13, tzinfo=UTC), id="an hour"),
        pytest.param(SnoozeChoice.TOMORROW, BERLIN, datetime(2026, 11, 24, 8, tzinfo=UTC), id="tomorrow"),
        pytest.param(
            SnoozeChoice.TOMORROW,
            AUCKLAND,
            datetime(2026, 11, 24, 20, tzinfo=UTC),
            id="tomorrow, where tomorrow is another day",
        ),
        pytest.param(SnoozeChoice.MONDAY, BERLIN, datetime(2026, 11, 30, 8, tzinfo=UTC), id="on a Monday, the next"),
        pytest.param(SnoozeChoice.PICK, BERLIN, PICKED, id="picked"),
    ],
)
def test_a_snooze_ends_by_the_clock_of_the_person(choice: SnoozeChoice, zone: ZoneInfo, until: datetime) -> None:
    assert snoozed_until(choice, PICKED, now=NOON, zone=zone) == until


def test_tomorrow_is_nine_in_the_morning_also_when_the_clocks_change() -> None:
    evening = datetime(2026, 10, 24, 18, tzinfo=UTC)
    assert snoozed_until(SnoozeChoice.TOMORROW, None, now=evening, zone=BERLIN) == datetime(2026, 10, 25, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "ends", "refused"),
    [
        pytest.param(NOON, ENDS, SnoozeRefused(), id="now"),
        pytest.param(NOON - timedelta(days=1), None, SnoozeRefused(), id="in the past"),
        pytest.param(NOON + timedelta(hours=1), ENDS, None, id="before the end"),
        pytest.param(datetime(2026, 12, 20, 22, 59, tzinfo=UTC), ENDS, None, id="in the last minute of the last day"),
        pytest.param(datetime(2026, 12, 20, 23, tzinfo=UTC), ENDS, SnoozeRefused(ends=ENDS), id="after the last day"),
        pytest.param(NOON + timedelta(days=99), None, None, id="without an end"),
    ],
)
def test_nobody_is_reminded_in_the_past_or_after_the_trial(
    until: datetime, ends: date | None, refused: SnoozeRefused | None
) -> None:
    assert why_not_snoozed(until, ends, now=NOON, zone=BERLIN) == refused
