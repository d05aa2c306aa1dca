"""Permissions are checked at the button, and again when the form is sent."""

from collections.abc import AsyncIterator

import pytest

from bot.demo.fake_slack import Message, faults
from bot.demo.fake_slack.models import User
from bot.demo.fake_slack.view_state import Values
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.services.team.permissions import FRESH
from tests.world import TODAY, World

ANA, BEN, EVE = "U0ANA", "U0BEN", "U0EVE"
SALES = "S0SALES"
MARK: Values = {"opt_out.reason": {"opt_out.reason": "TEAM"}}
WHY: Values = {"opt_out.note": {"opt_out.note": "They called"}}


@pytest.fixture
async def card(here: World) -> AsyncIterator[Message]:
    """The card of a trial; of the team, those in the group may mail."""
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    here.workspace.groups[SALES] = [ANA]
    async with here.bot(slack_actors=SALES):
        yield await here.card(NORTHWIND.company)


@pytest.mark.parametrize(
    ("action", "option"),
    [
        ("evaluation.email", None),
        ("evaluation.do_not_contact", None),
        ("evaluation.more", "evaluation.assign:1"),
    ],
)
async def test_a_guest_is_told_in_the_modal(here: World, card: Message, action: str, option: str | None) -> None:
    here.workspace.add_user(User(id=EVE, name="eve", real_name="Eve", is_guest=True))
    await here.workspace.press(EVE, card, action, option)
    modal = await here.modal(EVE, "guests can read along")
    assert not modal.content.get("submit")


async def test_a_guest_can_neither_claim_nor_list(here: World, card: Message) -> None:
    here.workspace.add_user(User(id=EVE, name="eve", real_name="Eve", is_guest=True))
    await here.workspace.press(EVE, card, "evaluation.claim")
    await here.workspace.command(EVE, "/evaluators today")
    await here.until(lambda: len(here.workspace.ephemerals(EVE)) == 2)
    assert all("guests can read along" in message.shown for message in here.workspace.ephemerals(EVE))
    assert "No owner yet" in card.shown


async def test_somebody_who_is_not_named_can_block_and_claim_but_not_email_or_unblock(
    here: World, card: Message
) -> None:
    await here.workspace.press(BEN, card, "evaluation.email")
    await here.modal(BEN, "You don't have permission to email contacts")
    await here.workspace.press(BEN, card, "evaluation.claim")
    await here.shows(f"Owner: <@{BEN}>", on=card)
    await here.workspace.press(BEN, card, "evaluation.do_not_contact")
    form = await here.modal(BEN, "opt_out.reason")
    await here.workspace.submit(BEN, form.id, MARK)
    await here.shows("*Do not contact*", on=card)
    await here.choose(BEN, card, "evaluation.contact_again")
    await here.modal(BEN, "You don't have permission to email contacts")


async def test_who_left_the_group_while_the_form_was_open_can_send_nothing(here: World, card: Message) -> None:
    await here.workspace.press(ANA, card, "evaluation.email")
    letter = await here.modal(ANA, "mail.body")
    await here.workspace.submit(ANA, letter.id)
    here.workspace.groups[SALES] = []
    here.clock.now += FRESH
    await here.send(ANA)
    await here.notified(ANA, "You don't have permission to email contacts")
    assert here.mailbox.mails == []


async def test_who_left_the_group_while_the_form_was_open_can_lift_nothing(here: World, card: Message) -> None:
    await here.workspace.press(ANA, card, "evaluation.do_not_contact")
    form = await here.modal(ANA, "opt_out.reason")
    await here.workspace.submit(ANA, form.id, MARK)
    await here.shows("*Do not contact*", on=card)
    await here.choose(ANA, card, "evaluation.contact_again")
    form = await here.modal(ANA, "can we contact them again")
    here.workspace.groups[SALES] = []
    here.clock.now += FRESH
    await here.workspace.submit(ANA, form.id, WHY)
    await here.notified(ANA, "You don't have permission to email contacts")
    assert "*Do not contact*" in card.shown


async def test_while_slack_cannot_say_who_it_is_a_claim_counts_and_a_mail_waits(here: World, card: Message) -> None:
    here.workspace.faults.add("users.info", faults.server_error(), times=9)
    await here.workspace.press(BEN, card, "evaluation.claim")
    await here.shows(f"Owner: <@{BEN}>", on=card)
    await here.workspace.press(ANA, card, "evaluation.email")
    await here.modal(ANA, "Please press again in a minute")
