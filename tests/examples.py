"""How many random examples a costly test draws: few in CI, many in `make crash`."""

import os

import pytest

MANY = os.environ.get("EXAMPLES") == "many"
drawn = pytest.mark.drawn


def examples(few: int, *, many: int) -> int:
    """The number for this run. The test is marked `drawn`, so that `make crash` finds it."""
    return many if MANY else few
