"""Which fact makes an event, and when it is sent again."""

from datetime import timedelta
from itertools import pairwise

import pytest

from bot.domain.webhook_events import FAILS_FOR, WebhookResponse, pause_before_next

HOUR = timedelta(hours=1)
BROKEN = WebhookResponse(status=500, error="It answered 500.")


def pauses(response: WebhookResponse, *, chance: float = 0.5) -> list[timedelta]:
    """The pauses until the event is given up."""
    found: list[timedelta] = []
    while len(found) < 50:
        waited = sum(found, timedelta(0))
        pause = pause_before_next(len(found) + 1, response, waited=waited, chance=chance)
        if pause is None:
            return found
        found.append(pause)
    raise AssertionError("never given up")


def test_the_pauses_grow_for_five_days() -> None:
    found = pauses(BROKEN)
    hours = [2, 5, 10, 14, 20, 24, 24, 24]
    assert found == [
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(minutes=30),
        *(each * HOUR for each in hours),
    ]
    assert sum(found, timedelta(0)) >= FAILS_FOR
    assert all(one <= next_ for one, next_ in pairwise(found))


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 4.0), (1.0, 6.0)])
def test_a_pause_varies_by_a_fifth(chance: float, seconds: float) -> None:
    assert pause_before_next(1, BROKEN, waited=timedelta(0), chance=chance) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("status", "attempts"), [(400, 3), (404, 3), (422, 3), (408, 12), (425, 12), (429, 12), (302, 12)]
)
def test_a_refusal_is_tried_only_twice_more(status: int, attempts: int) -> None:
    assert len(pauses(WebhookResponse(status=status, error="no"))) + 1 == attempts


def test_what_the_receiver_asks_for_holds_for_a_day_at_most() -> None:
    def after(asked: timedelta) -> timedelta | None:
        response = WebhookResponse(status=429, error="no", retry_after=asked)
        return pause_before_next(1, response, waited=timedelta(0), chance=0)

    assert after(timedelta(seconds=1)) == timedelta(seconds=4)
    assert after(3 * HOUR) == 3 * HOUR
    assert after(900 * HOUR) == 24 * HOUR
