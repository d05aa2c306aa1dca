"""A second copy of the whole bot: refused on a file, standing by on a server, never at what the first has in hand."""

import asyncio
import os
import socket
import sys
from dataclasses import replace

import pytest
from aiosmtpd.smtp import SMTP
from sqlalchemy import text, update

from bot.app.components import open_components
from bot.app.leader import TIMING
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.domain.mail import MailState
from bot.domain.outbox import ApiMethod
from bot.errors import DatabaseBusy, SettingsWrong
from bot.store.schema import delivery, lease, mail, poll
from tests.postgres import needs_a_server
from tests.scenarios.process import by_the_wall_clock
from tests.store.steps import rows
from tests.world import TODAY, World

pytestmark = pytest.mark.slow

ANA = "U0ANA"
AT_ONCE = replace(TIMING, patience=0.1, look_every=0.05, renew_every=0.1, jitter=0.0)


@pytest.fixture
def trial(here: World) -> World:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    here.timing = AT_ONCE
    return here


async def _mail_in_hand(here: World) -> asyncio.Event:
    """Let the first bot hang in the middle of an email; what lets it go on."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: SMTP) -> str:
        reached.set()
        await go_on.wait()
        return "250 OK"

    here.mailbox.faults["ANSWER"] = slow
    await here.write(ANA, await here.card(NORTHWIND.company))
    await reached.wait()
    return go_on


async def test_a_second_copy_on_one_file_is_refused_with_who_runs_and_touches_nothing(trial: World) -> None:
    async with trial.bot() as parts:
        go_on = await _mail_in_hand(trial)
        asked, polls = len(trial.workspace.calls("auth.test")), len(await rows(parts.store, poll))
        with pytest.raises(DatabaseBusy) as refused:
            async with trial.at_work(trial.settings()):
                pass
        assert f"process {os.getpid()} on {socket.gethostname()}" in str(refused.value)
        assert " UTC. Stop it" in str(refused.value)
        [sending] = await rows(parts.store, mail)
        assert sending.state == MailState.SENDING
        assert (len(trial.workspace.calls("auth.test")), len(await rows(parts.store, poll))) == (asked, polls)
        go_on.set()
        await trial.shows("sent *Welcome*", on=await trial.card(NORTHWIND.company))
    assert len(trial.mailbox.mails) == 1


async def test_a_start_without_its_port_settles_nothing_and_holds_nobody_up(trial: World) -> None:
    async with open_components(trial.settings(), clock=trial.clock) as parts:
        await parts.poller.poll()
        assert await parts.store.outbox.claim(ApiMethod.POST, now=trial.clock())
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsWrong, match="HTTP_PORT"):
        async with trial.at_work(trial.settings(http_port=taken.getsockname()[1])):
            pass
    async with open_components(trial.settings(), clock=trial.clock) as parts:
        assert "sending" in {row.state for row in await rows(parts.store, delivery)}
    async with trial.bot():
        await trial.card(NORTHWIND.company)


@needs_a_server
async def test_on_a_server_a_second_copy_answers_presses_and_leaves_the_work_to_the_first(
    trial: World, postgres: str
) -> None:
    async with trial.bot(database_url=postgres) as first:
        go_on = await _mail_in_hand(trial)
        polls = len(await rows(first.store, poll))
        async with trial.at_work(trial.settings(database_url=postgres)) as second:
            await trial.until(lambda: trial.workspace.sockets > 1)
            await asyncio.sleep(AT_ONCE.renew_every * 3)
            [sending] = await rows(second.store, mail)
            assert (sending.state, len(await rows(second.store, poll))) == (MailState.SENDING, polls)
            card = await trial.card(NORTHWIND.company)
            for _ in range(4):
                await trial.workspace.press(ANA, card, "evaluation.claim")
            await trial.shows(f"Owner: <@{ANA}>", on=card)
            go_on.set()
            await trial.shows("sent *Welcome*", on=card)
    assert len(trial.mailbox.mails) == 1


@needs_a_server
async def test_on_a_server_the_second_copy_takes_over_once_the_first_is_gone(trial: World, postgres: str) -> None:
    async with open_components(trial.settings(database_url=postgres), clock=trial.clock) as first:
        assert await first.store.leases.take()
        await first.poller.poll()
        [*_] = await first.store.outbox.claim(ApiMethod.POST, now=trial.clock())
        async with trial.at_work(trial.settings(database_url=postgres)) as second:
            await trial.until(lambda: trial.workspace.sockets)
            await asyncio.sleep(AT_ONCE.renew_every * 3)
            assert "sending" in {row.state for row in await rows(second.store, delivery)}
            assert trial.workspace.messages() == []
            await first.store.leases.release()
            await trial.card(NORTHWIND.company)
            await trial.at_rest(second)
    assert sum(NORTHWIND.company in each.text for each in trial.workspace.messages()) == 1


@needs_a_server
async def test_a_copy_that_lost_the_lead_answers_presses_and_leads_again(trial: World, postgres: str) -> None:
    async with trial.bot(database_url=postgres) as parts:
        card = await trial.card(NORTHWIND.company)
        async with open_components(trial.settings(database_url=postgres), clock=trial.clock) as other:
            async with other.store.database.lease() as connection:
                await connection.execute(update(lease).values(holder="another", epoch=lease.c.epoch + 1))
            await trial.until(lambda: not parts.store.leases.was_taken)
            await trial.workspace.press(ANA, card, "evaluation.claim")
            await trial.workspace.command(ANA, "/evaluators today")
            await trial.notified(ANA, NORTHWIND.company)
            async with other.store.database.lease() as connection:
                await connection.execute(update(lease).values(holder=None, until=None))
        await trial.shows(f"Owner: <@{ANA}>", on=card)
        assert (await parts.store.leases.status()).epoch == 3
    assert sum(NORTHWIND.company in each.text for each in trial.workspace.messages()) == 1


COMMANDS = (
    (["poll"], "0 new evaluations, 0 cards to post"),
    (["backfill", "--yes"], "0 new evaluations"),
    (["dnc", "add", "ana@acme.example"], "Blocked."),
    (["erase", "ana@acme.example", "--yes"], "Erased: 0 licenses"),
)


async def _run(here: World, *arguments: str) -> tuple[int | None, str, str]:
    """The exit code of a command, and what it said; it may take as long as the machine needs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        cwd=here.folder,
        env={"PATH": os.defpath, **here.environment()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.mark.timeout(300)
async def test_commands_that_write_may_run_beside_the_bot_and_neither_disturbs_the_other(trial: World) -> None:
    by_the_wall_clock(trial)
    trial.marketplace.records.clear()
    trial.marketplace.add(license_record(1, LANTERNS, NORTHWIND, trial.clock.today()))
    async with trial.bot() as parts:
        card = await trial.card(NORTHWIND.company)
        for command, says in COMMANDS:
            code, out, err = await _run(trial, *command)
            assert (code, says in out) == (0, True), err
        await trial.workspace.press(ANA, card, "evaluation.claim")
        await trial.shows(f"Owner: <@{ANA}>", on=card)
        await trial.at_rest(parts)
        assert parts.store.leases.is_held
    assert sum(NORTHWIND.company in each.text for each in trial.workspace.messages()) == 1


async def test_a_database_that_others_use_ends_a_command_with_75(trial: World) -> None:
    async with open_components(trial.settings()) as parts:
        await parts.store.leases.take()
        async with parts.store.database.write() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
        code, _, err = await _run(trial, "db", "upgrade")
        assert (code, f"process {os.getpid()} on" in err) == (75, True)
        assert len(err.splitlines()) == 1
