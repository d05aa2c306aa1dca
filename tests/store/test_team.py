"""The team's settings in the database, and the cards that follow them."""

from dataclasses import replace
from datetime import date

from bot.domain.team_settings import TeamSettings
from bot.store import open_store
from bot.store.schema import audit
from tests.builders import NOON
from tests.store.steps import SECRET, rows

OWN = TeamSettings(channels=(("com.example.gantt", "C0GANTT"),))


async def test_settings_are_remembered_and_each_change_is_audited(database_url: str) -> None:
    wanted = replace(OWN, holidays=(date(2026, 12, 25),))
    async with open_store(database_url, secret_keys=[SECRET]) as store:
        assert await store.team.settings() == TeamSettings()
        changes = await store.team.change_settings(wanted, by="U0ANA", at=NOON)
        assert changes == {"holidays": "– → 2026-12-25", "channels.com.example.gantt": "– → C0GANTT"}
        assert await store.team.settings() == wanted
        assert await store.team.change_settings(wanted, by="U0ANA", at=NOON) == {}
        [row] = await rows(store, audit)
        assert (row.actor, row.action, row.details) == ("U0ANA", "team", changes)
