"""A mail of which nobody knows whether it arrived: a person decides, once."""

import asyncio
import copy

import pytest

from bot.demo import fake_smtp
from bot.demo.fake_slack import Message
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record, sale
from tests.world import TODAY, World

ANA, BEN, CHIKA = "U0ANA", "U0BEN", "U0CHIKA"


@pytest.fixture
async def card(here: World) -> Message:
    """A card in whose thread it is asked whether a mail arrived; the mail is in the mailbox."""
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    here.mailbox.faults["ANSWER"] = fake_smtp.drop()
    async with here.bot():
        card = await here.card(NORTHWIND.company)
        await here.write(ANA, card)
        await here.shows("don't know whether it arrived", on=card)
        await here.until(lambda: _asked(here, card))
    return card


def _asked(here: World, card: Message) -> list[Message]:
    """The lines under a card that ask."""
    return [line for line in here.workspace.thread(card.channel, card.ts) if "don't know whether" in line.shown]


async def test_somebody_says_that_it_arrived_and_everybody_later_learns_who(here: World, card: Message) -> None:
    async with here.bot():
        [question] = _asked(here, card)
        await here.workspace.press(BEN, question, "mail.arrived")
        await here.notified(BEN, "Noted")
        await here.shows(f"<@{BEN}> confirmed that *Welcome* arrived.", on=card)
        await here.noted(f"<@{BEN}> confirmed that *Welcome* arrived.", under=card)
        here.pass_by(seconds=12)
        for user, button in ((CHIKA, "mail.again"), (ANA, "mail.arrived")):
            await here.workspace.press(user, question, button)
            await here.notified(user, f"<@{BEN}> already marked it as sent, 12 seconds ago.")
    assert len(here.mailbox.mails) == 1


async def test_somebody_sends_it_again_word_for_word_under_the_same_message_id(here: World, card: Message) -> None:
    async with here.bot():
        [question] = _asked(here, card)
        answers = asyncio.Event()
        here.mailbox.faults["RCPT"] = fake_smtp.hang(answers)
        await here.workspace.press(BEN, question, "mail.again")
        await here.is_sending(BEN)
        await here.noted(f"<@{BEN}> is sending *Welcome* again.", under=card)
        answers.set()
        await here.shows(f"<@{BEN}> sent *Welcome*.", on=card)
        await here.noted(f"<@{BEN}> sent *Welcome*.", under=card)
        assert len([line for line in here.thread(card) if f"<@{BEN}>" in line]) == 1
    first, second = here.mailbox.mails
    assert (first["to"], first["text"]) == (second["to"], second["text"])
    assert first["headers"]["Message-ID"] == second["headers"]["Message-ID"]


async def test_when_many_decide_at_once_one_does_and_the_others_learn_who(here: World, card: Message) -> None:
    async with here.bot():
        [question] = _asked(here, card)
        interactions = [(user, button) for user in (ANA, BEN, CHIKA) for button in ("mail.again", "mail.arrived") * 3]
        await asyncio.gather(*(here.workspace.press(user, question, button) for user, button in interactions))
        said = await here.until(lambda: _answers(here, len(interactions))) or []
    [decision] = [words for words in said if "Sending to" in words or "Noted" in words]
    assert len(here.mailbox.mails) == (2 if "Sending to" in decision else 1)
    assert (
        len([words for words in said if "already marked it as sent" in words or "is sending it again" in words])
        == len(interactions) - 1
    )


def _answers(here: World, number: int) -> list[str] | None:
    """All that people were told, once it is so much."""
    said = [message.shown for user in (ANA, BEN, CHIKA) for message in here.workspace.ephemerals(user)]
    return said if len(said) >= number else None


async def test_it_may_be_lost_again_and_is_asked_about_again(here: World, card: Message) -> None:
    async with here.bot():
        [question] = _asked(here, card)
        here.mailbox.faults["ANSWER"] = fake_smtp.drop()
        await here.workspace.press(BEN, question, "mail.again")
        await here.until(lambda: len(_asked(here, card)) == 2)
        await here.workspace.press(CHIKA, _asked(here, card)[1], "mail.arrived")
        await here.notified(CHIKA, "Noted")
    assert len(here.mailbox.mails) == 2


async def test_it_goes_through_the_same_gate_as_every_mail(here: World, card: Message) -> None:
    async with here.bot() as parts:
        here.pass_by(days=1)
        here.marketplace.change(here.marketplace.records[0]["appEntitlementNumber"], **sale(1, NORTHWIND, TODAY, TODAY))
        await parts.poller.poll()
        await here.noted("They bought the app", under=card)
        [question] = _asked(here, card)
        await here.workspace.press(BEN, question, "mail.again")
        await here.notified(BEN, "They bought the app")
        await here.workspace.press(BEN, question, "mail.arrived")
        await here.notified(BEN, "Noted")
    assert len(here.mailbox.mails) == 1


async def test_only_those_who_may_mail_decide(here: World, card: Message) -> None:
    async with here.bot(slack_actors=ANA):
        [question] = _asked(here, card)
        for button in ("mail.again", "mail.arrived"):
            await here.workspace.press(BEN, copy.copy(question), button)
        await here.until(lambda: len(here.workspace.ephemerals(BEN)) == 2)
    assert all(
        "You don't have permission to email contacts" in message.shown for message in here.workspace.ephemerals(BEN)
    )
    assert "don't know whether it arrived" in card.shown
    assert len(here.mailbox.mails) == 1
