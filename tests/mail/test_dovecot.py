"""The mailbox for replies on Dovecot, which is what most mailboxes are on."""

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from bot.errors import MailboxRefused
from bot.mail.inbound.imap import After, ImapAccount, ImapMailbox, Secret
from bot.mail.inbound.reply import FIELDS
from tests.mail.dovecot import AVAILABLE, PASSWORD, dovecot

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AVAILABLE, reason="needs Dovecot (dovecot-imapd of Debian), started by root"),
]
MESSAGE = b"From: ana@acme.example\r\nSubject: Re: hi\r\nMessage-ID: <%d@acme.example>\r\n\r\nhello %d\r\n"


async def test_it_reads_waits_marks_and_moves_as_configured() -> None:
    async with dovecot() as server:
        server.deliver(MESSAGE % (1, 1), 1)
        account = ImapAccount(host="127.0.0.1", port=server.port, tls="none", username="replies", folder="INBOX")
        mailbox = ImapMailbox(account)
        with pytest.raises(MailboxRefused, match="IMAP_PASSWORD"):
            await asyncio.to_thread(mailbox.open, Secret("wrong"))
        opened = await asyncio.to_thread(mailbox.open, Secret(PASSWORD))
        assert (opened.has_idle, opened.uidnext) == (True, 2)
        assert await asyncio.to_thread(lambda: mailbox.uids(after=0, since=date(2026, 1, 1))) == [1]
        [header] = await asyncio.to_thread(mailbox.headers, [1], FIELDS)
        assert b"<1@acme.example>" in header.content
        assert b"hello" not in header.content
        assert b"hello 1" in await asyncio.to_thread(mailbox.body, 1)
        waiting = asyncio.create_task(asyncio.to_thread(lambda: mailbox.wait(10, idle=True)))
        server.deliver(MESSAGE % (2, 2), 2)
        await waiting
        assert await asyncio.to_thread(lambda: mailbox.uids(after=1, since=None)) == [2]
        await asyncio.to_thread(mailbox.close)
        assert not any("S" in name.rpartition(",")[2] for name in server.files())

        moving = ImapMailbox(replace(account, after=After.MOVE, archive="Done"))
        await asyncio.to_thread(moving.open, Secret(PASSWORD))
        await asyncio.to_thread(moving.settle, [1])
        await asyncio.to_thread(moving.close)
        assert (len(server.files()), len(server.files(".Done"))) == (1, 1)
        unknown = ImapMailbox(replace(account, folder="Nowhere"))
        with pytest.raises(MailboxRefused, match="IMAP_FOLDER"):
            await asyncio.to_thread(unknown.open, Secret(PASSWORD))
        await asyncio.to_thread(unknown.close)
