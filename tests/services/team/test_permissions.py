"""Who may press what, as Slack tells who they are."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.app.components import open_components
from bot.demo.fake_slack import faults
from bot.demo.fake_slack.models import User
from bot.errors import NotAllowed, SlackRefused
from bot.services.team.permissions import FRESH, Permission, Permissions
from bot.slack.client.users import SlackUsers
from bot.slack.views import replies
from tests.world import World

TEAM = "T0DEMO"
ANA, BEN = "U0ANA", "U0BEN"


async def team() -> str:
    """Give the id of the bot's workspace."""
    return TEAM


Admit = Callable[..., Awaitable[str]]


@pytest.fixture
async def allow(here: World) -> Any:  # noqa: ANN401  an async generator
    """Asks of somebody whether they may; the settings name nobody, or those who are given."""
    async with open_components(here.settings()) as parts:
        directory = SlackUsers(parts.client)
        known: dict[tuple[str, ...], Permissions] = {}

        async def ask(user: str, right: Permission = Permission.EDIT, *named: str) -> str:
            permissions = known.setdefault(named, Permissions(directory, team=team, named=named, clock=here.clock))
            return (await permissions.require(user, right)).name

        yield ask


@pytest.mark.parametrize("right", Permission)
async def test_a_member_may_and_is_called_by_name(allow: Admit, right: Permission) -> None:
    assert await allow(ANA, right) == "Ana"


async def test_where_slack_does_not_tell_an_address_there_is_none(here: World) -> None:
    async with open_components(here.settings()) as parts:
        permissions = Permissions(SlackUsers(parts.client), team=team, named=(), clock=here.clock)
        assert await permissions.address("U0NOBODY") is None
        here.workspace.faults.add("users.info", faults.server_error(), times=9)
        assert await permissions.address(ANA) is None


@pytest.mark.parametrize("right", Permission)
@pytest.mark.parametrize(
    ("who", "why"),
    [
        ({"is_guest": True}, "guests"),
        ({"is_stranger": True}, "another one"),
        ({"team": "T0OTHER"}, "another one"),
        ({"is_bot": True}, "who work here"),
        ({"deleted": True}, "who work here"),
    ],
    ids=["guest", "stranger", "other workspace", "bot", "gone"],
)
async def test_nobody_else_may(here: World, allow: Admit, right: Permission, who: dict[str, Any], why: str) -> None:
    here.workspace.add_user(User(id="U0EVE", name="eve", real_name="Eve", **who))
    with pytest.raises(NotAllowed, match=why):
        await allow("U0EVE", right)


async def test_somebody_whom_slack_does_not_know_may_do_nothing(allow: Admit) -> None:
    with pytest.raises(NotAllowed, match="does not know you"):
        await allow("U0NOBODY")


async def test_only_those_who_are_named_may_mail_and_all_may_do_the_rest(here: World, allow: Admit) -> None:
    here.workspace.groups["S0SALES"] = [BEN]
    assert await allow(ANA, Permission.CONTACT, ANA, "S0SALES") == "Ana"
    assert await allow(BEN, Permission.CONTACT, ANA, "S0SALES") == "Ben"
    for right in (Permission.EDIT, Permission.VIEW):
        assert await allow("U0CHIKA", right, ANA, "S0SALES") == "Chika"
    with pytest.raises(NotAllowed, match="don't have permission"):
        await allow("U0CHIKA", Permission.CONTACT, ANA, "S0SALES")


async def test_an_admin_need_not_be_named_and_others_learn_who_can_help(here: World) -> None:
    async with open_components(here.settings()) as parts:
        permissions = Permissions(
            SlackUsers(parts.client), team=team, named=[ANA], admins=["U0CHIKA"], clock=here.clock
        )
        assert (await permissions.require("U0CHIKA", Permission.CONTACT)).name == "Chika"
        with pytest.raises(NotAllowed) as refusal:
            await permissions.require(BEN, Permission.CONTACT)
    assert replies.problem(refusal.value).endswith("email contacts or unblock them. Ask <@U0CHIKA>.")


async def test_a_group_that_is_gone_lets_nobody_in_and_keeps_nobody_out(here: World, allow: Admit) -> None:
    here.workspace.groups["S0SALES"] = [BEN]
    assert await allow(BEN, Permission.CONTACT, "S0GONE", "S0SALES") == "Ben"
    with pytest.raises(NotAllowed):
        await allow(ANA, Permission.CONTACT, "S0GONE", "S0SALES")


async def test_without_the_scope_for_groups_nobody_gets_in_and_it_is_said(here: World, allow: Admit) -> None:
    here.workspace.keys.scopes.remove("usergroups:read")
    with pytest.raises(SlackRefused, match=r"manifest\.yml"):
        await allow(ANA, Permission.CONTACT, "S0SALES")


@pytest.mark.parametrize(
    "fault", [faults.cut_before(), faults.server_error(), faults.rate_limited(30), faults.hang_after()]
)
async def test_while_slack_is_away_only_what_can_be_taken_back_is_done(
    here: World, allow: Admit, fault: faults.Fault
) -> None:
    here.workspace.faults.add("users.info", fault, times=9)  # the HTTP client repeats what was cut, too
    assert await allow(ANA, Permission.EDIT) == ""
    for right in (Permission.VIEW, Permission.CONTACT):
        with pytest.raises(NotAllowed, match="in a minute"):
            await allow(ANA, right)
    here.workspace.faults.clear()
    assert await allow(ANA, Permission.CONTACT) == "Ana"


async def test_slack_is_asked_once_for_many_presses_and_again_after_some_minutes(here: World, allow: Admit) -> None:
    here.workspace.groups["S0SALES"] = [ANA]
    await asyncio.gather(*(allow(ANA, Permission.CONTACT, "S0SALES") for _ in range(50)))
    assert len(here.workspace.calls("users.info")) == 1
    assert len(here.workspace.calls("usergroups.users.list")) == 1

    here.workspace.groups["S0SALES"] = []
    here.pass_by(seconds=FRESH.total_seconds() - 1)
    await allow(ANA, Permission.CONTACT, "S0SALES")
    here.pass_by(seconds=1)
    with pytest.raises(NotAllowed):
        await allow(ANA, Permission.CONTACT, "S0SALES")
