"""Limits in seconds grow with the machine's slowness, and with nothing else."""

import pytest

from tests import machine
from tests.machine import limit


@pytest.mark.parametrize(
    ("computing", "starting", "factor"),
    [(0.01, 0.05, 1), (0.04, 0.14, 1), (0.2, 0.14, 5), (0.04, 0.7, 5), (60, 60, 30)],
)
def test_the_slower_of_computing_and_starting_counts_within_bounds(
    monkeypatch: pytest.MonkeyPatch, computing: float, starting: float, factor: float
) -> None:
    taken = {machine._compute: computing, machine._start: starting}  # noqa: SLF001
    monkeypatch.setattr(machine, "_seconds", taken.__getitem__)

    assert machine.slowness.__wrapped__() == pytest.approx(factor)


@pytest.mark.timeout(100)
def test_a_test_gets_its_time_times_the_factor(request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("timeout")

    assert marker is not None
    assert marker.args == (limit(100),)


def test_a_test_without_a_limit_of_its_own_gets_that_of_all(request: pytest.FixtureRequest) -> None:
    marker = request.node.get_closest_marker("timeout")

    assert marker is not None
    assert marker.args == (limit(float(request.config.getini("timeout"))),)
