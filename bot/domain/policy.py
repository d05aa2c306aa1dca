"""The rules: which evaluation is announced, and whether a mail may be sent.

A refusal carries its reason as a sentence, so that card, answer and log say the same words.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.evaluation import Contact, License, State, Trial
from bot.domain.trust import well_formed

_SILENT_TYPES: Final = frozenset({"FREE", "COMMUNITY"})


class Reason(StrEnum):
    """Why no mail may go out."""

    NOT_SET_UP = "Mail is not set up. Set SMTP_HOST, MAIL_FROM and MAIL_POSTAL_ADDRESS, then restart the bot."
    NO_CONTACT = "The report has no address for this contact."
    FORGOTTEN = "This contact asked Atlassian to be forgotten."
    MALFORMED = "The address in the report is not an e-mail address."
    DO_NOT_CONTACT = "This address is marked do-not-contact."
    ATLASSIAN = "This is Atlassian's own license."
    CONVERTED = "They have bought the app: they are a customer now."
    OVER = "The trial is over."
    SENT = "This template has already been sent for this evaluation."
    SENDING = "This template is being sent for this evaluation right now."
    UNKNOWN = "It is not known whether this template arrived. Look into your mail server's log before you write again."


@dataclass(frozen=True, slots=True)
class Allowed:
    """A mail may go to `address`."""

    address: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No mail may go out; `by` is the person behind it, where there is one (Slack user id)."""

    reason: Reason
    by: str | None = None


Decision = Allowed | Refused


class MailState(StrEnum):
    """How far a mail came. Whatever is not `failed` may have reached the person."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The live mail of one template for one evaluation."""

    state: MailState
    by: str


_REASON_OF_ATTEMPT: Final = {
    MailState.SENDING: Reason.SENDING,
    MailState.SENT: Reason.SENT,
    MailState.UNKNOWN: Reason.UNKNOWN,
}


def may_contact(license_: License, trial: Trial, contact: Contact | None, *, opted_out: bool) -> Decision:
    """Whether the team may write to this contact at all, whatever the mail. Opting out wins over everything."""
    address = None if contact is None else contact.email
    refusals = (
        (opted_out, Reason.DO_NOT_CONTACT),
        (contact is not None and contact.forgotten, Reason.FORGOTTEN),
        (address is None, Reason.NO_CONTACT),
        (address is not None and not well_formed(address), Reason.MALFORMED),
        (license_.atlassian, Reason.ATLASSIAN),
        (trial.state is State.CONVERTED, Reason.CONVERTED),
        (trial.state is not State.RUNNING, Reason.OVER),
    )
    reason = next((reason for holds, reason in refusals if holds), None)
    if address is None or reason is not None:
        return Refused(reason or Reason.NO_CONTACT)
    return Allowed(address)


def may_email(
    license_: License, trial: Trial, contact: Contact | None, *, opted_out: bool, attempt: Attempt | None
) -> Decision:
    """The one gate: whether this mail may go to this contact now. `attempt` is the template's live mail, if any."""
    decision = may_contact(license_, trial, contact, opted_out=opted_out)
    if isinstance(decision, Allowed) and attempt is not None and attempt.state is not MailState.FAILED:
        return Refused(_REASON_OF_ATTEMPT[attempt.state], by=attempt.by)
    return decision


def rings(license_: License, trial: Trial, *, today: date, quiet_before: date | None) -> bool:
    """Whether a trial seen for the first time gets a card.

    It does while it runs, however late it was seen. One that is over is recorded in silence: old records come back
    in the report. `quiet_before` is set on the very first run: what began earlier was there before the bot.
    """
    if license_.atlassian or license_.license_type in _SILENT_TYPES:
        return False
    if trial.state is not State.RUNNING or (trial.ends is not None and trial.ends < today):
        return False
    return quiet_before is None or trial.started >= quiet_before


def look_back(last_good: date | None, *, today: date) -> date | None:
    """From which `lastUpdated` day on to read; None means everything.

    Two days of overlap: the report dates whole days in UTC, and its sources are processed at different rates.
    """
    return None if last_good is None else min(last_good, today) - timedelta(days=2)


def late_arrivals(last_good: date, *, today: date) -> date:
    """From which trial start on to read again: rows come late with an old `lastUpdated`, seen up to days later."""
    return min(last_good, today) - timedelta(days=7)
