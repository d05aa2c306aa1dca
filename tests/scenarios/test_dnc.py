"""Do-not-contact as a team lives with it: typed, seen on every card, lifted by those who may, forgotten for good."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.demo.fake_slack import Message
from bot.demo.fake_slack.view_state import Values
from bot.demo.scenario.sample_data import COMPASS, LANTERNS, NORTHWIND, TRAIL, VISTULA, license_record
from tests.machine import limit
from tests.scenarios.process import by_the_wall_clock
from tests.scenarios.reader import ONE_CLICK, PUBLIC_URL, unsubscribe_link, visit
from tests.world import TODAY, World

ANA, BEN, CHIKA = "U0ANA", "U0BEN", "U0CHIKA"
COLLEAGUE = replace(NORTHWIND, person="Bill Test", email="bill@northwind.test")
SUBSIDIARY = replace(
    NORTHWIND, company="Northwind Labs", site="labs-test", person="Cy Test", email="cy@labs.northwind.test"
)


@pytest.fixture
async def cards(here: World) -> AsyncIterator[list[Message]]:
    """Four cards: a person, their colleague, somebody of a subsidiary, and somebody else; CHIKA is an admin."""
    tried = ((LANTERNS, NORTHWIND), (TRAIL, COLLEAGUE), (COMPASS, SUBSIDIARY), (LANTERNS, VISTULA))
    for number, (app, customer) in enumerate(tried, start=1):
        here.marketplace.add(license_record(number, app, customer, TODAY))
    async with here.bot(slack_admins=CHIKA, public_url=PUBLIC_URL):
        yield [await here.card(f"{customer.company} · {app.name}") for app, customer in tried]


async def _asked(here: World, user: str, text: str, words: str) -> None:
    """Type it, and wait for the answer."""
    await here.workspace.command(user, f"/evaluators {text}")
    await here.notified(user, words)


async def _marked(here: World, cards: list[Message]) -> list[bool]:
    return ["*Do not contact*" in card.shown for card in cards]


def _note(words: str) -> Values:
    return {"opt_out.note": {"opt_out.note": words}}


async def test_an_address_is_blocked_looked_up_listed_and_unblocked_by_a_command(
    here: World, cards: list[Message]
) -> None:
    await _asked(here, ANA, "dnc", "The do-not-contact list is empty.")
    await here.block(ANA, "Ada@Northwind.test Called <us>")
    await here.shows(f"*Do not contact*: They asked us not to email them, <@{ANA}>", on=cards[0])
    await _asked(here, BEN, "dnc ada@northwind.test", "ada@northwind.test: They asked us not to email them, <@U0ANA>")
    await _asked(here, BEN, "dnc", "“Called &lt;us&gt;”")
    await _asked(here, BEN, "dnc bill@northwind.test", "bill@northwind.test isn't blocked.")
    await _asked(here, BEN, "dnc add nonsense why", "That isn't an address, domain or site.")
    await here.unblock(BEN, "ada@northwind.test", "They wrote to us")
    await here.hides("*Do not contact*", on=cards[0])
    await here.workspace.command(CHIKA, "/evaluators dnc lift ada@northwind.test")
    await here.modal(CHIKA, "ada@northwind.test isn't blocked.")
    assert await _marked(here, cards) == [False] * 4


@pytest.mark.parametrize(
    ("who", "reach", "reached"),
    [
        ("@northwind.test", "anyone at northwind.test", [True, True, True, False]),
        ("labs.northwind.test", "anyone at labs.northwind.test", [False, False, True, False]),
        ("northwind-test.atlassian.net", "anyone at northwind-test.atlassian.net", [True, True, False, False]),
    ],
)
async def test_an_entry_for_a_domain_or_a_site_is_on_every_card_it_covers_and_is_lifted_from_any(
    here: World, cards: list[Message], who: str, reach: str, reached: list[bool]
) -> None:
    await here.block(ANA, f"{who} Their lawyer called")
    theirs = [card for card, is_reached in zip(cards, reached, strict=True) if is_reached]
    for card in theirs:
        shown = await here.shows(f"*Do not contact* {reach}: They asked us not to email them", on=card)
        assert "evaluation.email" not in str(shown.blocks)
    assert await _marked(here, cards) == reached
    await here.choose(BEN, theirs[0], "evaluation.contact_again")
    form = await here.modal(BEN, f"Blocked {reach}: ")
    await here.workspace.submit(BEN, form.id, _note("The lawyer called again"))
    for card in theirs:
        await here.hides("*Do not contact*", on=card)


async def test_what_a_person_said_themselves_an_admin_alone_lifts_with_a_note(
    here: World, cards: list[Message]
) -> None:
    card = cards[0]
    await here.write(ANA, card)
    await here.until(lambda: here.mailbox.mails)
    await visit(here, unsubscribe_link(here.mailbox.mails[0]), method="POST", form=ONE_CLICK)
    await here.shows("*Do not contact*: They unsubscribed", on=card)
    await here.choose(BEN, card, "evaluation.contact_again")
    modal = await here.modal(BEN, "Only an admin can lift this")
    assert not modal.content.get("submit")
    assert "*Do not contact*" in card.shown
    await here.choose(CHIKA, card, "evaluation.contact_again")
    form = await here.modal(CHIKA, "written consent")
    await here.workspace.submit(CHIKA, form.id, _note("Their letter of 23 November"))
    await here.notified(CHIKA, "Unblocked.")
    await here.noted(f"<@{CHIKA}> unblocked the contact: “Their letter of 23 November”", under=card)
    await here.until(lambda: "evaluation.email" in str(card.blocks))


@pytest.mark.slow
async def test_erased_by_the_command_line_while_the_bot_runs_cards_and_threads_say_nothing_of_them_any_more(
    here: World,
) -> None:
    by_the_wall_clock(here)
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, here.clock.today()))
    async with here.bot(public_url=PUBLIC_URL) as parts:
        card = await here.card(NORTHWIND.company)
        await here.write(ANA, card)
        await here.noted("sent *Welcome*.", under=card)
        await here.workspace.press(BEN, card, "evaluation.do_not_contact")
        form = await here.modal(BEN, "opt_out.reason")
        why: Values = {"opt_out.reason": {"opt_out.reason": "ASKED"}, **_note("Ada Test wants peace")}
        await here.workspace.submit(BEN, form.id, why)
        await here.noted("“Ada Test wants peace”", under=card)
        await here.at_rest(parts)
        erased = await asyncio.to_thread(_erase, here, NORTHWIND.email)
        assert "Erased: 1 license, 1 email. 1 card is updated" in erased
        await here.noted("The contact's data was erased at their request.", under=card)
        await here.shows("forgotten at their request", on=card)
        await here.until(lambda: "Ada Test" not in str([card.blocks, *here.thread(card)]))
        assert NORTHWIND.email not in str([card.text, card.blocks, *here.thread(card)])
        await here.workspace.command(ANA, f"/evaluators dnc {NORTHWIND.email}")
        await here.notified(ANA, "Their data was erased at their request")
        here.marketplace.add(license_record(2, TRAIL, NORTHWIND, here.clock.today()))
        await parts.poller.poll()
        again = await here.card(f"· {TRAIL.name}")
        assert "evaluation.email" not in str(again.blocks)
        assert NORTHWIND.email not in str(again.blocks)


def _erase(here: World, address: str) -> str:
    """What `evaluator-bot erase` prints."""
    return subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-m", "bot", "erase", address, "--yes"],
        cwd=here.folder,
        env={"PATH": os.defpath, **here.environment()},
        capture_output=True,
        text=True,
        timeout=limit(30),
        check=True,
    ).stdout
