"""Read a mailbox by IMAP. Every method blocks, and all but `interrupt` belong to one thread."""

import logging
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from threading import Event
from typing import Any, Final

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from bot.errors import MailboxRefused, MailboxUnavailable

# It would log every line that it sends and gets.
logging.getLogger("imapclient").setLevel(logging.ERROR)

BATCH: Final = 250
"""Messages whose headers are fetched at a time."""
_CONNECT_TIMEOUT_S: Final = 5.0
"""The bot stops within ten seconds, and nothing interrupts this."""
_TIMEOUT_S: Final = 30.0
_HEADER_BYTES: Final = 32_768
"""Bytes fetched of the fields that are asked for."""
_BODY_BYTES: Final = 262_144
"""Bytes fetched of a message. The text comes first; files after it stay in the mailbox, however large they are."""
_TEMPORARY: Final = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "temporar", "try again", "too many")
"""How servers refuse a login that may be accepted later."""


class After(StrEnum):
    """What happens to a reply in the mailbox once it was read."""

    LEAVE = "leave"
    SEEN = "seen"
    MOVE = "move"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapAccount:
    """Where the mailbox is."""

    host: str
    port: int
    tls: str
    """`tls`, `starttls` or `none`."""
    username: str
    folder: str
    after: After = After.LEAVE
    archive: str = ""
    """The folder that replies are moved to."""
    trust: ssl.SSLContext | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Secret:
    """What opens the mailbox: a password, or an access token of OAuth."""

    text: str = field(repr=False)
    is_token: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFolder:
    """The folder as it was opened."""

    uidvalidity: int
    uidnext: int
    has_idle: bool


@dataclass(frozen=True, slots=True)
class FetchedHeader:
    """Some fields of a message's header, or their beginning."""

    uid: int
    content: bytes = field(repr=False)


class ImapMailbox:
    """A connection to the mailbox. It changes nothing there, unless `After` says so."""

    def __init__(self, account: ImapAccount) -> None:
        self._account = account
        self._client: IMAPClient | None = None
        self._is_interrupted = Event()

    def open(self, secret: Secret) -> OpenFolder:
        """Connect, log in and open the folder. Raises MailboxRefused or MailboxUnavailable."""
        self.close()
        account = self._account
        with _explained():
            self._client = client = self._connect()
            self._log_in(client, secret)
        try:
            with _explained():
                found = client.select_folder(account.folder, readonly=account.after is After.LEAVE)
                if account.after is After.MOVE and not client.folder_exists(account.archive):
                    raise MailboxRefused("The mailbox has no folder with the name in IMAP_AFTER. Create it there.")
                # Some servers name what they can do only after the login.
                has_idle = client.has_capability("IDLE")
        except _Refused as exc:
            raise MailboxRefused(
                "The mailbox has no folder with the name in IMAP_FOLDER, or the login may not read it."
            ) from exc
        return OpenFolder(
            uidvalidity=int(found[b"UIDVALIDITY"]), uidnext=int(found.get(b"UIDNEXT", 1)), has_idle=has_idle
        )

    def uids(self, *, after: int, since: date | None) -> list[int]:
        """Return the UIDs of the messages above one, or of all that arrived since a day, in order."""
        criteria: list[Any] = ["SINCE", since] if since is not None else ["UID", f"{after + 1}:*"]
        with _explained():
            # A range always has at least the last message.
            return sorted(uid for uid in self._open.search(criteria) if uid > after)

    def headers(self, uids: Sequence[int], fields: Sequence[str]) -> list[FetchedHeader]:
        """Return these fields of the headers of some messages, in order. Messages that are gone are left out."""
        section = f"BODY.PEEK[HEADER.FIELDS ({' '.join(fields).upper()})]<0.{_HEADER_BYTES}>"
        with _explained():
            found = self._open.fetch(uids, [section])
        return [FetchedHeader(uid, _content(found[uid])) for uid in uids if uid in found]

    def body(self, uid: int) -> bytes:
        """Return the beginning of a message; empty if it is gone."""
        with _explained():
            found = self._open.fetch([uid], [f"BODY.PEEK[]<0.{_BODY_BYTES}>"])
        return _content(found[uid]) if uid in found else b""

    def settle(self, uids: Sequence[int]) -> None:
        """Mark replies that were read as seen, or move them, as the settings say."""
        account, client = self._account, self._open
        if account.after is After.LEAVE or not uids:
            return
        with _explained():
            client.add_flags(uids, [b"\\Seen"], silent=True)
            if account.after is After.MOVE and client.has_capability("MOVE"):
                client.move(uids, account.archive)
            elif account.after is After.MOVE:
                client.copy(uids, account.archive)
                client.delete_messages(uids, silent=True)

    def wait(self, seconds: float, *, idle: bool) -> None:
        """Wait until something changes in the folder, at most so many seconds. Without IDLE, wait them all."""
        with _explained():
            if not idle:
                self._is_interrupted.wait(seconds)
                self._open.noop()
                return
            self._open.idle()
            self._open.idle_check(timeout=seconds)
            self._open.idle_done()

    def close(self) -> None:
        """Log out and close the connection, whatever state it is in."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            client.logout()
        except (OSError, IMAPClientError):
            with suppress(OSError, IMAPClientError):
                client.shutdown()

    def interrupt(self) -> None:
        """Break the connection, so that the call that waits for it ends. Any thread may do so."""
        self._is_interrupted.set()
        client = self._client
        if client is not None:
            with suppress(OSError):
                # That of the class: for TLS, the object's own would take the connection's state away under the reader.
                socket.socket.shutdown(client.socket(), socket.SHUT_RDWR)

    @property
    def _open(self) -> IMAPClient:
        if self._client is None:
            raise MailboxUnavailable("The connection to the mailbox is closed.")
        return self._client

    def _connect(self) -> IMAPClient:
        account = self._account
        client = IMAPClient(
            account.host,
            port=account.port,
            ssl=account.tls == "tls",
            ssl_context=account.trust,
            timeout=SocketTimeout(_CONNECT_TIMEOUT_S, _TIMEOUT_S),
        )
        if account.tls == "starttls":
            client.starttls(account.trust)
        return client

    def _log_in(self, client: IMAPClient, secret: Secret) -> None:
        try:
            if secret.is_token:
                client.oauth2_login(self._account.username, secret.text)
            else:
                client.login(self._account.username, secret.text)
        except LoginError as exc:
            if isinstance(exc.__context__, IMAPClientAbortError):
                raise exc.__context__ from exc
            if any(words.lower() in str(exc).lower() for words in _TEMPORARY):
                raise MailboxUnavailable("The mailbox's server does not take a login now.") from exc
            what = "the OAuth application and its permission" if secret.is_token else "IMAP_USERNAME and IMAP_PASSWORD"
            raise MailboxRefused(f"The mailbox's server refused the login. Check {what}.") from exc


class _Refused(MailboxUnavailable):
    """The server understood a command and refused it."""


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what the library raises into errors of ours. The server's words may hold an address, so none are kept."""
    try:
        yield
    except ssl.SSLCertVerificationError as exc:
        raise MailboxRefused(
            "The certificate of the mailbox's server is not valid for IMAP_HOST. Check the name and SSL_CERT_FILE."
        ) from exc
    except IMAPClientAbortError as exc:
        raise MailboxUnavailable("The connection to the mailbox broke.") from exc
    except IMAPClientError as exc:
        raise _Refused("The mailbox's server refused a command.") from exc
    except OSError as exc:
        raise MailboxUnavailable(
            "The mailbox's server cannot be reached. Check IMAP_HOST, IMAP_PORT, IMAP_TLS."
        ) from exc


def _content(items: dict[bytes, Any]) -> bytes:
    """Return the section in the answer to FETCH: servers write its name in different ways."""
    found = next((value for name, value in items.items() if name.startswith(b"BODY[")), None)
    return found if isinstance(found, bytes) else b""
