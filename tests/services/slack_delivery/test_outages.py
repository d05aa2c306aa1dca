"""A closed way is said once, and once that it is open again, however often the bot is started in between."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.outbox import ApiMethod, Route
from bot.errors import SlackRefused
from bot.services.slack_delivery.outages import Outage, SlackOutages, describe_outages
from bot.slack.client.errors import explain
from bot.store import Store, open_store
from tests.world import Clock

HOME, ELSE = "C0CARDS", "C0ELSE"
POST, UPDATE, LOOK = Route(ApiMethod.POST, HOME), Route(ApiMethod.UPDATE, HOME), Route(ApiMethod.HISTORY, HOME)
LACKS = "The app lacks the scope channels:history. Bring it up to date with manifest.yml and install it again."


@dataclass
class Admins:
    """A store and those who hear of it."""

    store: Store
    names: tuple[str, ...] = ("U0ANA",)
    clock: Clock = field(default_factory=Clock)

    async def refused(self, way: Route, code: str, *needed: str) -> list[str]:
        """What they hear when Slack refuses a route."""
        await self._ways.refused(way, SlackRefused(explain(code, needed=needed), code=code, needed=needed))
        return await self._heard()

    async def passed(self, way: Route) -> list[str]:
        """What they hear when something got through."""
        self.clock.now += timedelta(hours=1)
        await self._ways.recovered(way)
        return await self._heard()

    async def closed(self) -> list[str]:
        """What `/evaluators health` says is closed."""
        return describe_outages(await self.store.incidents.list_open())

    async def _heard(self) -> list[str]:
        brought = []
        while taken := await self.store.outbox.claim(ApiMethod.POST, now=self.clock()):
            (delivery,) = taken
            brought.append(f"{delivery.channel} {delivery.text}")
            await self.store.outbox.mark_delivered(delivery, ts="1.0")
        return brought

    @property
    def _ways(self) -> SlackOutages:
        """New each time, as in a bot that is started again."""
        return SlackOutages(self.store, admins=self.names, channel=HOME, clock=self.clock)


@pytest.fixture
async def admins(tmp_path: Path) -> AsyncIterator[Admins]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'evaluators.db'}"
    async with open_store(url, secret_keys=["a key for tests that is long enough"]) as store:
        yield Admins(store)


async def test_it_is_said_once_and_its_end_once(admins: Admins) -> None:
    [closed] = await admins.refused(POST, "not_in_channel")
    assert closed.startswith(f"U0ANA :rotating_light: I can't post to <#{HOME}>. The bot is not in its")
    assert await admins.refused(POST, "not_in_channel") == []
    assert await admins.closed() == [f"Channel {HOME}: {explain('not_in_channel')}"]
    [opened] = await admins.passed(POST)
    assert (
        opened
        == f"U0ANA :white_check_mark: I can post to <#{HOME}> again, after 1 h. Waiting messages are going out now."
    )
    assert (await admins.passed(POST), await admins.closed()) == ([], [])


async def test_closed_to_posts_and_updates_alike_it_is_said_once_and_ends_when_both_get_through(
    admins: Admins,
) -> None:
    assert len(await admins.refused(POST, "is_archived")) == 1
    assert await admins.refused(UPDATE, "is_archived") == []
    assert await admins.passed(POST) == []
    assert len(await admins.passed(UPDATE)) == 1


async def test_what_gets_through_elsewhere_ends_nothing_unless_all_was_closed(admins: Admins) -> None:
    await admins.refused(POST, "is_archived")
    assert await admins.passed(Route(ApiMethod.POST, ELSE)) == []
    assert len(await admins.refused(UPDATE, "token_revoked")) == 1
    [opened] = await admins.passed(Route(ApiMethod.POST, ELSE))
    assert "I can post to Slack again" in opened


async def test_nobody_hears_of_people_who_cannot_be_reached(admins: Admins) -> None:
    assert await admins.refused(Route(ApiMethod.POST, "U0BEN"), "missing_scope") == []
    assert await admins.closed() == []


@pytest.mark.parametrize(
    ("way", "code", "to"),
    [(POST, "is_archived", []), (Route(ApiMethod.POST, ELSE), "is_archived", [HOME]), (POST, "token_revoked", [])],
    ids=["its own channel", "another one", "all of Slack"],
)
async def test_without_admins_the_channel_gets_the_alert_unless_the_outage_is_there(
    admins: Admins, way: Route, code: str, to: list[str]
) -> None:
    admins.names = ()
    assert [line.split()[0] for line in await admins.refused(way, code)] == to
    assert len(await admins.closed()) == 1
    assert [line.split()[0] for line in await admins.passed(way)] == to


@pytest.mark.parametrize("names", [("U0ANA",), ()], ids=["the admins", "the channel"])
async def test_a_missing_scope_for_lookups_is_named_and_not_reported_as_an_outage(
    admins: Admins, names: tuple[str, ...]
) -> None:
    admins.names = names
    [closed] = await admins.refused(LOOK, "missing_scope", "channels:history")
    to = names[0] if names else HOME
    assert closed.startswith(
        f"{to} :warning: I can't look up what I posted in <#{HOME}>. {LACKS} New cards are still posted"
    )
    assert await admins.refused(LOOK, "missing_scope", "channels:history") == []
    assert await admins.closed() == [f"Channel {HOME}: {LACKS}"]
    assert await admins.passed(POST) == []
    [opened] = await admins.passed(LOOK)
    assert opened == f"{to} :white_check_mark: I can look up what I posted in <#{HOME}> again, after 2 h."
    assert await admins.closed() == []


async def test_a_scope_for_posting_is_named_and_is_a_trouble_of_its_own(admins: Admins) -> None:
    await admins.refused(LOOK, "missing_scope", "channels:history")
    [closed] = await admins.refused(POST, "missing_scope", "chat:write")
    assert f"I can't post to <#{HOME}>. The app lacks the scope chat:write." in closed
    [opened] = await admins.passed(POST)
    assert f"I can post to <#{HOME}> again" in opened


async def test_what_an_earlier_version_noted_without_a_scope_is_read(admins: Admins) -> None:
    outage = Outage(method=ApiMethod.HISTORY, channel=HOME, code="missing_scope")
    await admins.store.incidents.open(outage.incident, "", to=(), at=admins.clock())
    assert await admins.closed() == [f"Channel {HOME}: {explain('missing_scope')}"]
