"""The bot as a process: it starts from settings alone, ends in order, and goes on after being killed."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.demo import mailbox
from bot.demo.cast import LANTERNS, NORTHWIND, license_record
from bot.demo.workspace import faults
from tests.world import WallClock, World

ANA = "U0ANA"


@pytest.fixture
def trial(here: World) -> None:
    """A trial of today, by the clock that a process of its own goes by."""
    here.clock = WallClock()
    here.marketplace.today = here.clock.today
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, here.clock.today()))


@asynccontextmanager
async def _process(here: World, *, ends_by: int = signal.SIGTERM) -> AsyncIterator[asyncio.subprocess.Process]:
    """`evaluator-bot run`, in an empty folder, ended by a signal."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run",
        cwd=here.folder, env={"PATH": "", **here.environment(poll_every="1s")},
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    log = asyncio.create_task(process.communicate())
    try:
        await here.until(lambda: here.workspace.sockets)
        yield process
    finally:
        process.send_signal(ends_by)
        await asyncio.wait_for(log, timeout=10)


def _cards(here: World) -> int:
    return sum(NORTHWIND.company in message.text for message in here.workspace.messages())


async def test_settings_alone_make_it_work_and_sigterm_ends_it_in_order(here: World, trial: None) -> None:
    async with _process(here) as process:
        await here.card(NORTHWIND.company)
    assert process.returncode == 0


async def test_killed_while_a_card_is_posted_it_finds_the_card_and_does_not_post_again(
    here: World, trial: None
) -> None:
    here.workspace.faults.add("chat.postMessage", faults.hang_after())
    async with _process(here, ends_by=signal.SIGKILL):
        await here.until(lambda: _cards(here))
    async with _process(here):
        card = await here.card(NORTHWIND.company)
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows(f"Owner: <@{ANA}>", on=card)
    assert _cards(here) == 1


async def test_killed_before_slack_took_the_card_it_posts_it(here: World, trial: None) -> None:
    here.workspace.faults.add("chat.postMessage", faults.slow(asyncio.Event().wait))
    async with _process(here, ends_by=signal.SIGKILL):
        await here.until(lambda: here.workspace.calls("chat.postMessage"))
    async with _process(here):
        await here.card(NORTHWIND.company)
    assert _cards(here) == 1


async def test_killed_while_a_mail_is_handed_over_it_never_sends_it_again(here: World, trial: None) -> None:
    async with _process(here, ends_by=signal.SIGKILL):
        card = await here.card(NORTHWIND.company)
        here.mailbox.faults["ANSWER"] = mailbox.hang(asyncio.Event())
        await here.workspace.press(ANA, card, "evaluation.email")
        view = await here.modal(ANA, "mail.body")
        await here.workspace.submit(ANA, view.id)
        await here.until(lambda: here.mailbox.mails)
    async with _process(here):
        await here.noted("nobody knows whether it arrived", under=card)
        await here.shows("did it arrive?", on=card)
        await here.workspace.press(ANA, here.workspace.messages()[0], "evaluation.email")
        view = await here.modal(ANA, "mail.template")
        await here.workspace.press_view(ANA, view.id, "mail.template", "welcome")
        view = await here.modal(ANA, "one question")
        await here.workspace.submit(ANA, view.id)
        await here.told(ANA, "not known whether this template arrived")
    assert len(here.mailbox.mails) == 1
