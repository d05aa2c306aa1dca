"""The team's settings in the database, and the cards that follow them."""

from dataclasses import replace
from datetime import date
from typing import Any

from bot.domain.evaluation import License
from bot.domain.outbox import ApiMethod, Route
from bot.domain.team_settings import TeamSettings
from bot.store import Store, open_store
from bot.store.schema import audit, delivery, evaluation
from bot.store.schema import license_ as license_table
from tests.builders import NOON, license_, nov
from tests.store.steps import CHANNEL, SECRET, bring, report, rows

OWN = TeamSettings(channels=(("com.example.gantt", "C0GANTT"),))


def of_gantt(name: str = "E-2", **changes: Any) -> License:  # noqa: ANN401  of its field's type
    """A trial of an app with a channel of its own."""
    return license_(app_key="com.example.gantt", app_name="Gantt", aliases=frozenset({name}), **changes)


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


async def channels(store: Store) -> list[tuple[str, str]]:
    """The app and the channel of every evaluation, in order."""
    names = {row.id: row.app_key for row in await rows(store, license_table)}
    return sorted((names[row.license_id].rpartition(".")[2], row.channel) for row in await rows(store, evaluation))


async def test_a_card_goes_to_the_channel_of_its_app(store: Store) -> None:
    await report(store, of_gantt("E-2", license_type="COMMERCIAL", latest_evaluation=None))
    await store.team.change_settings(OWN, by="U0ANA", at=NOON)
    await report(store, license_(), of_gantt("E-3"))  # never seen before: inserted in bulk
    await report(store, of_gantt("E-2", starts=nov(22), latest_evaluation=nov(22)))
    assert await channels(store) == [("gantt", "C0GANTT"), ("gantt", "C0GANTT"), ("roadmap", CHANNEL)]
    assert (await store.outbox.routes()).keys() == {Route(ApiMethod.POST, CHANNEL), Route(ApiMethod.POST, "C0GANTT")}


async def test_a_change_moves_the_cards_that_wait_and_no_other(database_url: str) -> None:
    async with open_store(database_url, secret_keys=[SECRET]) as store:
        await report(store, of_gantt("E-1"))
        await bring(store)
        await report(store, license_(), of_gantt("E-3"))
        await store.team.change_settings(OWN, by="U0ANA", at=NOON)
        assert await store.outbox.move(None) == 1
        assert await store.outbox.move(CHANNEL) == 0
        assert await channels(store) == [("gantt", CHANNEL), ("gantt", "C0GANTT"), ("roadmap", CHANNEL)]
        assert sorted(row.channel for row in await rows(store, delivery)) == [CHANNEL, CHANNEL, "C0GANTT"]
        await store.team.change_settings(TeamSettings(), by="U0ANA", at=NOON)
        assert await store.outbox.move(None) == 0  # where to is not known
        assert await store.outbox.move(CHANNEL) == 1
        assert {channel for _, channel in await channels(store)} == {CHANNEL}
