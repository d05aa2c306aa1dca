"""Ages and waits hold whatever the clock said."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.clock_skew import CLOCKS_DIFFER, age, has_passed, is_future, remaining
from tests.builders import NOON

HOUR = timedelta(hours=1)
spans = st.timedeltas(timedelta(days=-9_000), timedelta(days=9_000))


@given(spans)
def test_no_age_is_negative(span: timedelta) -> None:
    assert age(NOON - span, NOON) == max(span, timedelta(0))


@given(spans)
def test_nothing_waits_for_longer_than_it_may(span: timedelta) -> None:
    wait = remaining(NOON + span, NOON, longest=HOUR)
    assert timedelta(0) <= wait <= HOUR + CLOCKS_DIFFER
    assert (wait == timedelta(0)) == (span <= timedelta(0) or span > HOUR + CLOCKS_DIFFER)


@pytest.mark.parametrize(
    ("since", "passed"),
    [
        (-2 * HOUR, True),
        (-HOUR, True),
        (-HOUR / 2, False),
        (timedelta(0), False),
        (CLOCKS_DIFFER, False),
        (2 * HOUR, True),
    ],
)
def test_a_span_is_over_once_it_has_passed_or_nobody_knows_since_when(since: timedelta, *, passed: bool) -> None:
    assert has_passed(HOUR, since=NOON + since, now=NOON) is passed
    assert is_future(NOON + since, NOON) is (since > CLOCKS_DIFFER)
