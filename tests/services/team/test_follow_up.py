"""Whose clock a snooze goes by."""

from zoneinfo import ZoneInfo

import pytest

from bot.services.team.follow_up import FollowUp
from bot.store import Store
from tests.builders import NOON

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("named", "zone"),
    [
        pytest.param("Pacific/Auckland", ZoneInfo("Pacific/Auckland"), id="their own"),
        pytest.param("", BERLIN, id="the team's, if Slack does not say it"),
        pytest.param("Mars/Phobos", BERLIN, id="the team's, if this machine does not know it"),
        pytest.param("Europe", BERLIN, id="the team's, if it is a folder"),
        pytest.param("/etc/passwd", BERLIN, id="the team's, if it is none"),
    ],
)
async def test_a_person_has_a_time_zone(store: Store, named: str, zone: ZoneInfo) -> None:
    async def zone_of(_user: str) -> str:
        return named

    assert await FollowUp(store, zone_of=zone_of, zone=BERLIN, clock=lambda: NOON).zone("U0ANA") == zone
