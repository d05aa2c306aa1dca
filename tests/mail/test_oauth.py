"""A mailbox that an OAuth token opens, as that of Exchange Online."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from bot.demo.fake_imap import USERNAME, ReplyMailbox
from bot.errors import MailboxRefused, MailboxUnavailable
from bot.mail.inbound import oauth_token
from bot.mail.inbound.imap import ImapAccount, ImapMailbox, Secret
from bot.mail.inbound.oauth_token import fetch_token
from tests.log_watch import WATCH
from tests.mail.dovecot import AVAILABLE, dovecot
from tests.mail.xoauth2 import SECRET, TokenServer, application, only_tokens

WATCH.keep_private("a token", [SECRET, "token-1"])


async def hang() -> web.StreamResponse:
    return await asyncio.Future()


def says(body: str, status: int = 200) -> Callable[[], Awaitable[web.StreamResponse]]:
    async def answer() -> web.StreamResponse:
        return web.Response(text=body, status=status, content_type="application/json")

    return answer


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (says('{"error": "invalid_scope"}', 400), MailboxRefused, "IMAP_SCOPE"),
        (says("<html>sign in</html>"), MailboxRefused, "IMAP_TOKEN_URL"),
        (says('{"access_token": "a\\r\\nb"}'), MailboxRefused, "gives no token"),
        (says('{"error": "temporarily_unavailable"}', 503), MailboxUnavailable, "no token now"),
        (says("", 429), MailboxUnavailable, "no token now"),
        (hang, MailboxUnavailable, "cannot be reached"),
    ],
    ids=["a wrong scope", "no JSON", "not a token", "down", "busy", "slow"],
)
async def test_a_server_without_a_token_is_told_apart_from_one_that_refuses(
    fault: Callable[[], Awaitable[web.StreamResponse]],
    error: type[Exception],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(oauth_token, "_TIMEOUT_S", 0.2 if fault is hang else 20.0)
    tokens = TokenServer()
    async with tokens.serve() as url:
        tokens.fault = fault
        with pytest.raises(error, match=words):
            await fetch_token(application(url))
        monkeypatch.setattr(oauth_token, "_TIMEOUT_S", 20.0)
        assert await fetch_token(application(url)) == "token-1"


async def test_a_wrong_secret_is_named_and_not_repeated() -> None:
    async with TokenServer().serve() as url:
        with pytest.raises(MailboxRefused, match="IMAP_CLIENT_SECRET") as caught:
            await fetch_token(application(url, secret="another"))
    assert SECRET not in str(caught.value)


async def test_a_token_without_the_right_to_the_mailbox_is_refused_once_and_for_all() -> None:
    tokens, box = TokenServer(), ReplyMailbox()
    async with box.serve() as port, only_tokens(port, tokens) as front:
        mailbox = ImapMailbox(account(front))
        with pytest.raises(MailboxRefused, match="OAuth application and its permission"):
            await asyncio.to_thread(mailbox.open, Secret("of somebody else", is_token=True))
        await asyncio.to_thread(mailbox.close)


async def test_a_server_that_hangs_up_at_the_login_refuses_nothing() -> None:
    tokens, box = TokenServer(), ReplyMailbox()
    async with box.serve() as port, only_tokens(port, tokens, hangs_up=True) as front:
        mailbox = ImapMailbox(account(front))
        with pytest.raises(MailboxUnavailable, match="broke"):
            await asyncio.to_thread(mailbox.open, Secret("a token", is_token=True))
        await asyncio.to_thread(mailbox.close)


@pytest.mark.slow
@pytest.mark.skipif(not AVAILABLE, reason="needs Dovecot (dovecot-imapd of Debian), started by root")
async def test_dovecot_takes_the_token_and_asks_the_server_that_gave_it() -> None:
    tokens = TokenServer()
    async with tokens.serve() as url, dovecot(introspection=f"{url}/introspect") as server:
        mailbox = ImapMailbox(account(server.port))
        token = await fetch_token(application(url))
        opened = await asyncio.to_thread(mailbox.open, Secret(token, is_token=True))
        assert opened.has_idle
        await asyncio.to_thread(mailbox.close)
        tokens.expire()
        with pytest.raises(MailboxRefused, match="OAuth application"):
            await asyncio.to_thread(mailbox.open, Secret("token-9", is_token=True))
        await asyncio.to_thread(mailbox.close)


def account(port: int) -> ImapAccount:
    return ImapAccount(host="127.0.0.1", port=port, tls="none", username=USERNAME, folder="INBOX")
