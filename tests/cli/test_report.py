"""`evaluator-bot report`, which needs neither Slack nor the network."""

import csv
import io
import json

import pytest

from bot.demo.scenario.timeline import history
from tests.cli.conftest import RunBeside
from tests.world import TODAY, World


@pytest.fixture
async def filled(here: World) -> World:
    """A world whose bot has read ten months of history."""
    for record in history(TODAY):
        here.marketplace.add(record)
    async with here.bot():
        pass
    return here


async def test_without_a_kind_it_is_conversion_by_app_as_csv(filled: World, beside: RunBeside) -> None:
    done = await beside("report", "--since", "2025-12-01")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert done.code == 0
    assert done.out.splitlines()[0] == "app,trials,mature,bought"
    assert {row["app"] for row in rows} == {
        "Sprint Lanterns for Jira",
        "Paper Trail for Confluence",
        "Queue Compass for JSM",
    }
    assert sum(int(row["trials"]) for row in rows) == 40


async def test_as_json_it_has_the_same_rows_for_one_app(filled: World, beside: RunBeside) -> None:
    done = await beside("report", "conversion", "--format", "json", "--app", "lanterns", "--since", "2025-12-01")
    [row] = json.loads(done.out)
    assert row["app"] == "Sprint Lanterns for Jira"
    assert row["trials"] > row["mature"] > row["bought"] > 0


@pytest.mark.parametrize("kind", ["speed", "team"])
async def test_the_other_kinds_are_tables_too(filled: World, beside: RunBeside, kind: str) -> None:
    done = await beside("report", kind)
    assert done.code == 0
    assert "," in done.out.splitlines()[0]
