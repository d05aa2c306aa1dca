"""Replies to our emails: what one is, and what is kept of it."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from bot.domain.address import canonical

ANSWER: Final = "answer/"
"""Begins the template of an email that answers somebody: a reply, whose id follows, or feedback. No file has a slash in
its name.
"""


class ReplyKind(StrEnum):
    """What a reply is. The values are those of the column."""

    REPLY = "reply"
    """Somebody wrote, and waits for an answer."""
    AUTOMATIC = "automatic"
    """A mailbox answered by itself. It waits for nothing."""
    REFUSAL = "refusal"
    """Somebody wants no more email."""


class Writer(StrEnum):
    """Who wrote a reply, compared with the address that our email went to. The values are those of the column."""

    CONTACT = "contact"
    COLLEAGUE = "colleague"
    """Another address at the same domain."""
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyContent:
    """What a person wrote, and what an answer to it needs. It is stored encrypted, and erased with the person."""

    text: str
    """Their own words, without what they quoted."""
    full_text: str = ""
    """The text of the entire email, if there is more in it."""
    subject: str = ""
    sender: str = ""
    """Their address."""
    message_id: str = ""
    references: str = ""
    """The `References` header of an answer."""
    attachments: tuple[str, ...] = ()
    """The names of the files, which stay in the mailbox."""
    absent_until: date | None = None
    """When they are back, as an automatic answer says."""
    has_left: bool = False
    """Whether an automatic answer says that they no longer work there."""
    is_probable: bool = False
    """Whether only sender and subject show which email it answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply on record. The content is None once it was erased."""

    id: int
    evaluation_id: int
    kind: ReplyKind
    writer: Writer
    at: datetime
    """When the bot read it."""
    content: ReplyContent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredMail:
    """The email of ours that a reply answers. `address` is None once the person was erased."""

    mail_id: int
    evaluation_id: int
    address: str | None


def writer_of(sender: str, address: str | None) -> Writer:
    """Return who wrote a reply to an email that went to an address."""
    if address is None:
        return Writer.OTHER
    if canonical(sender) == canonical(address):
        return Writer.CONTACT
    ours, theirs = (canonical(each).rpartition("@")[2] for each in (address, sender))
    return Writer.COLLEAGUE if ours == theirs else Writer.OTHER


def answered_reply(template: str) -> int | None:
    """Return the id of the reply that an email of this template answers, or None if it is no answer."""
    number = template.removeprefix(ANSWER)
    return int(number) if template.startswith(ANSWER) and number.isdecimal() else None
