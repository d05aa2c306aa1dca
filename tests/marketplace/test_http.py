"""When a request is tried again; the client's tests show that it is."""

import pytest

from bot.marketplace.http import retry_delay
from bot.marketplace.responses import RetryLater


@pytest.mark.parametrize(("asked", "waited"), [(None, True), (0.0, 1.0), (12.0, 12.0), (60.0, 60.0), (61.0, False)])
def test_the_wait_is_the_one_that_was_asked_for_within_reason(asked: float | None, waited: float) -> None:
    assert retry_delay(RetryLater("Later.", retry_after=asked)) == waited
