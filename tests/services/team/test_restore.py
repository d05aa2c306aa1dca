"""A backup is put back: no reminder and no digest comes twice."""

import shutil
import sqlite3
from contextlib import closing
from datetime import time
from zoneinfo import ZoneInfo

from bot.app.components import Components
from bot.demo.fake_slack import CHANNEL
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.domain.team_settings import DigestTimes, Reminders, TeamSettings
from bot.domain.working_time import WorkingDuration, WorkingHours
from bot.services.team.digests import DigestSender
from bot.services.team.permissions import Outsider
from bot.services.team.reminders import ReminderSender
from bot.store import open_store
from tests.store.steps import SECRET
from tests.world import TODAY, World

ANA = "U0ANA"
SET = TeamSettings(
    working_hours=WorkingHours.read("mon-sun 12:30-23:59"),
    digest=DigestTimes(daily=time(13)),
    reminders=Reminders(untouched=WorkingDuration.read("1h"), escalated=WorkingDuration.read("2h")),
)


async def _utc(_user: str) -> ZoneInfo:
    return ZoneInfo("UTC")


async def _member(_user: str) -> Outsider | None:
    return None


async def _look(here: World, parts: Components) -> None:
    zone = ZoneInfo("UTC")
    digests = DigestSender(parts.store, channel=CHANNEL, zone=zone, zone_of=_utc, outsider=_member, clock=here.clock)
    reminders = ReminderSender(parts.store, zone=zone, zone_of=_utc, clock=here.clock, elapsed=lambda: 0.0)
    await digests.send_due()
    await reminders.send_due()
    await here.at_rest(parts)


async def test_what_was_sent_since_the_backup_does_not_come_again(here: World) -> None:
    file, saved = here.folder / "evaluators.db", here.folder / "saved"
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot() as parts:
        card = await here.card(NORTHWIND.company)
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows(f"Owner: <@{ANA}>", on=card)
        await parts.store.team.change_settings(SET, by=ANA, at=here.clock())
        await parts.store.digests.switch_own(ANA, on=True, at=here.clock())
        await here.at_rest(parts)
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(saved)) as copied:
            source.backup(copied)
        here.pass_by(hours=1, minutes=30)
        await _look(here, parts)
        here.pass_by(hours=1)
        await _look(here, parts)

    def sent() -> list[str]:
        everything = [*here.workspace.messages(), *here.workspace.direct(ANA)]
        return sorted(m.text for m in everything if "alarm_clock" in m.text or "igest of" in m.text)

    assert len(before := sent()) == 4
    for each in here.folder.glob("evaluators.db*"):
        each.unlink()
    shutil.copy(saved, file)
    async with open_store(f"sqlite+aiosqlite:///{file}", secret_keys=[SECRET]) as store:
        await store.leases.clear()
    async with here.bot() as parts:
        await _look(here, parts)
        assert (await parts.store.installation.generation()).since is not None
    assert sent() == before
