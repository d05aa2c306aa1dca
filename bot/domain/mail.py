"""An email to an evaluator: requested, queued, claimed, settled."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.domain.evaluation import Contact, ContactRole

OWN_TEXT: Final = "own/"
"""Begins the id of a template whose words a person edited. No file has a slash in its name."""


class LawfulBasis(StrEnum):
    """The lawful basis for an email; the value is the text shown to people."""

    TRIAL = "The trial they started (legitimate interest)"
    REQUEST = "They asked us a question, or for help"
    CONSENT = "They agreed to receive email from us"
    CUSTOMER = "Existing customer, similar product"
    WROTE = "They wrote to us"
    ASKED = "They asked for an answer"
    ASKED_SINCE = "They asked for an answer after they unsubscribed"

    @property
    def is_of_answer(self) -> bool:
        """Whether it holds for an answer alone. Nobody chooses it: what is answered decides."""
        return self in {LawfulBasis.WROTE, LawfulBasis.ASKED, LawfulBasis.ASKED_SINCE}


class MailState(StrEnum):
    """How far an email has come."""

    QUEUED = "held"
    """The sender can still cancel it."""
    SENDING = "sending"
    DEFERRED = "deferred"
    """The server said later; it will be retried."""
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "undone"

    @property
    def blocks_resend(self) -> bool:
        """Whether it has reached the person, or still may."""
        return self not in {MailState.FAILED, MailState.CANCELLED}

    @property
    def is_pending(self) -> bool:
        """Whether it will still be handed to the server."""
        return self in {MailState.QUEUED, MailState.DEFERRED}


class Overtaken(StrEnum):
    """Why a queued email is stopped: what happened since it was written."""

    LEFT = "They left the app after this email was written. Write again if it still fits."
    QUOTE = "They accepted a quote after this email was written. Write again if it still fits."


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The live email of one template for one evaluation; `at` (UTC) is since when it has this state, where that
    matters.
    """

    state: MailState
    by: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastMail:
    """The latest email to an address that was sent, may have been, or will be, for any evaluation; `at` is when it was
    requested.
    """

    template: str
    by: str
    at: datetime
    went: datetime | None = None
    """When it was sent, if known. A server may have deferred it for days."""
    waits: bool = False
    """Whether it is still to be sent, at an unknown time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailContent:
    """What a person wrote, and its recipient; `template` is a family's name."""

    recipient: ContactRole
    subject: str
    body: str
    template: str = ""
    language: str = "en"
    to: str = ""
    """The address, once the email is queued."""
    reply_to: str | None = None
    """The owner's address, where replies go."""
    in_reply_to: str = ""
    """The Message-ID of the email that it answers."""
    references: str = ""
    """The Message-IDs of the thread before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRequest:
    """An email that a person asked for. It is sent at `due_at` unless they cancel it. `by` is a Slack user id."""

    evaluation_id: int
    content: MailContent
    basis: LawfulBasis | None
    message_id: str
    by: str
    at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedMail:
    """An email that is sent to this contact at `due_at`, unless it is cancelled or blocked before."""

    mail_id: int
    contact: Contact
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedMail:
    """An email that only this process may send now, and only to `address`."""

    mail_id: int
    evaluation_id: int
    contact: Contact
    address: str
    content: MailContent
    message_id: str
    requested_at: datetime
    attempts: int
    first: bool
    """Whether this is the first email to the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailStatus:
    """The state of an email after an attempt to change it; `changed` is whether the attempt did.

    `by` is the Slack user id of the person who decided, `at` is when.
    """

    changed: bool
    state: MailState
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MailOutcome:
    """How far an email has come; `error` says why it was deferred or not sent."""

    state: MailState
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPreview:
    """An email as it will be sent: its headers, its words as the person wrote them, and the footer."""

    sender: str
    to: str
    reply_to: str
    basis: LawfulBasis
    subject: str
    body: str
    footer: str
