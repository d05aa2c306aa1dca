"""Send emails to the SMTP server, one by one, and know how far each got."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

import aiosmtplib

from bot.errors import MailDeferred, MailError, MailOutcomeUnknown, MailRefused, MailSetupWrong
from bot.mail.address import wire_address
from bot.mail.outbound.smtp_replies import PERMANENT, TRANSIENT, Step, classify_reply, deferred, login_wrong

_UTF8 = ("SMTPUTF8", "BODY=8BITMIME")
# Seconds for QUIT, and for checking that an idle connection is still alive.
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """The mail server; `timeout` is in seconds, for each step of the dialogue."""

    host: str
    port: int = 587
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    timeout: float = 60.0


class Smtp:
    """An SMTP client that sends one email after the other and keeps a connection for the next.

    `trust` replaces the system's certificate authorities. A connection waits `idle` seconds for the next email; call
    `aclose` at the end.
    """

    def __init__(self, server: SmtpServer, *, trust: ssl.SSLContext | None = None, idle: float = 0.0) -> None:
        self._server = server
        self._trust = trust
        self._idle = idle
        self._turn = asyncio.Lock()
        self._kept: aiosmtplib.SMTP | None = None
        self._farewell: asyncio.Task[None] | None = None

    async def send(self, content: bytes, *, envelope_from: str, recipient: str) -> None:
        """Return once the server has accepted exactly these bytes for the recipient.

        MailDeferred, MailRefused, AddressRefused, MailSetupWrong: it was not sent. MailOutcomeUnknown: it may have
        been.
        """
        sender, recipient = wire_address(envelope_from), wire_address(recipient)
        beyond_ascii = not (sender + recipient).isascii() or not content.partition(b"\r\n\r\n")[0].isascii()
        async with self._turn:
            session = await self._begun(sender, _UTF8 if beyond_ascii else ())
            async with self._surviving(session):
                with _nothing_sent(Step.RECIPIENT):
                    await session.rcpt(recipient, encoding="utf-8")
                with _perhaps_sent():
                    await session.data(content)
            # The email's outcome was settled before QUIT.
            await self._keep(session)

    async def check(self, *, envelope_from: str) -> None:
        """Run the steps of sending that precede the recipient: connect, encrypt, log in, name the sender. Then
        disconnect.

        Raises MailSetupWrong, MailRefused or MailDeferred with the reason if a step fails.
        """
        sender = wire_address(envelope_from)
        session = await self._connected()
        with _or_closed(session), _nothing_sent(Step.SENDER):
            await _mail_from(session, sender, () if sender.isascii() else _UTF8)
        with suppress(aiosmtplib.SMTPException, OSError), _or_closed(session):
            await session.rset(timeout=_PATIENCE)
        await _leave(session)

    async def aclose(self) -> None:
        """Close the connection that waits for the next email, if any."""
        async with self._turn:
            if kept := self._take_kept():
                await _leave(kept)

    async def _begun(self, sender: str, options: Sequence[str]) -> aiosmtplib.SMTP:
        """Open a session in which the server has accepted the sender."""
        if kept := self._take_kept():
            # Servers hang up on idle clients, or after a number of emails. Nothing has been sent, so a new connection
            # takes over, and it shows what is still wrong.
            with suppress(aiosmtplib.SMTPException, OSError), _or_closed(kept):
                await kept.rset(timeout=_PATIENCE)
                await _mail_from(kept, sender, options)
                return kept
        session = await self._connected()
        async with self._surviving(session):
            with _nothing_sent(Step.SENDER):
                await _mail_from(session, sender, options)
        return session

    async def _connected(self) -> aiosmtplib.SMTP:
        server = self._server
        session = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            timeout=server.timeout,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            tls_context=self._trust,
        )
        with _or_closed(session), _opening(server):
            await session.connect()
            await _greet(session)
        return session

    @asynccontextmanager
    async def _surviving(self, session: aiosmtplib.SMTP) -> AsyncIterator[None]:
        """Keep the session if an email fails by the server's answer; after silence, its state is unknown."""
        try:
            yield
        except MailError as exc:
            answer = exc.__cause__
            if isinstance(answer, aiosmtplib.SMTPResponseException) and answer.code in (*TRANSIENT, *PERMANENT):
                await self._keep(session)
            else:
                session.close()
            raise
        except BaseException:
            session.close()
            raise

    async def _keep(self, session: aiosmtplib.SMTP) -> None:
        if self._idle > 0 and session.is_connected:
            self._kept = session
            self._farewell = asyncio.create_task(self._leave_later())
        else:
            await _leave(session)

    async def _leave_later(self) -> None:
        await asyncio.sleep(self._idle)
        async with self._turn:
            if self._kept is not None:
                kept, self._kept = self._kept, None
                await _leave(kept)

    def _take_kept(self) -> aiosmtplib.SMTP | None:
        """Return the connection that waits, if any. Only the holder of the lock calls this."""
        if self._farewell is not None:
            self._farewell.cancel()
        kept, self._kept, self._farewell = self._kept, None, None
        return kept


async def _greet(session: aiosmtplib.SMTP) -> None:
    """Send EHLO, or HELO if the server does not know EHLO and so has no extensions either."""
    if session.is_ehlo_or_helo_needed:
        try:
            await session.ehlo()
        except aiosmtplib.SMTPHeloError as exc:
            if exc.code not in PERMANENT:
                raise
            await session.helo()


async def _mail_from(session: aiosmtplib.SMTP, sender: str, options: Sequence[str]) -> None:
    if options and not session.supports_extension("smtputf8"):
        raise MailRefused(
            "The address has letters outside ASCII before the @, and the mail server can't send there (SMTPUTF8). "
            "Please write to it by hand."
        )
    await session.mail(sender, options=options, encoding="utf-8")


async def _leave(session: aiosmtplib.SMTP) -> None:
    try:
        with suppress(aiosmtplib.SMTPException, OSError):
            await session.quit(timeout=_PATIENCE)
    finally:
        session.close()


@contextmanager
def _or_closed(session: aiosmtplib.SMTP) -> Iterator[None]:
    """Close the session if anything goes wrong, including cancellation."""
    try:
        yield
    except BaseException:
        session.close()
        raise


@contextmanager
def _opening(server: SmtpServer) -> Iterator[None]:
    """Translate errors up to the login."""
    place = f"the mail server {server.host}:{server.port}"
    try:
        yield
    except aiosmtplib.SMTPResponseException as exc:
        if exc.code in TRANSIENT:
            raise deferred("the connection", exc.code) from exc
        if isinstance(exc, aiosmtplib.SMTPAuthenticationError):
            raise login_wrong(exc.code) from exc
        raise MailSetupWrong(
            f"What answers at {place} doesn't accept the bot ({exc.code}): check SMTP_HOST, SMTP_PORT and SMTP_TLS."
        ) from exc
    except (aiosmtplib.SMTPTimeoutError, aiosmtplib.SMTPServerDisconnected) as exc:
        raise MailDeferred(f"No answer from {place}: if this lasts, check SMTP_HOST, SMTP_PORT and SMTP_TLS.") from exc
    except (aiosmtplib.SMTPException, OSError, UnicodeError) as exc:
        raise MailSetupWrong(_why_not(exc, server)) from exc


@contextmanager
def _nothing_sent(step: Step) -> Iterator[None]:
    """Translate errors before the content is sent."""
    try:
        yield
    except aiosmtplib.SMTPResponseException as exc:
        raise classify_reply(step, exc.code, exc.message) from exc
    except (aiosmtplib.SMTPException, OSError) as exc:
        raise MailDeferred(f"The mail server went silent at {step}. Nothing was sent; try again later.") from exc


@contextmanager
def _perhaps_sent() -> Iterator[None]:
    """Translate errors from DATA on.

    The library does not tell whether the connection broke just before the content or after it; both are unknown.
    """
    try:
        yield
    except (aiosmtplib.SMTPException, OSError) as exc:
        if isinstance(exc, aiosmtplib.SMTPResponseException) and (exc.code in TRANSIENT or exc.code in PERMANENT):
            raise classify_reply(Step.CONTENT, exc.code, exc.message) from exc
        raise MailOutcomeUnknown(
            "The mail server went silent during the email, so it may have been sent. Check before you send it again."
        ) from exc


def _why_not(exc: Exception, server: SmtpServer) -> str:
    """Return what a person should fix when there is no session."""
    place = f"the mail server {server.host}:{server.port}"
    cause = exc.__cause__ or exc
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The certificate of {place} is not trusted: check SMTP_HOST, or install its authority."
    if isinstance(cause, ssl.SSLError):
        return f"{_upper(place)} does not encrypt as we ask it to: check SMTP_PORT and SMTP_TLS."
    if isinstance(cause, (socket.gaierror, UnicodeError)):
        return f"Cannot find the mail server {server.host} (DNS): check SMTP_HOST, and the network of this machine."
    if isinstance(cause, (aiosmtplib.SMTPServerDisconnected, ConnectionResetError)):
        return f"{_upper(place)} hangs up at once: check SMTP_PORT and SMTP_TLS, and that it serves this machine."
    if isinstance(cause, OSError):
        return f"Cannot reach {place}: check SMTP_HOST, SMTP_PORT and SMTP_TLS, and that the server runs."
    return f"{_upper(place)} lacks the encryption or the login we need: check SMTP_TLS and SMTP_USERNAME."


def _upper(place: str) -> str:
    return f"{place[0].upper()}{place[1:]}"
