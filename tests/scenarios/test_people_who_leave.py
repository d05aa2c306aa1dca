"""Replies go to the owner only while they are a full member of the workspace."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.demo.fake_slack import Message, faults
from bot.demo.fake_slack.state import PEOPLE
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.services.team.permissions import FRESH
from tests.world import TODAY, World

ANA, BEN = "U0ANA", "U0BEN"
TEAM_ADDRESS = "team@vendor.example"
BEN_NOW = next(person for person in PEOPLE if person.id == BEN)
LATER_THAN_REMEMBERED = 2 * FRESH.total_seconds()


@pytest.fixture
async def card(here: World) -> AsyncIterator[Message]:
    """A card that Ben owns, with an email ordered that goes later than Slack's word about people is kept."""
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot(mail_hold="10m", mail_reply_to=TEAM_ADDRESS):
        found = await here.card(NORTHWIND.company)
        await here.workspace.press(BEN, found, "evaluation.claim")
        await here.shows(f"Owner: <@{BEN}>", on=found)
        await here.write(ANA, found)
        await here.is_sending(ANA)
        yield found


async def _reply_to(here: World, card: Message) -> str:
    here.pass_by(seconds=LATER_THAN_REMEMBERED)
    await here.shows("sent *Welcome*", on=card)
    [mail] = here.mailbox.mails
    return str(mail["headers"]["Reply-To"])


async def test_replies_go_to_the_owner(here: World, card: Message) -> None:
    assert await _reply_to(here, card) == "ben@vendor.example"


@pytest.mark.parametrize(
    "change",
    [{"deleted": True}, {"is_guest": True}, {"team": "T0ELSE"}, {"is_stranger": True}, {"is_bot": True}, {"email": ""}],
    ids=["left", "a guest now", "of another workspace", "a stranger", "a bot", "without an address"],
)
async def test_an_owner_who_left_since_the_email_was_queued_gets_no_replies(
    here: World, card: Message, change: dict[str, object]
) -> None:
    here.workspace.add_user(replace(BEN_NOW, **change))  # type: ignore[arg-type]  # each of its field's type
    assert await _reply_to(here, card) == TEAM_ADDRESS


async def test_while_slack_cannot_say_whether_the_owner_is_still_here_replies_go_to_the_team(
    here: World, card: Message
) -> None:
    here.workspace.faults.add("users.info", faults.server_error(), times=9)
    assert await _reply_to(here, card) == TEAM_ADDRESS


async def test_replies_go_to_the_owner_at_the_moment_of_sending(here: World, card: Message) -> None:
    await here.choose(ANA, card, "evaluation.release")
    await here.shows("No owner yet", on=card)
    await here.workspace.press(ANA, card, "evaluation.claim")
    await here.shows(f"Owner: <@{ANA}>", on=card)
    assert await _reply_to(here, card) == "ana@vendor.example"
