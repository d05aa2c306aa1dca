"""A recipient says no, by a link, their mail program, or a server that does not know them; the team sees it."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app.components import Components
from bot.demo.fake_slack import Message
from bot.demo.fake_smtp import Mail
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, TRAIL, license_record
from bot.security.webhook_signature import sign
from bot.store.schema import metadata
from tests.scenarios.reader import ONE_CLICK, PUBLIC_URL, links, press, unsubscribe_link, visit
from tests.store.steps import rows
from tests.world import TODAY, World

ANA, BEN, CHIKA = "U0ANA", "U0BEN", "U0CHIKA"
BOUNCES = Path(__file__).parent.parent / "fixtures" / "bounces"
SECRET = "a secret that a mail server signs its reports with"
SAYS_NO = "*Do not contact*: They unsubscribed"


@pytest.fixture
async def parts(here: World) -> AsyncIterator[Components]:
    """The bot, with a place in the world outside; somebody tries two apps of ours."""
    for number, app in enumerate((LANTERNS, TRAIL), start=1):
        here.marketplace.add(license_record(number, app, NORTHWIND, TODAY))
    async with here.bot(public_url=PUBLIC_URL, bounces_secret=SECRET, slack_admins=CHIKA) as parts:
        yield parts


@pytest.fixture
async def card(here: World, parts: Components) -> Message:
    """The card from which a mail was sent."""
    card = await here.card(f"· {LANTERNS.name}")
    await here.write(ANA, card)
    await here.noted("sent *Welcome*.", under=card)
    return card


@pytest.fixture
async def other(here: World, card: Message) -> Message:
    """The card of the other app."""
    return await here.card(f"· {TRAIL.name}")


def _mail(here: World) -> Mail:
    return here.mailbox.mails[0]


async def test_one_click_of_a_mail_program_unsubscribes_and_every_card_says_so(
    here: World, card: Message, other: Message
) -> None:
    link = unsubscribe_link(_mail(here))
    assert _mail(here)["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert await visit(here, link, method="POST", form=ONE_CLICK) == (200, "Unsubscribed.\n")
    for each in (card, other):
        shown = await here.shows(SAYS_NO, on=each)
        assert "evaluation.email" not in str(shown.blocks)
    await here.noted("*Do not contact*: They unsubscribed with the link in an email.", under=card)
    assert await visit(here, link, method="POST", form=ONE_CLICK) == (200, "Unsubscribed.\n")
    assert len(here.thread(card)) == 2
    assert here.thread(other) == []


async def test_the_button_of_the_page_unsubscribes_and_that_was_a_mistake_takes_back_just_that(
    here: World, card: Message, other: Message
) -> None:
    link = unsubscribe_link(_mail(here))
    status, page = await visit(here, link)
    assert (status, "Unsubscribe from Ana Sample?" in page) == (200, True)
    assert NORTHWIND.email not in page
    done = await press(here, link, page)
    assert "You’re unsubscribed." in done
    for each in (card, other):
        await here.shows(SAYS_NO, on=each)
    assert "You’re subscribed again." in await press(here, link, done)
    await here.noted("The contact resubscribed.", under=card)
    for each in (card, other):
        await here.hides("*Do not contact*", on=each)


async def test_what_the_team_wrote_down_before_is_not_taken_back_by_the_page(here: World, card: Message) -> None:
    await here.block(BEN, f"{NORTHWIND.email} They said so on the phone")
    await here.shows("*Do not contact*: They asked us not to email them", on=card)
    link = unsubscribe_link(_mail(here))
    done = await press(here, link, (await visit(here, link))[1])
    await here.shows(SAYS_NO, on=card)
    await press(here, link, done)
    await here.shows("*Do not contact*: They asked us not to email them", on=card)


async def test_a_form_that_is_open_already_sends_nothing_any_more(here: World, card: Message, other: Message) -> None:
    await here.workspace.press(BEN, other, "evaluation.email")
    form = await here.modal(BEN, "mail.body")
    await here.workspace.submit(BEN, form.id)
    await visit(here, unsubscribe_link(_mail(here)), method="POST", form=ONE_CLICK)
    await here.send(BEN)
    await here.notified(BEN, "This address is on the do-not-contact list.")
    assert len(here.mailbox.mails) == 1


async def test_a_mail_that_is_held_is_stopped(here: World) -> None:
    for number, app in enumerate((LANTERNS, TRAIL), start=1):
        here.marketplace.add(license_record(number, app, NORTHWIND, TODAY))
    async with here.bot(public_url=PUBLIC_URL, mail_hold="10s"):
        first, second = await here.card(f"· {LANTERNS.name}"), await here.card(f"· {TRAIL.name}")
        await here.write(ANA, first)
        await here.is_sending(ANA)
        here.pass_by(seconds=10)
        await here.noted("sent *Welcome*.", under=first)
        await here.write(BEN, second)
        await here.is_sending(BEN)
        await visit(here, unsubscribe_link(_mail(here)), method="POST", form=ONE_CLICK)
        await here.noted("it failed. This address is on the do-not-contact list.", under=second)
        here.pass_by(minutes=1)
        await here.shows(SAYS_NO, on=second)
    assert len(here.mailbox.mails) == 1


async def test_what_only_looks_at_links_changes_nothing(
    here: World, parts: Components, card: Message, other: Message
) -> None:
    await here.write(BEN, other)
    await here.noted("sent *Welcome*.", under=other)
    await here.at_rest(parts)
    found = {link for mail in here.mailbox.mails for link in links(mail)}
    asking = {link for link in found if link.startswith(f"{PUBLIC_URL}/f/")}
    assert found - asking == {unsubscribe_link(mail) for mail in here.mailbox.mails}
    assert [len(asking), len(found)] == [2, 4]
    before = await _everything(parts)
    guesses = [f"{PUBLIC_URL}/{kind}/{guess}" for kind in "uf" for guess in ("", "guess")]
    for link in (*found, *(link[:-1] for link in found), *guesses):
        for method in ("GET", "HEAD", "OPTIONS"):
            await visit(here, link, method=method)
    await here.at_rest(parts)
    assert await _everything(parts) == before
    assert "*Do not contact*" not in card.shown


async def _everything(parts: Components) -> dict[str, list[Any]]:
    return {table.name: await rows(parts.store, table) for table in metadata.sorted_tables}


async def test_a_link_that_is_not_ours_changes_nothing_and_looks_like_one_that_is(
    here: World, parts: Components, card: Message
) -> None:
    link = unsubscribe_link(_mail(here))
    await here.at_rest(parts)
    before = await _everything(parts)
    forged = (link[:-1], link[:-5] + "AAAAA", f"{PUBLIC_URL}/u/guess")
    answers = {await visit(here, each, method="POST", form=ONE_CLICK) for each in forged}
    assert [status for status, _ in answers] == [404]
    assert await _everything(parts) == before


async def test_a_bounce_blocks_the_address_and_the_card_shows_it(here: World, card: Message) -> None:
    assert await _report(here, "exim-no-such-user") == 202
    await here.noted("*Welcome* bounced (5.1.1): ", under=card)
    await here.shows("*Do not contact*: Emails to this address bounced", on=card)
    assert await _report(here, "exim-no-such-user") == 202
    lines = here.thread(card)
    assert len(lines) == len(set(lines))
    await here.choose(BEN, card, "evaluation.contact_again")
    form = await here.modal(BEN, "can we contact them again")
    await here.workspace.submit(BEN, form.id, {"opt_out.note": {"opt_out.note": "A new mailbox"}})
    await here.hides("*Do not contact*", on=card)


async def test_a_complaint_is_not_a_members_to_lift(here: World, card: Message) -> None:
    assert await _report(here, "arf-abuse") == 202
    await here.noted("They reported *Welcome* as spam.", under=card)
    await here.shows("*Do not contact*: They complained", on=card)
    await here.choose(BEN, card, "evaluation.contact_again")
    await here.modal(BEN, "Only an admin can lift this")


async def test_the_admins_hear_of_a_refusal_because_of_us_and_nobody_is_blocked(here: World, card: Message) -> None:
    assert await _report(here, "gmail-policy") == 202
    await here.until(lambda: any("5.7.26" in message.shown for message in here.workspace.direct(CHIKA)))
    assert "*Do not contact*" not in card.shown


async def test_a_report_that_is_not_signed_changes_nothing(here: World, parts: Components, card: Message) -> None:
    await here.at_rest(parts)
    before = await _everything(parts)
    assert await _report(here, "exim-no-such-user", secret="of somebody else") == 401
    assert await _everything(parts) == before


async def _report(here: World, name: str, *, secret: str = SECRET) -> int:
    """Hand a report on the mail in, as a mail server does; the status of the answer."""
    ours = "0c4d2a5b8e7f46b1a3f09d1e2c3b4a59@vendor.example"
    text = (BOUNCES / f"{name}.eml").read_text()
    assert ours in text
    body = text.replace(ours, _mail(here)["headers"]["Message-ID"].strip("<>")).replace(
        "ana@acme.example", NORTHWIND.email
    )
    at = int(time.time())
    signature = sign(secret.encode(), "r1", at, body.encode())
    signed = {"webhook-id": "r1", "webhook-timestamp": str(at), "webhook-signature": signature}
    url = f"http://127.0.0.1:{here.port}/bounces"
    async with aiohttp.ClientSession() as session, session.post(url, data=body.encode(), headers=signed) as answer:
        return answer.status
