"""`/evaluators report`, also where Slack does not take charts."""

from collections.abc import AsyncIterator

import pytest

from bot.demo.fake_slack import faults
from bot.demo.fake_slack.models import User
from bot.demo.scenario.timeline import history
from tests.world import TODAY, World

ANA = "U0ANA"
HEAD = "Conversion · since 1 Dec 2025"


@pytest.fixture
async def here(here: World) -> AsyncIterator[World]:
    """A world whose bot is at work and has read ten months of history."""
    for record in history(TODAY):
        here.marketplace.add(record)
    async with here.bot():
        yield here


def kinds(here: World) -> list[str]:
    """The kinds of blocks in what Ana was told last."""
    return [block["type"] for block in here.workspace.ephemerals(ANA)[-1].blocks]


async def test_the_report_has_charts_a_table_and_the_same_figures_as_text(here: World) -> None:
    await here.workspace.command(ANA, "/evaluators report")
    await here.notified(ANA, HEAD)
    assert (kinds(here).count("data_visualization"), kinds(here).count("data_table")) == (2, 1)
    await here.notified(ANA, "• Sprint Lanterns for Jira: ")


@pytest.mark.parametrize(
    "fault",
    [
        faults.refuse("invalid_blocks"),
        faults.refuse("invalid_arguments"),
        faults.body(b"invalid_blocks", kind="text/html", status=400),
    ],
    ids=["invalid_blocks", "invalid_arguments", "as a word"],
)
async def test_where_the_response_url_refuses_charts_the_text_comes_once(here: World, fault: faults.Fault) -> None:
    here.workspace.faults.add("response_url", fault)
    await here.workspace.command(ANA, "/evaluators report")
    await here.notified(ANA, HEAD)
    assert {"data_visualization", "data_table"}.isdisjoint(kinds(here))
    assert len(here.workspace.calls("response_url")) == 2
    assert len(here.workspace.ephemerals(ANA)) == 1


async def test_where_the_channel_refuses_charts_too_the_text_comes(here: World) -> None:
    here.workspace.faults.add("response_url", faults.refuse("used_url"))
    here.workspace.faults.add("chat.postEphemeral", faults.refuse("invalid_blocks"))
    await here.workspace.command(ANA, "/evaluators report")
    await here.until(lambda: here.workspace.ephemerals(ANA))
    assert len(here.workspace.calls("chat.postEphemeral")) == 2


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("report speed app:lanterns", "Speed · Sprint Lanterns for Jira"),
        ("report sources", "There is no report “sources”. Reports: `conversion`, `speed`, `team`."),
        ("report app:gant", "`app:` can't be “gant”. Your apps: Paper Trail for Confluence"),
        ("report conversion since:2030-01-01", "No trials to count."),
    ],
)
async def test_what_is_typed_is_answered(here: World, typed: str, words: str) -> None:
    await here.workspace.command(ANA, f"/evaluators {typed}")
    await here.notified(ANA, words)


async def test_a_guest_gets_no_report(here: World) -> None:
    here.workspace.add_user(User(id="U0EVE", name="eve", real_name="Eve", is_guest=True))
    await here.workspace.command("U0EVE", "/evaluators report")
    await here.notified("U0EVE", "guests can read along")
