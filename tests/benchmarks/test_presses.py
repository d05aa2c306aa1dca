"""The presses of the bench fit the card: a card that changed would end the bench with an error."""

import sys
from pathlib import Path

import pytest

from benchmarks.bench import Bench, marketplace


@pytest.mark.long  # on a busy machine, presses come faster than they are answered, and it does not end
def test_presses_are_heard_and_cards_repainted_while_the_report_is_read(tmp_path: Path) -> None:
    with marketplace(1_000) as server:
        bench = Bench(server, tmp_path, repeat=1, log=sys.stderr)
        bench.sweep("some.db", rows=200)
        measured = bench.interactions("some.db", rows=1_000, cards=1)
    assert measured["presses"] > 3
    assert 0 < measured["acknowledged"] <= measured["slowest"]
    assert measured["repaints"] > 0 < measured["repainted"] <= measured["slowest_repaint"]
