"""The pace, on a clock that moves only when somebody sleeps."""

from bot.services.pace import Pace


class Clock:
    """Time, and the one way in which it passes."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.now += seconds


async def _turns(pace: Pace, clock: Clock, count: int) -> list[float]:
    times = []
    for _ in range(count):
        await pace.turn()
        times.append(round(clock.now - 100, 3))
    return times


async def test_without_a_burst_each_turn_waits_for_the_interval() -> None:
    clock = Clock()
    pace = Pace(interval=1.05, clock=clock, sleep=clock.sleep)
    assert await _turns(pace, clock, 3) == [0, 1.05, 2.1]


async def test_a_burst_goes_at_once_and_then_at_the_rate() -> None:
    clock = Clock()
    pace = Pace(interval=1, burst=3, clock=clock, sleep=clock.sleep)
    assert await _turns(pace, clock, 5) == [0, 0, 0, 1, 2]


async def test_a_rest_gives_the_burst_back_and_no_more() -> None:
    clock = Clock()
    pace = Pace(interval=1, burst=2, clock=clock, sleep=clock.sleep)
    await _turns(pace, clock, 2)
    await clock.sleep(60)
    assert await _turns(pace, clock, 4) == [60, 60, 61, 62]


async def test_told_to_hold_it_holds_and_goes_on_one_at_a_time() -> None:
    clock = Clock()
    pace = Pace(interval=1, burst=5, clock=clock, sleep=clock.sleep)
    pace.hold(30)
    assert await _turns(pace, clock, 3) == [30, 31, 32]
