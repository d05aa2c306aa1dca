"""The demo's mailbox, used as a mail program would use it."""

import asyncio
from email.message import EmailMessage

import aiosmtplib
import pytest

from bot.demo.fake_smtp import Mail, Mailbox, Step, answer, drop
from tests.machine import limit


def letter(subject: str = "Grüße") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ben <ben@vendor.example>"
    message["To"] = "ana@acme.example"
    message["Date"] = "Thu, 12 Mar 2026 09:30:00 +0000"
    message["Subject"] = subject
    message.set_content("Hello\n\n.\nAna")
    message.add_alternative("<p>Hello</p>", subtype="html")
    return message


async def send(port: int, message: EmailMessage) -> None:
    await aiosmtplib.send(message, hostname="127.0.0.1", port=port, start_tls=False, timeout=limit(5))


async def test_a_mail_is_shown_as_the_page_wants_it() -> None:
    seen: list[Mail] = []
    mailbox = Mailbox(on_mail=seen.append)
    async with mailbox.serve() as port:
        await send(port, letter())

    [mail] = mailbox.mails
    assert seen == [mail]
    assert mail["id"] == "mail-1"
    assert mail["to"] == ["ana@acme.example"]
    assert mail["from"] == "Ben <ben@vendor.example>"
    assert mail["subject"] == mail["headers"]["Subject"] == "Grüße"
    assert mail["date"] == "2026-03-12T09:30:00+00:00"
    assert mail["text"] == "Hello\n\n.\nAna\n"
    assert mail["html"] == "<p>Hello</p>\n"


async def test_a_bare_mail_needs_no_headers_and_no_html() -> None:
    mailbox = Mailbox()
    async with mailbox.serve() as port, aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
        await client.sendmail("ben@vendor.example", "ana@acme.example", "\r\nHello\r\n")

    [mail] = mailbox.mails
    assert (mail["subject"], mail["date"], mail["text"], mail["html"]) == ("", "", "Hello\n", None)


async def test_mails_are_kept_in_order_with_ids_of_their_own() -> None:
    mailbox = Mailbox()
    async with mailbox.serve() as port:
        for subject in ("one", "two"):
            await send(port, letter(subject))

    assert [(mail["id"], mail["subject"]) for mail in mailbox.mails] == [("mail-1", "one"), ("mail-2", "two")]


async def test_a_fault_strikes_once() -> None:
    mailbox = Mailbox()
    mailbox.faults["RCPT"] = answer("550 5.1.1 No such mailbox")
    async with mailbox.serve() as port:
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
            await send(port, letter())
        await send(port, letter())

    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(("step", "kept"), [("DATA", 0), ("ANSWER", 1)])
async def test_a_connection_breaks_before_or_after_the_mail_was_taken(step: Step, kept: int) -> None:
    mailbox = Mailbox()
    mailbox.faults[step] = drop()
    async with mailbox.serve() as port:
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await send(port, letter())

    assert len(mailbox.mails) == kept


async def test_a_wish_for_a_port_is_granted() -> None:
    async with Mailbox().serve() as free:
        pass
    async with Mailbox().serve(free) as port:
        assert port == free


async def test_closing_the_mailbox_ends_an_open_connection() -> None:
    async with Mailbox().serve() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert (await reader.readline()).startswith(b"220 ")

    assert await asyncio.wait_for(reader.read(), limit(5)) == b""
    writer.close()
    await writer.wait_closed()
