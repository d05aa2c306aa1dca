"""`evaluator-bot health`."""

import json

import pytest

from bot.concurrency.heartbeats import Heartbeats
from tests.cli.conftest import Run, RunBeside
from tests.world import World


async def test_a_bot_that_is_well_says_so(here: World, beside: RunBeside) -> None:
    async with here.bot():
        live = await beside("health", "--live", http_port=here.port)
        ready = await beside("health", "--ready", http_port=here.port, http_host="0.0.0.0")  # noqa: S104  to find it
        figures = await beside("health", http_port=here.port)
    assert (live.code, live.out, ready.code, ready.out) == (0, "alive\n", 0, "ready\n")
    found = json.loads(figures.out)
    assert (found["leader"], found["epoch"], found["last_poll"]) == (True, 1, "good")
    assert found["holder"]
    assert found["version"]


async def test_a_bot_that_stands_still_ends_the_command_with_one(
    here: World, beside: RunBeside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Heartbeats, "still", lambda _: ["deliver"])
    async with here.bot():
        done = await beside("health", "--live", http_port=here.port)
    assert (done.code, done.out, done.err) == (1, "", "A worker stands still: deliver.\n")


@pytest.mark.usefixtures("_here_alone")
def test_one_line_says_that_no_bot_runs_and_no_other_setting_is_needed(bare: Run) -> None:
    done = bare("health", env={"HTTP_PORT": "1"})
    said = "No bot answers at HTTP_HOST and HTTP_PORT, 127.0.0.1:1 (Connection refused).\n"
    assert (done.code, done.out, done.err) == (1, "", said)


def test_a_port_that_nobody_knows_is_a_wrong_setting(bare: Run) -> None:
    done = bare("health", env={"HTTP_PORT": "0"})
    assert done.code == 2
    assert "HTTP_PORT is 0, a free port each time, so nobody knows which. Set it to a number." in done.err
