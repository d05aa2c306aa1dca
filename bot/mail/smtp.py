"""Hand one mail to the SMTP server, and know how far it got."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Literal

import aiosmtplib

from bot.errors import MailDeferred, MailError, MailOutcomeUnknown, MailRefused, MailSetupWrong
from bot.mail.compose import ascii_address

_LATER = range(400, 500)
_NO = range(500, 600)
# RFC 4954 and RFC 3207: the server wants a login, another login, or encryption first.
_LOGIN_WANTED = frozenset({530, 534, 535, 538})
_GOODBYE_PATIENCE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mail is handed in; `timeout` is in seconds and holds for each step of the talk."""

    host: str
    port: int = 587
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    timeout: float = 60.0


class Smtp:
    """A client that sends each mail over a connection of its own.

    `trust` replaces the system's certificate authorities.
    """

    def __init__(self, server: SmtpServer, *, trust: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._trust = trust

    async def send(self, message: EmailMessage, *, recipient: str) -> None:
        """Return once the server has accepted the mail for the recipient.

        MailDeferred, MailRefused, MailSetupWrong: it was not sent. MailOutcomeUnknown: it may have been.
        """
        recipient = ascii_address(recipient)
        sender = parseaddr(message["From"])[1]
        content = message.as_bytes()
        async with self._session() as session:
            with _nothing_sent("the sender"):
                await session.mail(sender)
            with _nothing_sent("the recipient"):
                await session.rcpt(recipient)
            with _perhaps_sent():
                await session.data(content)

    async def check(self) -> None:
        """Connect, log in and leave; MailSetupWrong or MailDeferred says what stands in the way."""
        async with self._session():
            pass

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiosmtplib.SMTP]:
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
        try:
            with _opening(server):
                await session.connect()
            yield session
            # Whatever the mail was worth, it was settled before the goodbye.
            with suppress(aiosmtplib.SMTPException, OSError):
                await session.quit(timeout=_GOODBYE_PATIENCE)
        finally:
            session.close()


@contextmanager
def _opening(server: SmtpServer) -> Iterator[None]:
    """Translate what goes wrong up to the login."""
    place = f"the mail server {server.host}:{server.port}"
    try:
        yield
    except aiosmtplib.SMTPResponseException as exc:
        if exc.code in _LATER:
            raise _deferred("the connection", exc.code) from exc
        if isinstance(exc, aiosmtplib.SMTPAuthenticationError):
            raise _login_wrong(exc.code) from exc
        raise MailSetupWrong(
            f"What answers at {place} does not talk to us ({exc.code}): check SMTP_HOST, SMTP_PORT and SMTP_TLS."
        ) from exc
    except (aiosmtplib.SMTPTimeoutError, aiosmtplib.SMTPServerDisconnected) as exc:
        raise MailDeferred(f"No answer from {place}: if it stays so, check SMTP_HOST, SMTP_PORT and SMTP_TLS.") from exc
    except (aiosmtplib.SMTPException, OSError, UnicodeError) as exc:
        raise MailSetupWrong(_why_not(exc, place)) from exc


@contextmanager
def _nothing_sent(subject: str) -> Iterator[None]:
    """Translate what goes wrong before the content leaves us."""
    try:
        yield
    except aiosmtplib.SMTPResponseException as exc:
        raise _verdict(subject, exc.code) from exc
    except (aiosmtplib.SMTPException, OSError) as exc:
        raise MailDeferred(f"The mail server went silent over {subject}; nothing was sent, try again later.") from exc


@contextmanager
def _perhaps_sent() -> Iterator[None]:
    """Translate what goes wrong from the word DATA on.

    The library does not tell whether the connection broke just before the content or after it: both are unknown.
    """
    try:
        yield
    except (aiosmtplib.SMTPException, OSError) as exc:
        if isinstance(exc, aiosmtplib.SMTPResponseException) and (exc.code in _LATER or exc.code in _NO):
            raise _verdict("the content", exc.code) from exc
        raise MailOutcomeUnknown(
            "The mail server went silent while it took the mail: it may have gone. Look before you send it again."
        ) from exc


def _verdict(subject: str, code: int) -> MailError:
    """What the server's answer means; its text is left out, as it often repeats the address."""
    if code in _LOGIN_WANTED:
        return _login_wrong(code)
    if code in _NO:
        return MailRefused(f"The mail server refused {subject} (code {code}); trying again will not help.")
    return _deferred(subject, code)


def _deferred(subject: str, code: int) -> MailDeferred:
    return MailDeferred(f"The mail server put off {subject} (code {code}); nothing was sent, try again later.")


def _login_wrong(code: int) -> MailSetupWrong:
    return MailSetupWrong(
        f"The mail server refused the login (code {code}): check SMTP_USERNAME, SMTP_PASSWORD and SMTP_TLS."
    )


def _why_not(exc: Exception, place: str) -> str:
    """What a person should mend when no session came about."""
    cause = exc.__cause__ or exc
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The certificate of {place} is not trusted: check SMTP_HOST, or install its authority."
    if isinstance(cause, (OSError, UnicodeError)):
        return f"Cannot reach {place}: check SMTP_HOST, SMTP_PORT and SMTP_TLS, and that the server runs."
    return f"{place[0].upper()}{place[1:]} lacks the encryption or the login we need: check SMTP_TLS and SMTP_USERNAME."
