"""Presses that come again, come late, come when nothing is ready, and come by the thousand."""

import asyncio
import copy
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest

from bot.app.components import Components
from bot.demo import fake_smtp
from bot.demo.fake_slack import Message, NotAcknowledged, faults
from bot.demo.fake_slack.models import User, View
from bot.demo.fake_slack.view_state import Values
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.slack.views.submissions import SENDING
from tests.machine import limit
from tests.world import TODAY, World

pytestmark = pytest.mark.long

ANA, BEN, CHIKA = "U0ANA", "U0BEN", "U0CHIKA"

ways = pytest.mark.parametrize("way", ["socket", "http"])


@pytest.fixture
async def card(here: World) -> Message:
    """The card of a trial, in a world whose bot may come and go."""
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot():
        return await here.card(NORTHWIND.company)


@asynccontextmanager
async def reached(here: World, way: str) -> AsyncIterator[Components]:
    """The bot at work, reached by Slack over a socket or over HTTP."""
    async with here.bot(**({} if way == "socket" else {"slack_app_token": None})) as parts:
        here.workspace.request_url = f"http://127.0.0.1:{here.port}/slack/events"
        yield parts


@ways
async def test_a_press_that_slack_repeats_is_acknowledged_and_does_nothing(
    here: World, card: Message, way: str
) -> None:
    async with reached(here, way):
        await here.workspace.press(ANA, card, "evaluation.claim")
        claim = here.workspace.delivery.sent[-1]
        await here.shows(f"Owner: <@{ANA}>", on=card)
        await here.choose(ANA, card, "evaluation.release")
        await here.shows("No owner yet", on=card)
        for _ in range(3):
            await here.workspace.redeliver(claim)
        await here.workspace.command(BEN, "/evaluators today")
        await here.notified(BEN, "no owner")
    async with reached(here, way):
        await here.workspace.redeliver(claim)
        await here.workspace.command(BEN, "/evaluators health")
        await here.notified(BEN, "report")
    assert "No owner yet" in card.shown
    assert here.workspace.ephemerals(ANA) == []
    assert Counter(here.thread(card))[f"<@{ANA}> claimed this."] == 1


@ways
async def test_a_mail_that_was_refused_is_not_sent_when_slack_repeats_the_submit(
    here: World, card: Message, way: str
) -> None:
    here.mailbox.faults["DATA"] = fake_smtp.answer("554 5.6.0 not like this")
    async with reached(here, way):
        await here.write(ANA, card)
        submit = here.workspace.delivery.sent[-1]
        await here.noted("554", under=card)
        await here.workspace.redeliver(submit)
        await here.write(ANA, card)
        await here.shows("sent *Welcome*", on=card)
        await here.workspace.redeliver(submit)
        await here.noted("sent *Welcome*", under=card)
    assert len(here.mailbox.mails) == 1


async def test_a_command_that_slack_repeats_is_answered_once(here: World, card: Message) -> None:
    async with here.bot():
        await here.workspace.command(ANA, "/evaluators today")
        await here.notified(ANA, "1 in all")
        await here.workspace.redeliver()
        await here.workspace.command(ANA, "/evaluators help")
        await here.notified(ANA, "understands")
    assert len(here.workspace.ephemerals(ANA)) == 2


@pytest.mark.parametrize("action", ["evaluation.email", "evaluation.do_not_contact"])
async def test_a_press_that_comes_too_late_to_open_a_modal_is_answered(here: World, card: Message, action: str) -> None:
    with pytest.raises(NotAcknowledged):  # nobody is there
        await here.workspace.press(ANA, card, action)
    here.pass_by(seconds=4)
    async with here.bot():
        await here.workspace.redeliver()
        await here.notified(ANA, "press again")
    assert not here.workspace.views.get(ANA)


async def test_a_claim_that_comes_late_counts_all_the_same(here: World, card: Message) -> None:
    with pytest.raises(NotAcknowledged):
        await here.workspace.press(ANA, card, "evaluation.claim")
    here.pass_by(seconds=90)
    async with here.bot():
        await here.workspace.redeliver()
        await here.shows(f"Owner: <@{ANA}>", on=card)


async def test_a_modal_opens_while_the_database_is_busy(here: World, card: Message) -> None:
    async with here.bot() as parts, parts.store.database.write():
        async with asyncio.timeout(limit(2.5)):  # a trigger lives three seconds
            await here.workspace.press(ANA, card, "evaluation.email")
            await here.until(lambda: here.workspace.views.get(ANA))
        await here.modal(ANA, "mail.body")


async def test_an_answer_whose_way_is_cut_takes_another_one(here: World, card: Message) -> None:
    async with here.bot():
        old = copy.copy(card)
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows("Owner", on=card)
        for fault in (faults.cut_before(), faults.server_error(500)):
            here.workspace.faults.add("response_url", fault)
            await here.workspace.press(BEN, old, "evaluation.claim")
        await here.until(lambda: len(here.workspace.ephemerals(BEN)) == 2)


async def test_a_button_that_only_an_old_view_shows_is_answered_with_who_was_faster(here: World, card: Message) -> None:
    async with here.bot():
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows("Owner", on=card)
        for user in (BEN, CHIKA):
            await here.workspace.press(user, card, "evaluation.more", "evaluation.rest:1")
            await here.modal(user, "evaluation.release")
        await here.choose(ANA, card, "evaluation.release")
        await here.shows("No owner yet", on=card)
        here.pass_by(seconds=12)
        await here.workspace.press_view(BEN, here.workspace.views[BEN][-1].id, "evaluation.release")
        await here.notified(BEN, "It was released 12 seconds ago")
        await here.workspace.press(BEN, card, "evaluation.claim")
        await here.shows(f"Owner: <@{BEN}>", on=card)
        await here.workspace.press_view(CHIKA, here.workspace.views[CHIKA][-1].id, "evaluation.release")
        await here.notified(CHIKA, f"<@{BEN}> became the owner")
    assert f"Owner: <@{BEN}>" in card.shown


async def test_a_mail_that_somebody_else_sent_is_said_with_who_and_how_long_ago(here: World, card: Message) -> None:
    async with here.bot():
        for user in (ANA, BEN):
            await here.workspace.press(user, card, "evaluation.email")
        for user in (ANA, BEN):
            await here.workspace.submit(user, (await here.modal(user, "mail.body")).id)
        await here.send(ANA)
        await here.shows("sent *Welcome*", on=card)
        here.pass_by(seconds=12)
        await here.send(BEN)
        await here.notified(BEN, f"(<@{ANA}>, 12 seconds ago)")


async def test_why_a_mail_was_not_sent_reaches_a_person_who_has_gone_on_to_another_card(
    here: World, card: Message
) -> None:
    customer = replace(NORTHWIND, company="Other Firm", email="ben@other.example")
    here.marketplace.add(license_record(2, LANTERNS, customer, TODAY))
    async with here.bot():
        other = await here.card("Other Firm")
        await here.workspace.press(BEN, card, "evaluation.email")
        await here.workspace.submit(BEN, (await here.modal(BEN, "mail.body")).id)
        await here.write(ANA, card)
        await here.notified(ANA, "Sent to")
        gone_on = asyncio.Event()
        here.workspace.faults.add("views.update", faults.slow(gone_on.wait))
        await here.send(BEN)
        await here.workspace.press(BEN, other, "evaluation.email")
        await here.modal(BEN, "mail.body")
        gone_on.set()
        await here.until(lambda: here.workspace.ephemerals(BEN))
    [refusal] = here.workspace.ephemerals(BEN)
    assert NORTHWIND.company in refusal.shown
    assert f"(<@{ANA}>" in refusal.shown


async def test_the_answer_says_who_already_lifted_an_entry_and_how_long_ago(here: World, card: Message) -> None:
    async with here.bot():
        await here.workspace.press(ANA, card, "evaluation.do_not_contact")
        form = await here.modal(ANA, "opt_out.reason")
        await here.workspace.submit(ANA, form.id, {"opt_out.reason": {"opt_out.reason": "TEAM"}})
        await here.shows("*Do not contact*", on=card)
        forms = {}
        for user in (ANA, BEN):
            await here.choose(user, card, "evaluation.contact_again")
            forms[user] = await here.modal(user, "can we contact them again")
        await here.workspace.submit(ANA, forms[ANA].id, {"opt_out.note": {"opt_out.note": "They called"}})
        await here.notified(ANA, "Unblocked")
        here.pass_by(seconds=12)
        await here.workspace.submit(BEN, forms[BEN].id, {"opt_out.note": {"opt_out.note": "They called"}})
        await here.notified(BEN, f"<@{ANA}> already unblocked this, 12 seconds ago")


CARDS = 10
PRESSERS = int(os.environ.get("PRESSERS", "6"))
"""People who press fifty times each: with 20 it is a thousand presses, and half a minute on a busy machine."""
TRIALS = range(1, CARDS + 1)
NOTED = ("claimed this", "sent *Welcome*", "blocked the contact")
"""The lines in the thread of each card, in the end."""
FIRST = ("Sending to", "Blocked.")
"""The answers to the first person at each card; who owns it, the card shows."""
SLOWER = ("*: This template ", "> became the owner", "> already blocked this")
"""The answers to everybody else. The first email is on hold, on its way, or sent by then."""


@pytest.fixture
def team(here: World) -> list[str]:
    """The people who press."""
    users = [User(id=f"U0P{n:02}", name=f"p{n}", real_name=f"P {n}") for n in range(PRESSERS)]
    for user in users:
        here.workspace.add_user(user)
    return [user.id for user in users]


async def _mail_and_claim(here: World, user: str, cards: list[Message]) -> int:
    """Send the welcome mail of every card and claim it, in any order, whatever the others do meanwhile.

    Return how many presses more this took, since the machine was too slow for the first one.
    """
    again = 0
    for card in random.sample(cards, CARDS):
        await here.workspace.press(user, card, "evaluation.email")
        letter = await here.modal(user, "mail.body")
        await here.workspace.press(user, card, "evaluation.claim")
        again += await _preview(here, user, letter.id)
        modal = here.workspace.views[user][-1]
        await here.send(user)
        await here.workspace.until(partial(_is_answered, modal), within=limit(100))
    return again


def _is_answered(modal: View) -> bool:
    """Return whether the modal after Send says what becomes of the email."""
    return SENDING not in modal.shown


async def _preview(here: World, user: str, form: str) -> int:
    """Press *Preview* until there is one, and return how often it said before that it took too long."""
    again = 0
    while "errors" in (answer := await here.workspace.submit(user, form)):
        assert list(answer["errors"].values()) == ["That took too long. Please press Preview again."]
        again += 1
    return again


async def _mark(here: World, users: list[str], card: Message) -> None:
    """Let all of them block the contact of a card at once, each with the form open before the first has sent it."""
    await asyncio.gather(*(here.workspace.press(user, card, "evaluation.do_not_contact") for user in users))
    forms = await asyncio.gather(*(here.modal(user, "opt_out.reason") for user in users))
    why: Values = {"opt_out.reason": {"opt_out.reason": "TEAM"}}
    await asyncio.gather(*(here.workspace.submit(form.user, form.id, why) for form in forms))


@pytest.mark.timeout(180)
async def test_of_hundreds_of_presses_at_once_none_is_lost_and_none_counts_twice(here: World, team: list[str]) -> None:
    for number in TRIALS:
        customer = replace(NORTHWIND, company=f"Firm {number:02}", email=f"ana@firm{number}.example")
        here.marketplace.add(license_record(number, LANTERNS, customer, TODAY))
    async with here.bot(), asyncio.timeout(limit(150)):
        # As the cards looked at first: nobody's view is repainted at once.
        cards = [copy.copy(await here.card(f"Firm {number:02}")) for number in TRIALS]
        again = sum(await asyncio.gather(*(_mail_and_claim(here, user, cards) for user in team)))
        for card in cards:
            await here.noted("sent *Welcome*", under=card)
            await _mark(here, team, card)
        expected = dict.fromkeys(FIRST, CARDS) | dict.fromkeys(SLOWER, CARDS * (len(team) - 1))
        await here.workspace.until(lambda: _counted(here, team).total() >= sum(expected.values()), within=limit(100))
        for number in TRIALS:
            await here.shows("*Do not contact*", on=await here.card(f"Firm {number:02}"))
        await here.until(lambda: all(len(here.thread(card)) == len(NOTED) for card in cards))
    interactions = [each for each in here.workspace.delivery.sent if each.kind == "interactive"]
    assert len(interactions) == 6 * CARDS * len(team) + again
    assert sorted(mail["to"] for mail in here.mailbox.mails) == sorted([f"ana@firm{n}.example"] for n in TRIALS)
    assert _counted(here, team) == expected
    for card in cards:
        assert all(any(words in line for line in here.thread(card)) for words in NOTED)


def _counted(here: World, team: list[str]) -> Counter[str]:
    """Return how often each answer was given, in a message or in a modal."""
    said = [message.shown for user in team for message in here.workspace.ephemerals(user)]
    said += [str(call["view"]) for call in here.workspace.calls("views.update")]
    return Counter(words for shown in said for words in (*FIRST, *SLOWER) if words in shown)
