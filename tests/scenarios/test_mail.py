"""A mail from the first word to what became of it: looked at, held, taken back, stopped, put off."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.app.components import Components
from bot.demo import fake_smtp
from bot.demo.fake_slack import CHANNEL, Message, NotPossible, View, faults
from bot.demo.fake_slack.view_state import Values
from bot.demo.scenario.sample_data import CEDAR, LANTERNS, NORTHWIND, TRAIL, contact_details, license_record
from bot.slack import ids
from tests.machine import limit
from tests.world import TODAY, World

ANA, BEN, CHIKA = "U0ANA", "U0BEN", "U0CHIKA"
BILL = {"email": "bill@northwind.test", "name": "Bill Test"}


@pytest.fixture
async def card(here: World) -> AsyncIterator[Message]:
    """The card of a trial with two contacts, in a world where mails can be taken back for ten seconds."""
    contacts = {**contact_details(NORTHWIND), "billingContact": BILL}
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY, contactDetails=contacts))
    async with here.bot(mail_hold="10s"):
        yield await here.card(NORTHWIND.company)


async def _form(here: World, user: str, card: Message) -> View:
    await here.workspace.press(user, card, "evaluation.email")
    return await here.modal(user, "mail.body")


def _inputs(form: View, **words: str) -> Values:
    """Words for the inputs of a form, by the last part of their names."""
    named = {block["block_id"]: block["element"]["action_id"] for block in form.blocks if block["type"] == "input"}
    return {
        block: {action: words[name]} for block, action in named.items() if (name := action.rpartition(".")[2]) in words
    }


async def test_a_mail_is_looked_at_held_and_sent_when_its_time_has_come(here: World, card: Message) -> None:
    form = await _form(here, ANA, card)
    await here.workspace.submit(ANA, form.id, _inputs(form, subject="Hello <Ada>", body="**Welcome**\n\n- one"))
    below, preview = here.workspace.views[ANA]
    assert (below.id, preview.content["callback_id"]) == (form.id, ids.View.PREVIEW)
    for words in (
        "*To* Ada Test &lt;",
        "*Subject* Hello &lt;Ada&gt;",
        "*Welcome*\n\n• one",
        "1 Sample Street",
        "Legal basis",
    ):
        assert words in preview.shown
    await here.send(ANA)
    await here.notified(ANA, "Sending to Ada Test in 10 s.")
    await here.shows("Email sending…", on=card)
    assert here.mailbox.mails == []
    here.pass_by(seconds=10)
    await here.shows(f"<@{ANA}> sent *Welcome*", on=card)
    await here.noted(f"<@{ANA}> sent *Welcome*.", under=card)
    await here.notified(ANA, "Sent to Ada Test.")
    sending = here.workspace.views[ANA][-1]
    assert "mail.undo" not in str(sending.blocks)
    await here.workspace.close_view(ANA, sending.id)
    assert here.workspace.views[ANA] == []
    [mail] = here.mailbox.mails
    assert (mail["to"], mail["subject"]) == ([NORTHWIND.email], "Hello <Ada>")
    assert "Welcome" in mail["text"]


async def test_a_line_that_slack_posts_late_says_in_the_end_that_the_mail_was_sent(here: World, card: Message) -> None:
    posting, goes_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        posting.set()
        await goes_on.wait()

    here.workspace.faults.add("chat.postMessage", faults.slow(slowly))
    await here.write(ANA, card)
    async with asyncio.timeout(limit(20)):
        await posting.wait()
    here.pass_by(seconds=10)
    await here.notified(ANA, "Sent to Ada Test.")
    goes_on.set()
    await here.noted(f"<@{ANA}> sent *Welcome*.", under=card)
    assert len(here.thread(card)) == 1


async def test_back_from_the_preview_the_words_are_still_there(here: World, card: Message) -> None:
    form = await _form(here, ANA, card)
    await here.workspace.submit(ANA, form.id, _inputs(form, body="My own words"))
    await here.workspace.close_view(ANA, here.workspace.views[ANA][-1].id)
    assert here.workspace.views[ANA] == [form]
    await here.workspace.submit(ANA, form.id, _inputs(form, subject="And a subject"))
    assert "My own words" in here.workspace.views[ANA][-1].shown
    await here.send(ANA)
    await here.is_sending(ANA)
    here.pass_by(seconds=10)
    await here.until(lambda: here.mailbox.mails)
    assert here.mailbox.mails[0]["subject"] == "And a subject"
    assert "My own words" in here.mailbox.mails[0]["text"]


async def test_its_sender_cancels_it_and_may_send_it_again(here: World, card: Message) -> None:
    await here.write(ANA, card)
    await here.is_sending(ANA)
    await here.undo(ANA)
    await here.notified(ANA, "Nothing was sent.")
    assert "mail.undo" not in str(here.workspace.views[ANA][-1].blocks)
    await here.hides("Email sending", on=card)
    here.pass_by(minutes=1)
    await here.write(BEN, card)
    await here.is_sending(BEN)
    here.pass_by(seconds=10)
    await here.shows(f"<@{BEN}> sent *Welcome*", on=card)
    assert len(here.mailbox.mails) == 1


async def _old_undo(here: World, parts: Components, user: str) -> Message:
    """The message with which an earlier version confirmed a mail."""
    undo = {"type": "button", "action_id": "mail.undo", "text": {"type": "plain_text", "text": "Undo"}, "value": "1"}
    blocks = [{"type": "actions", "elements": [undo]}]
    await parts.client.chat_postEphemeral(channel=CHANNEL, user=user, text="On its way", blocks=blocks)
    return here.workspace.ephemerals(user)[0]


async def test_an_undo_of_an_earlier_version_still_answers(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot(mail_hold="10s") as parts:
        card = await here.card(NORTHWIND.company)
        await here.write(ANA, card)
        await here.is_sending(ANA)
        old = await _old_undo(here, parts, ANA)
        here.pass_by(seconds=10)
        await here.shows("sent *Welcome*", on=card)
        await here.workspace.press(ANA, old, "mail.undo")
        await here.notified(ANA, "Too late")
        assert len(here.workspace.ephemerals(ANA)) == 1
        assert "mail.undo" not in str(old.blocks)


async def test_who_closed_the_window_hears_of_a_mail_that_was_not_sent(here: World, card: Message) -> None:
    here.mailbox.faults["RCPT"] = fake_smtp.answer("550 5.1.1 No such mailbox")
    await here.write(ANA, card)
    sending = await here.modal(ANA, "mail.undo")
    await here.workspace.close_view(ANA, sending.id)
    assert here.workspace.views[ANA] == []
    here.pass_by(seconds=10)
    await here.noted("it failed", under=card)
    await here.notified(ANA, "Not sent to Ada Test.")


@pytest.mark.parametrize(
    ("button", "answer"),
    [
        ("mail.again", f"Only <@{BEN}>, who sent it, can cancel it."),
        ("mail.arrived", "Too late – it's already been sent."),
    ],
)
async def test_what_somebody_else_sent_again_or_settled_nobody_else_takes_back(
    here: World, button: str, answer: str
) -> None:
    here.mailbox.faults["ANSWER"] = fake_smtp.drop()
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot() as parts:
        card = await here.card(NORTHWIND.company)
        await here.write(ANA, card)
        unknown = "don't know whether it arrived"
        await here.noted(unknown, under=card)
        # A line that says that it is on its way may stand before it.
        [question] = [each for each in here.workspace.thread(card.channel, card.ts) if unknown in each.shown]
        await here.workspace.press(BEN, question, button)
        await here.shows(f":email: <@{BEN}>", on=card)
        await here.workspace.press(ANA, await _old_undo(here, parts, ANA), "mail.undo")
        await here.notified(ANA, answer)


async def test_an_entry_that_comes_while_it_is_queued_stops_it_with_a_line_in_the_thread(
    here: World, card: Message
) -> None:
    await here.write(ANA, card)
    await here.is_sending(ANA)
    await here.workspace.press(CHIKA, card, "evaluation.do_not_contact")
    form = await here.modal(CHIKA, "opt_out.reason")
    await here.workspace.submit(CHIKA, form.id, {"opt_out.reason": {"opt_out.reason": "ASKED"}})
    await here.noted("it failed. This address is on the do-not-contact list.", under=card)
    await here.shows("*Do not contact*", on=card)
    await here.notified(ANA, "Not sent to Ada Test.")
    assert "mail.undo" not in str(here.workspace.views[ANA][-1].blocks)
    here.pass_by(minutes=1)
    assert here.mailbox.mails == []


@pytest.mark.parametrize("who", ["@northwind.test", "northwind-test.atlassian.net"])
async def test_an_entry_for_a_domain_or_a_site_stops_it_when_it_is_due(here: World, card: Message, who: str) -> None:
    await here.write(ANA, card)
    await here.is_sending(ANA)
    await here.block(CHIKA, f"{who} Their lawyer called")
    await here.shows("*Do not contact* anyone", on=card)
    here.pass_by(seconds=10)
    await here.noted("it failed. This address is on the do-not-contact list.", under=card)
    assert here.mailbox.mails == []


async def test_while_the_server_puts_it_off_the_card_says_so_and_it_is_tried_again_by_itself(
    here: World, card: Message
) -> None:
    here.mailbox.faults["RCPT"] = fake_smtp.answer("451 4.7.1 Come back later")
    await here.write(ANA, card)
    await here.is_sending(ANA)
    here.pass_by(seconds=10)
    await here.noted("is delayed. We'll try again automatically.", under=card)
    await here.shows("is delayed", on=card)
    here.pass_by(minutes=2)
    await here.shows("sent *Welcome*", on=card)
    await here.noted("sent *Welcome*.", under=card)
    assert len(here.thread(card)) == 2
    assert len(here.mailbox.mails) == 1


async def test_what_the_server_puts_off_can_still_be_taken_back(here: World, card: Message) -> None:
    here.mailbox.faults["RCPT"] = fake_smtp.answer("451 4.7.1 Come back later")
    await here.write(ANA, card)
    await here.is_sending(ANA)
    here.pass_by(seconds=10)
    await here.noted("is delayed", under=card)
    await here.notified(ANA, "Not sent yet.")
    await here.undo(ANA)
    await here.notified(ANA, "Nothing was sent.")
    here.pass_by(hours=1)
    await here.hides("is delayed", on=card)
    assert here.mailbox.mails == []


async def test_an_address_that_the_server_does_not_know_is_blocked(here: World, card: Message) -> None:
    here.mailbox.faults["RCPT"] = fake_smtp.answer("550 5.1.1 No such mailbox")
    await here.write(ANA, card)
    await here.is_sending(ANA)
    here.pass_by(seconds=10)
    await here.noted("it failed", under=card)
    await here.shows("*Do not contact*: Emails to this address bounced", on=card)


async def test_another_template_fills_the_words_in_again_and_another_recipient_keeps_ones_own(
    here: World, card: Message
) -> None:
    here.pass_by(days=25)
    form = await _form(here, ANA, card)
    own = _inputs(form, body="Dear Ada, my own words")
    await here.workspace.press_view(ANA, form.id, "mail.recipient", "billing", values=own)
    form = await here.modal(ANA, "Your text was kept")
    assert "Goes to bill@northwind.test" in form.shown
    assert "Dear Ada, my own words" in str(form.blocks)
    await here.workspace.press_view(ANA, form.id, "mail.template", "welcome.de")
    form = await here.modal(ANA, "Guten Tag")
    assert "my own words" not in str(form.blocks)
    assert "Bill" in str(form.blocks)
    await here.workspace.press_view(ANA, form.id, "mail.template", "own/trial-ending.de")
    form = await here.modal(ANA, "my own words")
    await here.workspace.submit(ANA, form.id)
    await here.send(ANA)
    await here.notified(ANA, " to Bill Test")
    here.pass_by(seconds=10)
    await here.shows("sent *Trial ending*", on=card)
    assert here.mailbox.mails[0]["to"] == [BILL["email"]]
    assert "my own words" in here.mailbox.mails[0]["text"]


async def test_replies_go_to_the_owner_of_the_evaluation(here: World, card: Message) -> None:
    await here.workspace.press(BEN, card, "evaluation.claim")
    await here.shows("Owner", on=card)
    await here.write(ANA, card)
    await here.is_sending(ANA)
    here.pass_by(seconds=10)
    await here.until(lambda: here.mailbox.mails)
    assert here.mailbox.mails[0]["headers"]["Reply-To"] == "ben@vendor.example"


async def test_one_address_is_not_emailed_about_two_apps_within_a_week_by_anybody(here: World) -> None:
    for number, app in enumerate((LANTERNS, TRAIL)):
        here.marketplace.add(license_record(number, app, NORTHWIND, TODAY))
    async with here.bot(mail_at_most_every="7d"):
        first, second = await here.card(f"· {LANTERNS.name}"), await here.card(f"· {TRAIL.name}")
        form = await _form(here, BEN, second)
        await here.write(ANA, first)
        await here.shows("sent *Welcome*", on=first)
        here.pass_by(hours=2)
        await here.workspace.submit(BEN, form.id)
        await here.send(BEN)
        await here.notified(BEN, f"<@{ANA}> emailed this address 2 hours ago. You can email it again from")
        await here.workspace.press(CHIKA, second, "evaluation.email")
        await here.modal(CHIKA, "emailed this address 2 hours ago")
        here.pass_by(days=7)
        await here.write(CHIKA, second)
        await here.shows(f"<@{CHIKA}> sent *Welcome*", on=second)
    assert len(here.mailbox.mails) == 2


async def test_where_the_law_asks_for_a_ground_the_sender_names_it_and_it_stays_on_record(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot(mail_countries=None):
        card = await here.card(NORTHWIND.company)
        form = await _form(here, ANA, card)
        assert "Germany: You need prior express consent" in form.shown
        with pytest.raises(NotPossible, match="Legal basis for this email"):
            await here.workspace.submit(ANA, form.id)
        await here.workspace.submit(ANA, form.id, _inputs(form, ground="CONSENT"))
        await here.send(ANA)
        await here.noted(f"<@{ANA}> sent *Welcome*. Legal basis: consent.", under=card)
    assert len(here.mailbox.mails) == 1


async def test_a_ground_that_is_needed_only_since_the_form_was_opened_is_asked_for(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, CEDAR, TODAY))
    async with here.bot(mail_countries=None) as parts:
        card = await here.card(CEDAR.company)
        form = await _form(here, ANA, card)
        assert "Legal basis" not in form.shown
        moved = contact_details(replace(CEDAR, country="Germany"))
        here.marketplace.change(here.marketplace.records[0]["appEntitlementNumber"], contactDetails=moved)
        await parts.poller.poll()
        await here.shows("Germany", on=card)
        await here.workspace.submit(ANA, form.id)
        await here.send(ANA)
        await here.notified(ANA, "Nothing was sent: this email now needs a legal basis.")
    assert here.mailbox.mails == []
