"""Reminders of a bot at work."""

import time
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.demo.fake_slack import CHANNEL
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.domain.team_settings import Reminders, TeamSettings
from bot.domain.working_time import WorkingDuration, WorkingHours
from bot.services.team import reminders
from bot.services.team.reminders import ReminderSender
from bot.store import Store
from tests.world import TODAY, World

ANA, BEN = "U0ANA", "U0BEN"
ALWAYS = WorkingHours.read("mon-sun 00:00-23:59")
SET = TeamSettings(
    working_hours=ALWAYS,
    reminders=Reminders(
        unclaimed=WorkingDuration.read("1h"),
        untouched=WorkingDuration.read("2h"),
        escalated=WorkingDuration.read("4h"),
    ),
)


async def _utc(_user: str) -> ZoneInfo:
    return ZoneInfo("UTC")


async def _look(here: World, store: Store) -> None:
    """What the bot does every minute."""
    sender = ReminderSender(store, zone=ZoneInfo("UTC"), zone_of=_utc, clock=here.clock, elapsed=time.monotonic)
    await sender.send_due()


def _to_ana(here: World, words: str) -> list[str]:
    return [message.shown for message in here.workspace.direct(ANA) if words in message.shown]


async def test_reminders_come_step_by_step_and_stop_when_an_email_goes(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot() as parts:
        card = await here.card(NORTHWIND.company)
        await parts.store.team.change_settings(SET, by=ANA, at=here.clock())

        here.pass_by(hours=1)
        await _look(here, parts.store)
        await here.noted("Nobody has claimed", under=card)
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows(f"Owner: <@{ANA}>", on=card)
        await _look(here, parts.store)
        await here.noted("Settled.", under=card)

        here.pass_by(hours=2)
        await _look(here, parts.store)
        await here.until(lambda: _to_ana(here, "nobody has contacted them yet"))

        here.pass_by(hours=2)
        await _look(here, parts.store)
        escalated = await here.card("still hasn't been contacted")
        assert (escalated.channel, f"<@{ANA}>" in escalated.shown) == (CHANNEL, True)

        await here.write(ANA, card)
        await here.is_sending(ANA)
        await here.shows("sent *Welcome*", on=card)
        await _look(here, parts.store)
        await here.shows("Settled.", on=escalated)
        await here.until(lambda: _to_ana(here, "Settled."))
        here.pass_by(days=1)
        await _look(here, parts.store)
        await here.at_rest(parts)
    assert len(_to_ana(here, "nobody has contacted them yet")) == 1


@pytest.mark.parametrize("has_changed", [False, True])
async def test_with_many_evaluations_it_looks_less_often_unless_the_settings_changed(
    here: World, monkeypatch: pytest.MonkeyPatch, *, has_changed: bool
) -> None:
    monkeypatch.setattr(reminders, "_PAUSE_EACH_S", 0.5)  # three count as many
    seconds = 0.0
    for number in range(1, 4):
        here.marketplace.add(license_record(number, LANTERNS, NORTHWIND, TODAY))
    async with here.bot() as parts:
        await here.at_rest(parts)
        await parts.store.team.change_settings(SET, by=ANA, at=here.clock())
        sender = ReminderSender(
            parts.store, zone=ZoneInfo("UTC"), zone_of=_utc, clock=here.clock, elapsed=lambda: seconds
        )
        await sender.send_due()
        here.pass_by(hours=1)
        seconds = 1.0
        await sender.send_due()
        assert await parts.store.outbox.waiting() == 0
        if has_changed:
            other = replace(SET, holidays=(TODAY + timedelta(days=9),))
            await parts.store.team.change_settings(other, by=ANA, at=here.clock())
        else:
            seconds = 2.0
        await sender.send_due()
        assert await parts.store.outbox.waiting() > 0


async def test_nothing_is_sent_that_the_team_did_not_ask_for(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot() as parts:
        await here.card(NORTHWIND.company)
        here.pass_by(days=20)
        await _look(here, parts.store)
        rehearsed = Reminders(unclaimed=SET.reminders.unclaimed, rehearse_until=TODAY + timedelta(days=60))
        team = TeamSettings(working_hours=ALWAYS, reminders=rehearsed)
        await parts.store.team.change_settings(team, by=ANA, at=here.clock())
        await _look(here, parts.store)
        await here.at_rest(parts)
    assert not [m for m in here.workspace.messages() if ":alarm_clock:" in m.shown]


async def test_an_email_is_written_from_the_list_that_is_the_last_message_of_a_day(here: World) -> None:
    firms = [replace(NORTHWIND, company=f"Firm {number}", site=f"firm-{number}") for number in range(4)]
    for number, firm in enumerate(firms, 1):
        here.marketplace.add(license_record(number, LANTERNS, firm, TODAY))
    async with here.bot() as parts:
        for firm in firms:
            card = await here.card(firm.company)
            await here.workspace.press(ANA, card, "evaluation.claim")
            await here.shows(f"Owner: <@{ANA}>", on=card)
        await parts.store.team.change_settings(SET, by=ANA, at=here.clock())
        here.pass_by(hours=2)
        await _look(here, parts.store)
        await here.at_rest(parts)
        found = next(m for m in here.workspace.direct(ANA) if "2 more evaluations for you today" in m.shown)
        menus = [block["accessory"] for block in found.blocks if "accessory" in block]
        email, snooze = menus[0]["options"]
        await here.workspace.press(ANA, found, menus[0]["action_id"], email["value"])
        await here.modal(ANA, "mail.body")
        assert snooze["text"]["text"] == "Snooze…"
    assert len(_to_ana(here, ":alarm_clock:")) == 3
