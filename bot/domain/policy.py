"""The one gate: whether a mail may be sent.

A refusal carries its reason as a sentence, so that card, answer and log say the same words.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from bot.domain.evaluation import Contact, License, State, Trial
from bot.domain.terms import is_sold
from bot.domain.trust import STRANGER, Context, Flag, flags, well_formed


class Reason(StrEnum):
    """Why no mail may go out."""

    NOT_SET_UP = "Mail is not set up. Set SMTP_HOST, MAIL_FROM and MAIL_POSTAL_ADDRESS, then restart the bot."
    NO_CONTACT = "The report has no address for this contact."
    FORGOTTEN = "This contact asked Atlassian to be forgotten."
    MALFORMED = "The address in the report is not an e-mail address."
    DO_NOT_CONTACT = "This address is marked do-not-contact."
    ATLASSIAN = "This is Atlassian's own license."
    CONVERTED = "They have bought the app: they are a customer now."
    GRANTED = "The trial is over: they have a license of the app now."
    OVER = "The trial is over."
    SENT = "This template has already been sent for this evaluation."
    SENDING = "This template is being sent for this evaluation right now."
    UNKNOWN = "It is not known whether this template arrived. The buttons in the card's thread settle that."
    ANOTHER = "The report names another contact now. Write to them from the card."


@dataclass(frozen=True, slots=True)
class Allowed:
    """A mail may go to `address`; `cautions` is what the sender should know before."""

    address: str
    cautions: tuple[Flag, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """No mail may go out; `by` is the person behind it, where there is one (Slack user id), `at` when (UTC)."""

    reason: Reason
    by: str | None = None
    at: datetime | None = None


Decision = Allowed | Refused


class MailState(StrEnum):
    """How far a mail came. Whatever is not `failed` may have reached the person."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The live mail of one template for one evaluation; `at` is when it came so far (UTC), where that matters."""

    state: MailState
    by: str
    at: datetime | None = None


_REASON_OF_ATTEMPT: Final = {
    MailState.SENDING: Reason.SENDING,
    MailState.SENT: Reason.SENT,
    MailState.UNKNOWN: Reason.UNKNOWN,
}


def may_contact(
    license_: License, trial: Trial, contact: Contact | None, *, opted_out: bool, context: Context = STRANGER
) -> Decision:
    """Whether the team may write to this contact at all, whatever the mail. Opting out wins over everything."""
    address = None if contact is None else contact.email
    has_license = trial.state is State.CONVERTED
    refusals = (
        (opted_out, Reason.DO_NOT_CONTACT),
        (contact is not None and contact.forgotten, Reason.FORGOTTEN),
        (address is None, Reason.NO_CONTACT),
        (address is not None and not well_formed(address), Reason.MALFORMED),
        (license_.atlassian, Reason.ATLASSIAN),
        (has_license and is_sold(license_.license_type), Reason.CONVERTED),
        (has_license, Reason.GRANTED),
        (trial.state is not State.RUNNING, Reason.OVER),
    )
    reason = next((reason for holds, reason in refusals if holds), None)
    if address is None or reason is not None:
        return Refused(reason or Reason.NO_CONTACT)
    return Allowed(address, cautions=flags(license_, contact, context))


def may_email(
    license_: License,
    trial: Trial,
    contact: Contact | None,
    *,
    opted_out: bool,
    attempt: Attempt | None,
    context: Context = STRANGER,
) -> Decision:
    """The one gate: whether this mail may go to this contact now. `attempt` is the template's live mail, if any."""
    decision = may_contact(license_, trial, contact, opted_out=opted_out, context=context)
    if isinstance(decision, Allowed) and attempt is not None and attempt.state is not MailState.FAILED:
        return Refused(_REASON_OF_ATTEMPT[attempt.state], by=attempt.by, at=attempt.at)
    return decision
