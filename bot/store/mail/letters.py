"""What a mail is on its way: the words, sealed in the database; what was ordered, held, taken, stopped, decided."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self

from bot.domain.evaluation import Contact
from bot.domain.mail_policy import LawfulBasis, MailState, Refused
from bot.security.keyring import Keyring


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

    def encrypt(self, keyring: Keyring) -> bytes:
        """As it is stored."""
        return keyring.encrypt(json.dumps(asdict(self)))

    @classmethod
    def decrypt(cls, content: bytes, keyring: Keyring) -> Self | None:
        """From what is stored; None once the words are not kept any more."""
        if not (text := keyring.decrypt(content)):
            return None
        told = json.loads(text)
        return cls(**{name: told[name] for name in cls.__dataclass_fields__ if name in told})


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
class RejectedMail:
    """A mail that was due and may not go any more."""

    refusal: Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class MailStatus:
    """How a mail stands after somebody tried to change that; `won` says whether they did.

    `by` is the Slack user id of whoever decided, `at` when.
    """

    changed: bool
    state: MailState
    by: str
    at: datetime
