"""What an email to an evaluator is on its way: asked for, queued, claimed, settled."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.evaluation import Contact


class LawfulBasis(StrEnum):
    """On what ground somebody is written to; the value is how it is said."""

    TRIAL = "It is about the trial they started (legitimate interest)"
    REQUEST = "They asked us something, or for help"
    CONSENT = "They agreed to get mail from us"
    CUSTOMER = "They are a customer; it is about something similar"


class MailState(StrEnum):
    """How far a mail came."""

    QUEUED = "held"
    """The sender can still take it back."""
    SENDING = "sending"
    DEFERRED = "deferred"
    """The server said later; it is tried again."""
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "undone"

    @property
    def blocks_resend(self) -> bool:
        """Whether it may have reached the person, or still may."""
        return self not in {MailState.FAILED, MailState.CANCELLED}

    @property
    def is_pending(self) -> bool:
        """Whether it has not been handed over, and will be."""
        return self in {MailState.QUEUED, MailState.DEFERRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The live mail of one template for one evaluation; `at` is when it came so far (UTC), where that matters."""

    state: MailState
    by: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastMail:
    """The latest mail to an address that went out, may have, or will, for any evaluation; it was ordered then."""

    template: str
    by: str
    at: datetime
    went: datetime | None = None
    """When it went, where that is known; a server may have put it off for days."""
    waits: bool = False
    """Whether it is still to go, nobody knows when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailContent:
    """What a person wrote, and to whom: `recipient` is `technical` or `billing`, `template` a family's name."""

    recipient: str
    subject: str
    body: str
    template: str = ""
    language: str = "en"
    to: str = ""
    """The address, once it is ordered."""
    reply_to: str | None = None
    """The address of whoever owns the evaluation, where replies go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRequest:
    """A mail that a person asked for, to go at `due_at` unless they take it back; `by` is a Slack user id."""

    evaluation_id: int
    content: MailContent
    basis: LawfulBasis | None
    message_id: str
    by: str
    at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedMail:
    """A mail that goes to this contact at `due_at`, unless it is taken back or somebody says no before."""

    mail_id: int
    contact: Contact
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedMail:
    """A mail that this process, and no other, may send now, to this contact's address and no other."""

    mail_id: int
    evaluation_id: int
    contact: Contact
    address: str
    content: MailContent
    message_id: str
    requested_at: datetime
    attempts: int
    first: bool
    """Whether nobody has written to this address before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailStatus:
    """How a mail stands after somebody tried to change that; `won` says whether they did.

    `by` is the Slack user id of whoever decided, `at` when.
    """

    changed: bool
    state: MailState
    by: str
    at: datetime
