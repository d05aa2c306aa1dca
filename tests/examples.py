"""How many cases a costly test takes: few in `make test`, more in CI, and of random ones many in `make crash`."""

import os
from collections.abc import Collection, Iterable

import pytest
from _pytest.mark import ParameterSet

MANY = os.environ.get("EXAMPLES") == "many"
drawn = pytest.mark.drawn


def examples(few: int, *, many: int) -> int:
    """The number for this run. The test is marked `drawn`, so that `make crash` finds it."""
    return many if MANY else few


def some_quick(cases: Iterable[str], *, quick: Collection[str]) -> list[ParameterSet]:
    """Every case of a table, for `parametrize`. CI runs all of them, `make test` those that are named."""
    cases = list(cases)
    assert set(quick) <= set(cases)
    return [pytest.param(case, marks=() if case in quick else pytest.mark.slow) for case in cases]
