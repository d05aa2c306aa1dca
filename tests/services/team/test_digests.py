"""Digests of a bot at work."""

from datetime import time
from zoneinfo import ZoneInfo

from bot.demo.fake_slack import CHANNEL
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.domain.team_settings import DigestTimes, TeamSettings
from bot.domain.working_time import WorkingHours
from bot.services.team.digests import DigestSender
from bot.services.team.permissions import Outsider
from bot.store import Store
from bot.store.absences import Absence
from tests.world import TODAY, World

ANA = "U0ANA"
AT_NOON = TeamSettings(digest=DigestTimes(), working_hours=WorkingHours.read("mon-sun 12:00-18:00"))
AT_NINE = TeamSettings(digest=DigestTimes(daily=time(9)))


def _posted(here: World) -> list[str]:
    return [message.shown for message in here.workspace.messages() if "Digest of" in message.shown]


def _sender(here: World, store: Store) -> DigestSender:
    return DigestSender(
        store, channel=CHANNEL, zone=ZoneInfo("UTC"), zone_of=_utc, outsider=_outsider, clock=here.clock
    )


async def _utc(_user: str) -> ZoneInfo:
    return ZoneInfo("UTC")


async def _outsider(user: str) -> Outsider | None:
    return Outsider.GONE if user == "U0LEFT" else None


async def test_a_digest_is_posted_once_also_after_a_restart_and_with_the_clock_set_back(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot() as parts:
        await here.card(NORTHWIND.company)
        await parts.store.team.change_settings(AT_NINE, by="U0ANA", at=here.clock())
        await _sender(here, parts.store).send_due()
        digest = await here.card("Digest of")
        assert "Without an owner (1)" in digest.shown
        assert NORTHWIND.person not in digest.shown
        here.pass_by(hours=-2)
        await _sender(here, parts.store).send_due()
        await here.at_rest(parts)
    async with here.bot() as parts:
        await _sender(here, parts.store).send_due()
        await here.at_rest(parts)
    assert len(_posted(here)) == 1


async def test_with_nothing_to_say_nothing_is_posted(here: World) -> None:
    async with here.bot() as parts:
        await parts.store.team.change_settings(AT_NINE, by="U0ANA", at=here.clock())
        await _sender(here, parts.store).send_due()
        await here.at_rest(parts)
    assert _posted(here) == []


async def test_who_wants_it_gets_their_own_digest_once_unless_they_are_away_or_left(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot() as parts:
        store = parts.store
        card = await here.card(NORTHWIND.company)
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows(f"Owner: <@{ANA}>", on=card)
        for user in (ANA, "U0BEN", "U0LEFT"):
            await store.digests.switch_own(user, on=True, at=here.clock())
        await store.absences.begin("U0BEN", Absence(since=here.clock()))
        await store.team.change_settings(AT_NOON, by=ANA, at=here.clock())
        for _ in range(2):
            await _sender(here, store).send_due()
        await here.until(lambda: here.workspace.direct(ANA))
        await here.at_rest(parts)
        assert set(await store.digests.people()) == {ANA, "U0BEN"}
    [digest] = here.workspace.direct(ANA)
    assert "*Yours, and nobody wrote yet (1)*" in digest.shown
    assert NORTHWIND.person not in digest.shown
    assert here.workspace.direct("U0BEN") == []
