"""One person is one person, however a report or a colleague spells them; one entitlement is one card."""

import json
from dataclasses import replace

import pytest

from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, TRAIL, entitlement, license_record
from tests.scenarios.reader import ONE_CLICK, PUBLIC_URL, unsubscribe_link, visit
from tests.world import TODAY, World

ANA = "U0ANA"
NO = "*Do not contact*"


async def two_cards(here: World, first: str, second: str) -> None:
    """Two trials, of two apps, by somebody who is spelled in two ways."""
    for number, (app, email) in enumerate(((LANTERNS, first), (TRAIL, second)), start=1):
        here.marketplace.add(license_record(number, app, replace(NORTHWIND, email=email), TODAY))


@pytest.mark.parametrize("first", ["ana@müller.example", "ana@xn--mller-kva.example"])
async def test_who_unsubscribes_by_one_spelling_is_not_written_to_by_another(here: World, first: str) -> None:
    await two_cards(here, first, "Ana@xn--mller-kva.example" if "ü" in first else "ANA@MÜLLER.example")
    async with here.bot(public_url=PUBLIC_URL):
        card, other = await here.card(f"· {LANTERNS.name}"), await here.card(f"· {TRAIL.name}")
        await here.write(ANA, card)
        await here.noted("sent *Welcome*.", under=card)
        assert here.mailbox.mails[0]["to"] == ["ana@xn--mller-kva.example"]
        status, _ = await visit(here, unsubscribe_link(here.mailbox.mails[0]), method="POST", form=ONE_CLICK)
        assert status == 200
        for each in (card, other):
            shown = await here.shows(NO, on=each)
            assert "evaluation.email" not in json.dumps(shown.blocks)
    assert len(here.mailbox.mails) == 1


async def test_a_blocked_address_is_recognized_with_invisible_characters_in_the_report(here: World) -> None:
    await two_cards(here, "bob@zwsp.example\u200b", "\ufeffbob@zw\u00adsp.example")
    async with here.bot():
        cards = [await here.card(f"· {LANTERNS.name}"), await here.card(f"· {TRAIL.name}")]
        await here.block(ANA, "“bob@zwsp.example”, they asked")
        for each in cards:
            shown = await here.shows(NO, on=each)
            assert "evaluation.email" not in json.dumps(shown.blocks)


@pytest.mark.parametrize("email", ["ana..lima@acme.example", "ana.@acme.example", "'ana@acme.example'"])
async def test_what_cannot_be_sent_is_not_offered_and_the_card_says_so(here: World, email: str) -> None:
    here.marketplace.add(license_record(1, LANTERNS, replace(NORTHWIND, email=email), TODAY))
    async with here.bot():
        card = await here.card(NORTHWIND.company)
        assert "not a valid email address" in card.shown
        assert "evaluation.email" not in json.dumps(card.blocks)


async def test_an_app_that_was_renamed_gets_no_second_card(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot() as parts:
        await here.card(NORTHWIND.company)
        here.marketplace.change(entitlement(1), addonKey="example.lanternworks.lanterns", addonName="Lanterns for Jira")
        assert (await parts.poller.poll()).announced == 0
        await here.card("· Lanterns for Jira")
        await here.at_rest(parts)
    assert len(here.workspace.messages()) - 1 == 1  # beside the words of the first run
