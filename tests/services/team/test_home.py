"""Home tabs in Slack: published when there is something new, at most once in five seconds by all copies."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.demo.fake_slack import faults
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.domain.snooze import Snooze
from bot.services.team.home import HomeTabs, Timing
from bot.services.team.lists import Lists
from bot.slack.client.users import SlackUser
from tests.desk import Desk, desk
from tests.world import TODAY, World

ANA, BEN = "U0ANA", "U0BEN"
PUBLISH = "views.publish"


@dataclass
class Place:
    """Home tabs, and a clock of their own for the pauses between them."""

    desk: Desk
    tabs: HomeTabs
    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.slept.append(seconds)

    def shown(self, user: str = ANA) -> str:
        """What somebody's Home tab shows."""
        return self.desk.here.workspace.homes[user].shown

    @property
    def published(self) -> int:
        return len(self.desk.here.workspace.calls(PUBLISH))

    def later(self) -> None:
        self.seconds += 5


@pytest.fixture
async def place(here: World) -> AsyncIterator[Place]:
    async with desk(here) as found:
        here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
        await found.parts.poller.poll()
        store, zone = found.parts.store, here.settings().timezone

        async def nobody(user: str) -> SlackUser:
            raise AssertionError(user)

        lists = Lists(store, zone=zone, slack_user=nobody, clock=here.clock)
        tabs = HomeTabs(
            store,
            found.parts.slack,
            lists,
            own_sites=(),
            workspace_url=lambda: "https://demo.slack.test/",
            clock=here.clock,
        )
        made = Place(found, tabs)
        tabs.timing = Timing(elapsed=lambda: made.seconds, sleep=made.sleep)
        yield made


async def test_who_opens_it_sees_what_is_there_and_what_changes(place: Place) -> None:
    await place.tabs.open(ANA)
    assert "*Nobody's*  ·  1" in place.shown()
    place.later()
    await place.desk.own(owner=ANA)
    await place.tabs.publish_changed()
    assert "*Mine*  ·  1" in place.shown()
    assert place.published == 2


async def test_nothing_is_published_while_nothing_changes_or_to_who_did_not_open_it(place: Place) -> None:
    await place.tabs.open(ANA)
    place.later()
    await place.desk.parts.poller.poll()
    await place.tabs.publish_changed()
    assert place.published == 1
    assert BEN not in place.desk.here.workspace.homes


async def test_who_has_not_opened_it_for_14_days_gets_no_more(place: Place) -> None:
    await place.tabs.open(ANA)
    place.later()
    await place.desk.own(owner=ANA)
    place.desk.here.pass_by(days=14, seconds=1)
    await place.tabs.publish_changed()
    assert place.published == 1


async def test_to_one_person_it_is_published_once_in_five_seconds(place: Place) -> None:
    await place.tabs.open(ANA)
    await place.desk.own(owner=ANA)
    await place.tabs.publish_changed()
    assert place.published == 1
    await place.tabs.refresh(ANA)
    assert place.slept[-1] == 5.0
    assert "*Mine*  ·  1" in place.shown()
    await place.tabs.open(BEN)
    assert place.slept[-1] == 0.0


async def test_if_another_copy_published_meanwhile_the_store_is_rendered_again(place: Place) -> None:
    await place.tabs.open(ANA)
    await place.desk.parts.slack.publish_home(ANA, {"type": "home", "blocks": [{"type": "divider"}]})
    place.later()
    await place.desk.own(owner=ANA)
    await place.tabs.publish_changed()
    assert "*Mine*  ·  1" in place.shown()
    assert [bool(call.get("hash")) for call in place.desk.here.workspace.calls(PUBLISH)] == [False, False, True, False]


@pytest.mark.parametrize("fault", [faults.rate_limited(30), faults.server_error(), faults.refuse("not_enabled")])
async def test_what_slack_does_not_take_is_tried_again_at_the_next_look(place: Place, fault: faults.Fault) -> None:
    place.desk.here.workspace.faults.add(PUBLISH, fault)
    await place.tabs.open(ANA)
    assert ANA not in place.desk.here.workspace.homes
    place.later()
    await place.tabs.publish_changed()
    assert "*Nobody's*  ·  1" in place.shown()


async def test_where_slack_takes_no_charts_it_comes_without(place: Place) -> None:
    place.desk.here.workspace.faults.add(PUBLISH, faults.refuse("invalid_arguments"))
    await place.tabs.open(ANA)
    blocks = place.desk.here.workspace.homes[ANA].blocks
    assert "data_visualization" not in {block["type"] for block in blocks}
    assert "The last 30 days" in place.shown()


async def test_snoozes_are_there_until_their_time(place: Place) -> None:
    now = place.desk.here.clock()
    await place.desk.parts.store.snoozes.set(1, Snooze(user=ANA, until=now + timedelta(hours=1), at=now))
    await place.tabs.open(ANA)
    assert "My snoozes" in place.shown()
    await place.tabs.open(BEN)
    assert "My snoozes" not in place.shown(BEN)
