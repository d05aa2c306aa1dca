"""What probes are told."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from bot.concurrency.heartbeats import Heartbeats
from bot.services.operations.probes import Probes
from bot.store import Store, open_store


async def execute(store: Store, statement: str) -> None:
    async with store.database.write() as connection:
        await connection.execute(text(statement))


async def test_a_copy_is_ready_while_its_database_answers_and_asks_it_once_in_five_seconds(tmp_path: Path) -> None:
    now = 0.0
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/e.db", secret_keys=["a key that is long enough"]) as store:
        probes = Probes(store, Heartbeats(), elapsed=lambda: now)
        assert await probes.why_not_ready() == ""
        await execute(store, "ALTER TABLE lease RENAME TO gone")
        now = 4.9
        assert await probes.why_not_ready() == ""
        now = 5.0
        assert "it has no tables yet" in await probes.why_not_ready()
        await execute(store, "ALTER TABLE gone RENAME TO lease")
        now = 10.0
        assert await probes.why_not_ready() == ""


async def test_a_copy_is_to_be_restarted_only_if_a_worker_stands_still(tmp_path: Path) -> None:
    now = 0.0
    heartbeats = Heartbeats(elapsed=lambda: now)
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/e.db", secret_keys=["a key that is long enough"]) as store:
        probes = Probes(store, heartbeats)
        heartbeats.register("deliver", within=timedelta(seconds=60))()
        await execute(store, "DROP TABLE lease")
        assert probes.why_not_live() == ""
        now = 61.0
        assert probes.why_not_live() == "A worker stands still: deliver."
