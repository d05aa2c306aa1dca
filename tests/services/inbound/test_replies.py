"""The reader of the mailbox for replies, against a real IMAP server that misbehaves now and then."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import EmailMessage
from functools import partial

import pytest

from bot.concurrency.backoff import Backoff
from bot.concurrency.tasks import cancel_and_wait
from bot.demo.fake_imap import PASSWORD, USERNAME, ReplyMailbox
from bot.mail.inbound.imap import ImapAccount, Secret
from bot.mail.inbound.oauth_token import fetch_token
from bot.mail.inbound.verp import Purpose, envelope_sender, read_tagged_address, tagged_address
from bot.services.inbound import replies
from bot.services.inbound.bounces import BounceHandler
from bot.services.inbound.replies import Inbox, ReplyReader
from bot.services.operations.alerts import AdminAlerts
from bot.store import Store
from bot.store.reply_tables import mailbox as mailbox_table
from bot.store.reply_tables import reply as reply_table
from tests.builders import contact, license_
from tests.machine import limit
from tests.mail.xoauth2 import TokenServer, application, only_tokens
from tests.store.steps import CHANNEL, bring, mailed, only_card, order, report, rows
from tests.world import Clock

KEY = b"a key"
OURS = "<1@vendor.example>"


async def password() -> Secret:
    return Secret(PASSWORD)


async def nothing(*_: object) -> None:
    return None


def reader_of(store: Store, port: int, **changes: object) -> ReplyReader:
    account = ImapAccount(host="127.0.0.1", port=port, tls="none", username=USERNAME, folder="INBOX")
    bounce = partial(read_tagged_address, keys=[KEY], purpose=Purpose.BOUNCE)
    inbox = Inbox(
        account=account,
        secret=password,
        reply_tag=partial(read_tagged_address, keys=[KEY], purpose=Purpose.REPLY),
        bounce_tag=bounce,
        is_own=lambda address: address.endswith("@vendor.example"),
    )
    clock = Clock()
    return ReplyReader(
        store,
        replace(inbox, **changes),  # type: ignore[arg-type]  # by its field
        bounces=BounceHandler(store.bounces, verp=bounce, tell=nothing, tell_unclear=nothing, clock=clock),
        alerts=AdminAlerts(store, admins=(), channel=CHANNEL, clock=clock),
        clock=clock,
    )


@asynccontextmanager
async def reading(reader: ReplyReader) -> AsyncIterator[None]:
    task = asyncio.create_task(reader.run())
    try:
        yield
    finally:
        await cancel_and_wait(task)


async def until(store: Store, condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(limit(20)):
        moment = store.database.writes
        while not await condition():
            await store.database.written(moment, seconds=1)
            moment = store.database.writes


def message(number: int, *, to: str = USERNAME, sender: str = "ana@acme.example", **headers: str) -> bytes:
    found = EmailMessage()
    found["From"], found["To"], found["Subject"] = sender, to, f"Re: number {number}"
    found["Message-ID"] = f"<r{number}@acme.example>"
    for name, value in headers.items():
        found[name.replace("_", "-")] = value
    found.set_content(f"reply number {number}")
    return found.as_bytes()


@pytest.fixture
async def mail_id(store: Store) -> int:
    """An email of ours that was sent."""
    await report(store, license_(technical=contact()))
    await bring(store)
    sent = await mailed(store, order((await only_card(store)).evaluation.id))
    return sent.mail_id


async def recorded(store: Store, count: int) -> bool:
    return len(await rows(store, reply_table)) == count


async def test_each_reply_is_read_once_whatever_the_server_repeats_or_forgets(store: Store, mail_id: int) -> None:
    tagged = tagged_address(USERNAME, mail_id, KEY, Purpose.REPLY)
    box = ReplyMailbox()
    async with box.serve() as port:
        for number in range(3):
            await box.deliver(message(number, In_Reply_To=OURS))
        await box.deliver(message(0, In_Reply_To=OURS))
        await box.deliver(message(8, sender="ana@vendor.example", In_Reply_To=OURS))  # a colleague of ours
        await box.deliver(message(9))  # of somebody else
        async with reading(reader_of(store, port)):
            await until(store, lambda: recorded(store, 3))
            await box.deliver(message(3, to=tagged))
            await until(store, lambda: recorded(store, 4))
            box.drop()
            await box.deliver(message(4, In_Reply_To=OURS))
    [before] = await rows(store, mailbox_table)
    moved = ReplyMailbox()  # the same messages and one more, under other numbers
    async with moved.serve(port):
        for number in range(6):
            await moved.deliver(message(number, In_Reply_To=OURS))
        async with reading(reader_of(store, port)):
            await until(store, lambda: recorded(store, 6))
    [after] = await rows(store, mailbox_table)
    assert before.uidvalidity != after.uidvalidity


async def test_a_token_that_expires_in_the_middle_is_replaced(
    store: Store, mail_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replies, "_BACKOFF", Backoff(base=0.01, maximum=0.1))
    tokens, box = TokenServer(), ReplyMailbox()
    async with tokens.serve() as url, box.serve() as port, only_tokens(port, tokens) as front:
        await box.deliver(message(1, In_Reply_To=OURS))

        async def secret() -> Secret:
            return Secret(await fetch_token(application(url)), is_token=True)

        async with reading(reader_of(store, front, secret=secret)):
            await until(store, lambda: recorded(store, 1))
            tokens.expire()
            box.drop()
            await box.deliver(message(2, In_Reply_To=OURS))
            await until(store, lambda: recorded(store, 2))
    assert tokens.given == 2


async def test_a_bounce_that_comes_to_the_mailbox_blocks_the_address(store: Store, mail_id: int) -> None:
    report_ = (
        f"From: mailer-daemon@acme.example\r\nTo: {envelope_sender(USERNAME, mail_id, KEY)}\r\nMessage-ID: <b@x>\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        "Final-Recipient: rfc822; ana@acme.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )
    box = ReplyMailbox()
    async with box.serve() as port:
        await box.deliver(report_.encode())

        async def is_blocked() -> bool:
            return any(each.dnc_entry for each in (await only_card(store)).people)

        async with reading(reader_of(store, port)):
            await until(store, is_blocked)
    assert await rows(store, reply_table) == []


async def test_it_ends_at_once_while_the_server_says_nothing(store: Store) -> None:
    is_asked, is_over, is_closed = (asyncio.Event() for _ in range(3))

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK here\r\n")
        await reader.readline()
        is_asked.set()
        await is_over.wait()
        writer.close()
        await writer.wait_closed()
        is_closed.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        reader = reader_of(store, server.sockets[0].getsockname()[1])
        task = asyncio.create_task(reader.run())
        await is_asked.wait()
        async with asyncio.timeout(limit(10)):
            await cancel_and_wait(task)
        is_over.set()
        await is_closed.wait()
