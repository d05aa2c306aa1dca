"""An SMTP server on loopback that accepts every email and can be told to misbehave."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default
from typing import Literal, TypedDict
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

# It would log every address it sees.
logging.getLogger("mail.log").setLevel(logging.ERROR)

Mail = TypedDict(
    "Mail",
    {
        "id": str,
        "to": list[str],
        "from": str,
        "subject": str,
        "date": str,
        "text": str,
        "html": str | None,
        "headers": dict[str, str],
    },
)
"""An email as the page shows it; `to` is the envelope's, `date` is ISO 8601 or empty."""

Step = Literal["MAIL", "RCPT", "DATA", "ANSWER"]
"""The step of a fault. DATA: the content is refused; ANSWER: it is accepted, and the reply is lost."""

Fault = Callable[[SMTP], Awaitable[str]]
"""What happens at a step instead of “250 OK”; returns the reply."""


def answer(reply: str) -> Fault:
    """Reply with this line, such as `451 4.7.1 Come back later`."""

    async def fault(_: SMTP) -> str:
        return reply

    return fault


def drop() -> Fault:
    """Break the connection without a reply."""

    async def fault(smtp: SMTP) -> str:
        if isinstance(smtp.transport, asyncio.WriteTransport):
            smtp.transport.abort()
        return await asyncio.Future()  # the lost connection cancels us

    return fault


def hang(until: asyncio.Event) -> Fault:
    """Say nothing until the event is set."""

    async def fault(_: SMTP) -> str:
        await until.wait()
        return "250 OK"

    return fault


class Mailbox:
    """An SMTP server in this process.

    With a certificate it speaks TLS: from the start, or after STARTTLS, which it then requires. With a login (name,
    password) it requires that. `faults` are the next things to go wrong, once each.
    """

    def __init__(
        self,
        *,
        on_mail: Callable[[Mail], None] = lambda _: None,
        certificate: ssl.SSLContext | None = None,
        tls: Literal["starttls", "tls"] = "starttls",
        login: tuple[str, str] | None = None,
    ) -> None:
        self.mails: list[Mail] = []
        self.faults: dict[Step, Fault] = {}
        self._on_mail = on_mail
        self._certificate = certificate
        self._tls = tls
        self._login = login
        self._talks: WeakSet[SMTP] = WeakSet()

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[int]:
        """Listen on 127.0.0.1. Yields the port; the system chooses one for 0."""
        encrypted = self._certificate if self._tls == "tls" else None
        server = await asyncio.get_running_loop().create_server(self._talk, "127.0.0.1", port, ssl=encrypted)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for talk in self._talks:
                if isinstance(talk.transport, asyncio.WriteTransport):
                    talk.transport.abort()
            await server.wait_closed()
            await asyncio.sleep(0)  # aborted connections end on the next turn of the loop

    def _talk(self) -> SMTP:
        upgrade = self._certificate if self._tls == "starttls" else None
        talk = SMTP(
            _Hooks(self.faults, self._take),
            hostname="mailbox.test",
            loop=asyncio.get_running_loop(),
            tls_context=upgrade,
            require_starttls=upgrade is not None,
            auth_required=self._login is not None,
            authenticator=self._authenticate,
        )
        self._talks.add(talk)
        return talk

    def _authenticate(self, _: SMTP, __: Session, ___: Envelope, ____: str, given: object) -> AuthResult:
        known = self._login and LoginPassword(self._login[0].encode(), self._login[1].encode())
        # With handled=True the client would wait forever for the refusal.
        return AuthResult(success=given == known, handled=False)

    def _take(self, envelope: Envelope) -> None:
        content = envelope.content
        message = message_from_bytes(content if isinstance(content, bytes) else b"", EmailMessage, policy=default)
        text, html = message.get_body(("plain",)), message.get_body(("html",))
        date = message["Date"]
        mail: Mail = {
            "id": f"mail-{len(self.mails) + 1}",
            "to": list(envelope.rcpt_tos),
            "from": str(message["From"] or ""),
            "subject": str(message["Subject"] or ""),
            "date": date.datetime.isoformat() if date and date.datetime else "",
            "text": _words(text) or "",
            "html": _words(html),
            "headers": {name: str(value) for name, value in message.items()},
        }
        self.mails.append(mail)
        self._on_mail(mail)


def _words(part: MIMEPart | None) -> str | None:
    # A part without headers is falsy: compare with None.
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")


class _Hooks:
    """What aiosmtpd calls at each step; it finds the methods by these names."""

    def __init__(self, faults: dict[Step, Fault], take: Callable[[Envelope], None]) -> None:
        self._faults = faults
        self._take = take

    async def handle_MAIL(self, smtp: SMTP, _: Session, envelope: Envelope, sender: str, __: list[str]) -> str:  # noqa: N802
        reply = await self._reply("MAIL", smtp)
        if reply.startswith("2"):
            envelope.mail_from = sender
        return reply

    async def handle_RCPT(self, smtp: SMTP, _: Session, envelope: Envelope, recipient: str, __: list[str]) -> str:  # noqa: N802
        reply = await self._reply("RCPT", smtp)
        if reply.startswith("2"):
            envelope.rcpt_tos.append(recipient)
        return reply

    async def handle_DATA(self, smtp: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = await self._reply("DATA", smtp)
        if reply.startswith("2"):
            self._take(envelope)
            reply = await self._reply("ANSWER", smtp)
        return reply

    async def _reply(self, step: Step, smtp: SMTP) -> str:
        fault = self._faults.pop(step, None)
        return await fault(smtp) if fault else "250 OK"
