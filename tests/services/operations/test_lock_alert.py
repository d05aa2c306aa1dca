"""A lock that is held elsewhere is told once, past the database that it locks, and once when it is over."""

import sqlite3
from contextlib import closing

import pytest

from bot.app.components import open_components
from bot.demo.fake_slack import CHANNEL, faults
from bot.errors import DatabaseBusy
from bot.services.operations.health import Health
from bot.services.operations.lock_alert import LockAlert
from bot.slack.views.health import health_message
from tests.world import World

ADMIN, OTHER = "U0ANA", "U0BEN"


@pytest.mark.parametrize("admins", [(ADMIN, OTHER), ()], ids=["admins", "channel"])
async def test_a_lock_that_lasts_raises_one_alert_and_its_end_another(here: World, admins: tuple[str, ...]) -> None:
    async with open_components(here.settings(), clock=here.clock) as parts:
        database, seconds = parts.store.database, 0.0
        assert database.path is not None
        alert = LockAlert(database, parts.slack, admins=admins, channel=CHANNEL, elapsed=lambda: seconds)

        def notified() -> list[list[str]]:
            found = [here.workspace.direct(each) for each in admins] or [here.workspace.messages()]
            return [[message.shown for message in each] for each in found]

        with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseBusy, match="stop the program that has it open"):
                await parts.store.leases.take()
            assert database.locked_since is not None
            seconds = database.locked_since + 29
            await alert.look()
            assert all(each == [] for each in notified())
            health = Health(parts.store, poll_every=here.settings().poll_every, clock=here.clock)
            shown = str(health_message(await health.report()).blocks)
            assert "Another program has locked the database for" in shown
            assert (await health.figures())["seconds_database_locked"] is not None
            seconds += 151
            here.workspace.faults.add("chat.postMessage", faults.server_error())
            for _ in range(3):
                await alert.look()
            assert all("has locked the database for 3 min" in each[0] for each in notified())
            assert all(len(each) == 1 for each in notified())
            other.execute("COMMIT")
        await parts.store.leases.take()
        for _ in range(3):
            await alert.look()
        assert all("The database can be written again, after 3 min" in each[1] for each in notified())
        assert all(len(each) == 2 for each in notified())
        assert (await health.figures())["seconds_database_locked"] is None
