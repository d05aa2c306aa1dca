"""Digests of a bot at work."""

from datetime import time
from zoneinfo import ZoneInfo

from bot.demo.fake_slack import CHANNEL
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.domain.team_settings import DigestTimes, TeamSettings
from bot.services.team.digests import DigestSender
from bot.store import Store
from tests.world import TODAY, World

AT_NINE = TeamSettings(digest=DigestTimes(daily=time(9)))


def _posted(here: World) -> list[str]:
    return [message.shown for message in here.workspace.messages() if "Digest of" in message.shown]


def _sender(here: World, store: Store) -> DigestSender:
    return DigestSender(store, channel=CHANNEL, zone=ZoneInfo("UTC"), clock=here.clock)


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
