import pytest

from bot.concurrency.backoff import Backoff

EXACT = Backoff(base=2.0, maximum=300.0, jitter=0.0)


@pytest.mark.parametrize(("failures", "wait"), [(0, 2), (1, 2), (2, 4), (8, 256), (9, 300), (10**6, 300)])
def test_waits_double_up_to_the_maximum(failures: int, wait: float) -> None:
    assert EXACT.after(failures) == wait


@pytest.mark.parametrize(("chance", "wait"), [(0.0, 60), (0.5, 54), (1.0, 48)])
def test_jitter_shortens_a_wait_by_its_share_at_most(chance: float, wait: float) -> None:
    assert Backoff(base=60.0, maximum=60.0, jitter=0.2, chance=lambda: chance).after(3) == pytest.approx(wait)


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_what_the_server_asks_for_is_kept_exactly(chance: float) -> None:
    assert Backoff(base=1.0, maximum=8.0, chance=lambda: chance).after(9, at_least=30.0) == 30.0


def test_two_copies_do_not_wait_equally_long() -> None:
    backoff = Backoff(base=60.0, maximum=60.0)
    assert len({backoff.after(1) for _ in range(20)}) > 1
