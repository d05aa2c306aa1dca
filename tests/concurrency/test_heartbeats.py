"""Workers that stand still."""

from datetime import timedelta

from bot.concurrency.heartbeats import Heartbeats


def test_a_worker_stands_still_once_a_turn_takes_longer_than_it_may() -> None:
    now = 0.0
    heartbeats = Heartbeats(elapsed=lambda: now)
    slow = heartbeats.register("slow", within=timedelta(minutes=15))
    quick = heartbeats.register("quick", within=timedelta(seconds=60))
    heartbeats.register("not begun", within=timedelta(seconds=1))

    slow()
    quick()
    now = 60.0
    assert heartbeats.still() == []
    now = 61.0
    assert heartbeats.still() == ["quick"]
    quick()
    assert heartbeats.still() == []
    now = 901.0
    assert heartbeats.still() == ["quick", "slow"]
