"""A reply, from the mailbox into the thread, and the answer back into the same conversation."""

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from email.message import EmailMessage

import pytest

from bot.demo.fake_imap import PASSWORD, USERNAME, ReplyMailbox
from bot.demo.fake_smtp import Mail
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from tests.log_watch import WATCH
from tests.world import TODAY, World

ANA, BEN = "U0ANA", "U0BEN"
STRANGER = "The merger with the other company is called Bluebird"
ASKED = "Could you show it to six of us\nnext week?"


@pytest.fixture
async def inbox(here: World) -> AsyncIterator[ReplyMailbox]:
    """The mailbox for replies, in a world whose bot reads it."""
    box = ReplyMailbox()
    WATCH.keep_private("a token", [PASSWORD])
    async with box.serve() as port:
        here.addresses |= {
            "imap_host": "127.0.0.1",
            "imap_port": port,
            "imap_tls": "none",
            "imap_username": USERNAME,
            "imap_password": PASSWORD,
            "mail_replies": "replies@vendor.example",
        }
        yield box


def answer_to(mail: Mail, text: str, *, number: int = 1, **headers: str) -> bytes:
    """What somebody writes back to an email of ours."""
    found = EmailMessage()
    found["From"], found["To"] = NORTHWIND.email, mail["headers"]["Reply-To"]
    found["Subject"] = f"Re: {mail['subject']}"
    found["Message-ID"] = f"<r{number}@northwind.test>"
    for name, value in headers.items():
        found[name.replace("_", "-")] = value
    found.set_content(text)
    WATCH.keep_mail_private(text)
    return found.as_bytes()


async def test_a_reply_is_shown_sent_to_the_owner_and_answered_in_its_thread(here: World, inbox: ReplyMailbox) -> None:
    stranger = EmailMessage()
    stranger["From"], stranger["To"], stranger["Subject"] = "eve@other.test", USERNAME, "Re: Bluebird"
    stranger.set_content(STRANGER)
    await inbox.deliver(stranger.as_bytes())
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot(slack_admins=BEN) as parts:
        card = await here.card(NORTHWIND.company)
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows(f"Owner: <@{ANA}>", on=card)
        await here.write(ANA, card)
        await here.shows(f"<@{ANA}> sent *Welcome*", on=card)
        [mail] = here.mailbox.mails
        reply_to = mail["headers"]["Reply-To"]
        assert re.search(r"^Ana <replies\+[a-z0-9-]+@vendor\.example>$", reply_to)

        here.pass_by(minutes=5)
        raw = answer_to(mail, f"{ASKED}\n\nOn Monday, Ana <ana@vendor.example> wrote:\n> Hello")
        await inbox.deliver(raw)
        await inbox.deliver(raw)  # a server that repeats messages
        await here.shows("Waiting for an answer", on=card)
        await here.noted("They replied", under=card)
        [message] = await here.until(lambda: here.workspace.direct(ANA))
        assert "six of us" in message.shown
        await here.workspace.command(BEN, "/evaluators waiting")
        await here.notified(BEN, "Waiting for an answer*")

        [line] = [each for each in here.workspace.thread(card.channel, card.ts) if "They replied" in each.shown]
        await here.workspace.press(BEN, line, "reply.show")
        assert "wrote:" in (await here.modal(BEN, "*From*")).shown
        await here.workspace.press(ANA, line, "reply.answer")
        form = await here.modal(ANA, "They wrote to us")
        await here.workspace.submit(ANA, form.id, {"mail.body": {"mail.body": "Gladly. Tuesday at ten?"}})
        await here.send(ANA)
        await here.shows(f"<@{ANA}> sent *Answer*", on=card)
        await here.hides("Waiting for an answer", on=card)
        answer = here.mailbox.mails[1]
        assert answer["headers"]["In-Reply-To"] == "<r1@northwind.test>"
        assert answer["headers"]["References"] == "<r1@northwind.test>"
        assert answer["subject"] == f"Re: {mail['subject']}"
        await here.at_rest(parts)
        assert len([each for each in here.thread(card) if "They replied" in each]) == 1
    for file in here.folder.glob("evaluators.db*"):
        assert STRANGER.encode() not in file.read_bytes()
        assert b"eve@other.test" not in file.read_bytes()
        assert b"six of us" not in file.read_bytes()
    with closing(sqlite3.connect(here.folder / "evaluators.db")) as database, database:
        assert database.execute("SELECT count(*) FROM reply").fetchone() == (1,)


async def test_a_reply_that_says_no_blocks_and_an_automatic_one_offers_a_snooze(
    here: World, inbox: ReplyMailbox
) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot():
        card = await here.card(NORTHWIND.company)
        await here.write(ANA, card)
        await here.shows(f"<@{ANA}> sent *Welcome*", on=card)
        [mail] = here.mailbox.mails
        away = "I am away and will be back on 30 November 2026."
        await inbox.deliver(answer_to(mail, away, Auto_Submitted="auto-replied"))
        await here.noted("Their mailbox replied automatically", under=card)
        [line] = [each for each in here.workspace.thread(card.channel, card.ts) if "automatically" in each.shown]
        await here.workspace.press(ANA, line, "reply.snooze")
        await here.shows("Snoozed by", on=card)
        await inbox.deliver(answer_to(mail, "Please unsubscribe me.", number=2))
        await here.noted("they want no more email", under=card)
        await here.shows("*Do not contact*: ", on=card)
        await here.hides("Waiting for an answer", on=card)


async def test_the_admins_hear_of_a_refused_login_once(here: World, inbox: ReplyMailbox) -> None:
    async with here.bot(imap_password="another one", slack_admins=BEN):
        [refused] = await here.until(lambda: here.workspace.direct(BEN))
        assert "I can't read the mailbox for replies. " in refused.shown
        assert "IMAP_PASSWORD" in refused.shown
    async with here.bot(slack_admins=BEN):
        await here.until(lambda: len(here.workspace.direct(BEN)) > 1)
    assert "I can read the mailbox for replies again" in here.workspace.direct(BEN)[1].shown
