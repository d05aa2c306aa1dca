"""A question from inside the app, from the thread of the card back into the app, and by email if they ask for it."""

import json
from typing import Any

import aiohttp

from bot.demo.fake_slack import Message
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.domain.dnc import DncEntry, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.security.webhook_signature import sign
from tests.log_watch import WATCH
from tests.world import TODAY, World

ANA, BEN = "U0ANA", "U0BEN"
SECRET = "a secret for feedback that is long enough"
OTHER = "otto@elsewhere.test"


async def _send(here: World, body: dict[str, Any], *, key: str) -> tuple[int, str]:
    """Send signed feedback, and return the status with the token of its conversation."""
    WATCH.keep_mail_private(body["text"])
    raw, at = json.dumps(body).encode(), int(here.clock().timestamp())
    headers = {
        "content-type": "application/json",
        "webhook-id": key,
        "webhook-timestamp": str(at),
        "webhook-signature": sign(SECRET.encode(), key, at, raw),
    }
    url = f"http://127.0.0.1:{here.port}/feedback"
    async with aiohttp.ClientSession() as session, session.post(url, data=raw, headers=headers) as answer:
        return answer.status, (await answer.json())["conversation"] if answer.status == 202 else ""


async def _messages(here: World, token: str) -> list[tuple[str, str]]:
    url = f"http://127.0.0.1:{here.port}/feedback/conversations/{token}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return [(each["from"], each["text"]) for each in (await answer.json())["messages"]]


async def _line(here: World, card: Message, words: str) -> Message:
    """The line with these words in the thread of a card."""
    await here.noted(words, under=card)
    return next(each for each in here.workspace.thread(card.channel, card.ts) if words in each.shown)


async def test_a_question_is_answered_in_the_app_and_the_next_one_by_email(here: World) -> None:
    record = license_record(1, LANTERNS, NORTHWIND, TODAY)
    here.marketplace.add(record)
    body = {"app": record["addonKey"], "site": record["cloudSiteHostname"], "topic": "question", "rating": 2}
    async with here.bot(signals_secret=SECRET) as parts:
        card = await here.card(NORTHWIND.company)
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows(f"Owner: <@{ANA}>", on=card)
        status, token = await _send(here, {**body, "text": "How do I get it out?"}, key="1")
        assert status == 202
        await here.shows("Waiting for an answer", on=card)
        line = await _line(here, card, "How do I get it out?")
        assert "★★☆☆☆" in line.shown
        [direct] = await here.until(lambda: here.workspace.direct(ANA))
        assert NORTHWIND.company in direct.shown

        await here.workspace.press(BEN, card, "evaluation.answer")
        form = await here.modal(BEN, "Your answer")
        answer = "By *Export*, top right."
        await here.workspace.submit(BEN, form.id, {"feedback.text": {"feedback.text": answer}})
        await here.notified(BEN, "Your answer is in the app now")
        await here.noted(f"<@{BEN}> answered in the app", under=card)
        await here.hides("Waiting for an answer", on=card)
        assert await _messages(here, token) == [("app", "How do I get it out?"), ("team", answer)]

        asked = {"text": "Send me the price, please.", "contact_ok": True, "reply_to": OTHER, "name": "Otto Other"}
        WATCH.keep_private("an address", [OTHER])
        assert (await _send(here, {**asked, "conversation": token}, key="2"))[0] == 202
        line = await _line(here, card, "Send me the price")
        assert OTHER not in line.shown
        await here.workspace.press(ANA, line, "feedback.answer")
        form = await here.modal(ANA, "They asked for an answer")
        assert OTHER in form.shown
        await here.workspace.submit(ANA, form.id, {"mail.body": {"mail.body": "It is on our page."}})
        await here.send(ANA)
        await here.shows(f"<@{ANA}> sent *Answer*", on=card)
        await here.hides("Waiting for an answer", on=card)
        [mail] = here.mailbox.mails
        assert mail["to"] == [OTHER]
        await here.at_rest(parts)
        assert len([each for each in here.thread(card) if "answered in the app" in each]) == 1


async def test_an_admin_answers_somebody_who_unsubscribed_and_then_asked(here: World) -> None:
    record = license_record(1, LANTERNS, NORTHWIND, TODAY)
    here.marketplace.add(record)
    asked = {"app": record["addonKey"], "site": record["cloudSiteHostname"], "contact_ok": True}
    async with here.bot(signals_secret=SECRET, slack_admins=ANA) as parts:
        card = await here.card(NORTHWIND.company)
        no = DncEntry(reason=DncReason.UNSUBSCRIBED, by=None, at=here.clock())
        await parts.store.dnc.add(DncTarget.of_address(NORTHWIND.email), no)
        await here.shows("They unsubscribed", on=card)
        here.pass_by(hours=1)
        assert (await _send(here, {**asked, "text": "And the price?", "reply_to": NORTHWIND.email}, key="1"))[0] == 202
        line = await _line(here, card, "And the price?")

        await here.workspace.press(BEN, line, "feedback.answer")
        await here.modal(BEN, "Only an admin can send it")
        await here.workspace.press(ANA, line, "feedback.answer")
        form = await here.modal(ANA, "They stay unsubscribed")
        await here.workspace.submit(ANA, form.id, {"mail.body": {"mail.body": "It is on our page."}})
        await here.send(ANA)
        await here.shows("Legal basis: they asked for an answer after they unsubscribed", on=card)
        await here.until(lambda: here.mailbox.mails)
        assert [each["to"] for each in here.mailbox.mails] == [[NORTHWIND.email]]
