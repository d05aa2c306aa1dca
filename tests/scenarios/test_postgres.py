"""The same on PostgreSQL, for those who have no disk; a real server, made for the test and gone after it."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo.cast import LANTERNS, NORTHWIND, license_record
from tests.world import TODAY, World

ANA, BEN = "U0ANA", "U0BEN"
FOUND = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))

pytestmark = pytest.mark.skipif(not FOUND and not os.environ.get("CI"), reason="needs PostgreSQL; CI has it")


@pytest.fixture
def postgres() -> Iterator[str]:
    """The address of an empty database."""
    # The server refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    folder = tempfile.mkdtemp(prefix="postgres-")
    if user is not None:
        shutil.chown(folder, user)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    control = [FOUND[-1].with_name("pg_ctl"), "-D", f"{folder}/data", "-l", f"{folder}/log", "-w"]

    def run(*command: object) -> None:
        subprocess.run([str(part) for part in command], user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603

    run(FOUND[-1], "-D", f"{folder}/data", "-A", "trust", "-U", "bot")
    run(*control, "-o", options, "start")
    try:
        yield f"postgresql+asyncpg://bot@127.0.0.1:{port}/postgres"
    finally:
        run(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder)


async def test_the_main_job_on_postgresql(here: World, postgres: str) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot(database_url=postgres):
        card = await here.card(NORTHWIND.company)
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows(f"Owner: <@{ANA}>", on=card)
        await here.write(ANA, card)
        await here.told(ANA, "On its way to")
        await here.shows("Welcome sent by", on=card)
        await here.workspace.press(ANA, card, "evaluation.do_not_contact")
        form = await here.modal(ANA, "opt_out.reason")
        await here.workspace.submit(ANA, form.id, {"opt_out.reason": {"opt_out.reason": "ASKED"}})
        await here.shows("*Do not contact*", on=card)
        await here.workspace.command(BEN, "/evaluators today")
        await here.told(BEN, "do not contact")
    async with here.bot(database_url=postgres):
        pass
    assert len(here.mailbox.mails) == 1
    assert len(here.workspace.calls("chat.postMessage")) == 5  # card, words of the first run, three notes
