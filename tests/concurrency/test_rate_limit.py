"""The pace, on a clock that moves only when somebody waits."""

import math

import pytest

from bot.concurrency.backoff import Backoff
from bot.concurrency.rate_limit import Rate, TokenBucket


class Clock:
    """Time, and the one way in which it passes."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now


def turns(pace: TokenBucket, clock: Clock, count: int) -> list[float]:
    """When so many turns come, if each is over at once."""
    times = []
    for _ in range(count):
        clock.now += pace.wait()
        pace.begin()
        pace.end()
        times.append(round(clock.now - 100, 3))
    return times


def test_without_a_burst_each_turn_waits_for_the_interval() -> None:
    clock = Clock()
    assert turns(TokenBucket(Rate(interval=1.05), clock=clock), clock, 3) == [0, 1.05, 2.1]


def test_a_burst_goes_at_once_and_then_at_the_rate() -> None:
    clock = Clock()
    assert turns(TokenBucket(Rate(interval=1, burst=3), clock=clock), clock, 5) == [0, 0, 0, 1, 2]


def test_a_rest_gives_the_burst_back_and_no_more() -> None:
    clock = Clock()
    pace = TokenBucket(Rate(interval=1, burst=2), clock=clock)
    turns(pace, clock, 2)
    clock.now = 160
    assert turns(pace, clock, 4) == [60, 60, 61, 62]


def test_who_comes_late_to_a_turn_is_not_late_for_the_next() -> None:
    clock = Clock()
    pace = TokenBucket(Rate(interval=1, burst=2), clock=clock)
    for _ in range(100):
        turns(pace, clock, 1)
        clock.now += 0.3
    assert clock.now - 100 < 100


def test_told_to_hold_it_holds_and_goes_on_one_at_a_time() -> None:
    clock = Clock()
    pace = TokenBucket(Rate(interval=1, burst=5), clock=clock)
    pace.failed(at_least=30)
    assert turns(pace, clock, 3) == [30, 31, 32]


def test_the_pauses_grow_up_to_five_minutes_and_start_again_after_a_success() -> None:
    clock = Clock()
    pace = TokenBucket(Rate(interval=0), backoff=Backoff(base=2.0, maximum=300.0, jitter=0.0), clock=clock)
    assert [pace.failed() for _ in range(10)] == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    pace.succeeded()
    assert pace.failed() == 2


def test_as_many_turns_are_there_as_can_be_taken_without_a_wait() -> None:
    clock = Clock()
    pace = TokenBucket(Rate(interval=1, burst=4), clock=clock)
    found = []
    for rest in (0, 0, 2.5, 0, 60):
        clock.now += rest
        turns_now = pace.available()
        taken = 0
        while pace.wait() == 0:
            pace.consume()
            taken += 1
        found.append((turns_now, taken))
    assert found == [(4, 4), (0, 0), (2, 2), (0, 0), (4, 4)]


@pytest.mark.parametrize("burst", range(1, 12))
def test_a_burst_is_counted_whole_whatever_the_interval(burst: int) -> None:
    for interval in (0.25, 1.02, 1.22, 1 / 3):
        assert TokenBucket(Rate(interval=interval, burst=burst), clock=Clock()).available() == burst


def test_where_nothing_is_counted_there_is_no_end_of_turns_but_one_while_it_goes_wrong_or_is_to_be_alone() -> None:
    clock = Clock()
    pace = TokenBucket(Rate(interval=0), clock=clock)
    assert (pace.available(), TokenBucket(Rate(interval=0), serial=True, clock=clock).available()) == (math.inf, 1)
    pace.failed()
    assert pace.available() == 0
    clock.now += pace.wait()
    assert pace.available() == 1


@pytest.mark.parametrize(("alone", "fails", "hangs"), [(False, False, False), (True, False, True), (False, True, True)])
def test_while_it_goes_wrong_or_is_to_be_alone_nothing_goes_beside_what_is_under_way(
    *, alone: bool, fails: bool, hangs: bool
) -> None:
    clock = Clock()
    pace = TokenBucket(Rate(interval=0), serial=alone, clock=clock)
    if fails:
        pace.failed()
    clock.now += 10
    pace.begin()
    assert math.isinf(pace.wait()) is hangs
    pace.end()
    assert pace.wait() == 0
