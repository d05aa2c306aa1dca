"""Which part of the report a poll reads."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.poll_window import started_since, updated_since
from tests.builders import TODAY, nov


@pytest.mark.parametrize(
    ("last_good", "changed_since", "began_since"),
    [
        pytest.param(TODAY, nov(21), nov(16), id="today"),
        pytest.param(nov(10), nov(8), nov(3), id="two weeks ago: nothing is skipped"),
        pytest.param(date(2024, 2, 29), date(2024, 2, 27), date(2024, 2, 22), id="years ago"),
        pytest.param(nov(30), nov(21), nov(16), id="in the future: the clock was set back"),
    ],
)
def test_a_poll_reads_again_what_the_last_one_may_have_missed(
    last_good: date, changed_since: date, began_since: date
) -> None:
    assert updated_since(last_good, today=TODAY) == changed_since
    assert started_since(last_good, today=TODAY) == began_since


def test_the_first_poll_reads_everything() -> None:
    assert updated_since(None, today=TODAY) is None


DAYS = st.dates(date(2018, 1, 1), date(2030, 1, 1))


@given(last_good=DAYS, later=st.integers(0, 3000))
def test_no_day_falls_between_two_polls_however_long_the_outage(last_good: date, later: int) -> None:
    today = last_good + timedelta(days=later)
    since = updated_since(last_good, today=today)
    assert since is not None
    assert started_since(last_good, today=today) < since < last_good
