"""Read a message in the mailbox for replies: first its headers, and its text only if it is for us."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Final

from bot.domain.address import is_address
from bot.domain.reply_kinds import Traits
from bot.domain.reply_matching import Clues
from bot.mail.inbound.mime import decoded, first_word, headers, values
from bot.mail.sanitize import one_line

OWN_HEADER: Final = "X-Evaluator-Bot"
"""In what the bot itself sends to its own mailbox."""
_MOST_IDS: Final = 20
_MOST_ADDRESSES: Final = 20
_MOST_REFERENCES: Final = 10
"""Message-IDs that an answer names; the first and the last ones matter (RFC 5322, 3.6.4)."""
_MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,300}>")
_DELIVERED: Final = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to")
_AUTO_HEADERS: Final = (
    "x-autoreply",
    "x-autorespond",
    "x-auto-reply-from",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-ms-exchange-generated-message-source",
)
FIELDS: Final = ("message-id", "in-reply-to", "references", "from", "date", "subject", *_DELIVERED)
"""The header fields that show which email a message answers. The date tells those apart that have no Message-ID."""
_REPORT_TYPE: Final = re.compile(r"report-type\s*=\s*\"?([\w-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What the headers of a message say about the email that it answers."""

    key: str
    """A hash of its Message-ID, or of these headers if it has none."""
    clues: Clues
    message_id: str
    references: str
    """The `References` of an answer to it."""
    addresses: tuple[str, ...]
    """Those that it was sent or delivered to."""


def read_incoming(content: bytes, *, tag: Callable[[str], int | None]) -> Incoming:
    """Return what these headers say about the email that their message answers, whatever the bytes.

    `tag` reads the id of an email out of its reply address.
    """
    mail = _headers(content)
    named = _MESSAGE_ID.findall(" ".join(values(mail, "message-id")))
    message_id = named[0] if named else ""
    answered = _MESSAGE_ID.findall(" ".join(values(mail, "in-reply-to")))
    thread = _MESSAGE_ID.findall(" ".join(values(mail, "references")))
    addresses = tuple(dict.fromkeys(_addresses(mail, *_DELIVERED)))[:_MOST_ADDRESSES]
    tagged = (tag(each) for each in addresses)
    clues = Clues(
        answers=tuple(dict.fromkeys([*answered, *reversed(thread)]))[:_MOST_IDS],
        tagged=tuple(dict.fromkeys(number for number in tagged if number is not None)),
        sender=_sender(mail),
        subject=_subject(mail),
    )
    return Incoming(
        key=hashlib.sha256(message_id.encode() or content).hexdigest()[:40],
        clues=clues,
        message_id=message_id,
        references=" ".join(_shortened([*thread, message_id] if message_id else thread)),
        addresses=addresses,
    )


def read_traits(content: bytes, *, own: Callable[[str], bool]) -> Traits:
    """Return what the headers of a message say about how it came to be, whatever the bytes.

    `own` says whether an address is one of ours.
    """
    mail = _headers(content)
    sender, kind = _sender(mail), _first(mail, "content-type")
    report = _REPORT_TYPE.search(kind) if "multipart/report" in kind.lower() else None
    return Traits(
        report_type=report[1].lower() if report else "",
        auto_submitted=first_word(_first(mail, "auto-submitted").partition(";")[0]),
        precedence=first_word(_first(mail, "precedence")),
        has_auto_header=any(name in mail for name in _AUTO_HEADERS),
        has_empty_return_path=_first(mail, "return-path").strip() == "<>",
        is_from_list="list-id" in mail,
        has_feedback_id="feedback-id" in mail,
        is_ours=own(sender) or OWN_HEADER in mail,
        sender=sender,
        subject=_subject(mail),
    )


def _headers(content: bytes) -> EmailMessage:
    return headers(content.replace(b"\0", b""))


def _sender(mail: EmailMessage) -> str:
    return next(iter(_addresses(mail, "from")), "")


def _subject(mail: EmailMessage) -> str:
    return one_line(decoded(_first(mail, "subject")))


def _addresses(mail: EmailMessage, *names: str) -> Iterator[str]:
    for name in names:
        for _, address in getaddresses(values(mail, name)[:_MOST_ADDRESSES]):
            if is_address(address):
                yield address


def _first(mail: EmailMessage, name: str) -> str:
    return next(iter(values(mail, name)), "")


def _shortened(thread: Iterable[str]) -> list[str]:
    ids = list(dict.fromkeys(thread))
    return ids if len(ids) <= _MOST_REFERENCES else [ids[0], *ids[1 - _MOST_REFERENCES :]]
