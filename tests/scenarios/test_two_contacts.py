"""The button and the form agree about two contacts on one license."""

import copy
from collections.abc import AsyncIterator

import pytest

from bot.demo.fake_slack import Message
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, contact_details, license_record
from tests.world import TODAY, World

ANA = "U0ANA"
BILL = {"email": "bill@northwind.test", "name": "Bill Test"}


@pytest.fixture
async def card(here: World) -> AsyncIterator[Message]:
    """The card of a trial with two contacts."""
    contacts = {**contact_details(NORTHWIND), "billingContact": BILL}
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY, contactDetails=contacts))
    async with here.bot():
        yield await here.card(NORTHWIND.company)


async def _mark(here: World, card: Message, address: str) -> None:
    await here.block(ANA, f"{address} they asked")


async def test_beside_a_blocked_technical_contact_the_billing_contact_is_offered_and_emailed(
    here: World, card: Message
) -> None:
    await _mark(here, card, NORTHWIND.email)
    await here.shows("*Do not contact*", on=card)
    await here.shows("Bill Test", on=card)
    await here.workspace.press(ANA, card, "evaluation.email")
    form = await here.modal(ANA, "mail.body")
    assert "Goes to bill@northwind.test" in form.shown
    assert "Ada Test (technical contact) can't be emailed. This address is on the do-not-contact list." in form.shown
    await here.workspace.submit(ANA, form.id)
    await here.send(ANA)
    await here.shows("sent *Welcome*", on=card)
    assert here.mailbox.mails[0]["to"] == [BILL["email"]]


async def test_beside_a_blocked_billing_contact_the_form_says_why_only_one_is_offered(
    here: World, card: Message
) -> None:
    await _mark(here, card, BILL["email"])
    await here.workspace.press(ANA, card, "evaluation.email")
    form = await here.modal(ANA, "mail.body")
    assert f"Goes to {NORTHWIND.email}" in form.shown
    assert "Bill Test (billing contact) can't be emailed." in form.shown


async def test_the_button_goes_if_both_are_blocked_and_an_old_one_says_why(here: World, card: Message) -> None:
    old = copy.copy(card)
    for address in (NORTHWIND.email, BILL["email"]):
        await _mark(here, card, address)
    await here.until(lambda: "evaluation.email" not in str(card.blocks) and "evaluation.do_not" not in str(card.blocks))
    await here.workspace.press(ANA, old, "evaluation.email")
    modal = await here.modal(ANA, "This address is on the do-not-contact list.")
    assert not modal.content.get("submit")


async def test_the_contact_who_is_not_blocked_can_still_be_blocked(here: World, card: Message) -> None:
    await _mark(here, card, NORTHWIND.email)
    await here.shows("*Do not contact*", on=card)
    await here.workspace.press(ANA, card, "evaluation.do_not_contact")
    form = await here.modal(ANA, "opt_out.reason")
    await here.workspace.submit(ANA, form.id, {"opt_out.reason": {"opt_out.reason": "TEAM"}})
    await here.until(lambda: "evaluation.do_not_contact" not in str(card.blocks))
