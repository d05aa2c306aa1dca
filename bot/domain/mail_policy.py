"""The mail policy: decide whether an email may be sent.

A refusal carries its reason as a sentence, so that card, answer and log use the same words.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.address import is_address
from bot.domain.cautions import NO_CONTEXT, Caution, CustomerContext, cautions_for
from bot.domain.clock_skew import has_passed
from bot.domain.country_rules import Countries, CountryRule, Rule
from bot.domain.dnc import DncEntry
from bot.domain.evaluation import Contact, License, State, Trial
from bot.domain.license_types import is_sold
from bot.domain.mail import Attempt, LastMail, LawfulBasis, MailState


class RefusalReason(StrEnum):
    """Why an email may not be sent."""

    NOT_SET_UP = "Email isn't set up yet. The person who runs the bot can do that."
    NO_TEMPLATE = "No template fits this app at this point of the trial."
    NO_CONTACT = "The report has no address for this contact."
    FORGOTTEN = "This contact asked Atlassian to be forgotten."
    MALFORMED = "The address in the report isn't a valid email address."
    DO_NOT_CONTACT = "This address is on the do-not-contact list."
    ATLASSIAN = "This is Atlassian's own license."
    SANDBOX = "Sandbox site – the real evaluation is happening elsewhere."
    CONVERTED = "They bought the app – no trial email needed."
    GRANTED = "They have a license now – no trial email needed."
    OVER = "The trial is over."
    COUNTRY = "Your country rules don't allow email to this country."
    QUEUED = "This template is about to be sent for this evaluation."
    SENT = "This template was already sent for this evaluation."
    ANSWERED = "Somebody has already answered this."
    SENDING = "This template is being sent for this evaluation right now."
    UNKNOWN = "We don't know whether this template arrived. Please use the buttons in the card's thread."
    ANOTHER = "The report now names another contact. Email them from the card."
    TOO_SOON = "This address was emailed a short while ago."
    NO_LAWFUL_BASIS = "No legal basis was chosen. Write a new email from the card."
    NO_WORDS = "The text of this email is no longer kept, so it can't be sent again."
    TOO_LATE = "It was delayed for so long that it might no longer fit. Send it again if it does."


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRules:
    """The vendor's rules for its own email."""

    countries: Countries = field(default_factory=Countries)
    at_most_every: timedelta = timedelta(days=7)
    """The pause between two emails to one address, by any sender and for any app."""
    hold: timedelta = timedelta(seconds=10)
    """How long the sender can cancel an email."""


DEFAULT_RULES: Final = MailRules()
"""Without settings: the sender names a lawful basis, wherever the person is."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The email may go to `address` on this `basis`; `cautions` are what the sender should know first."""

    address: str
    cautions: tuple[Caution, ...] = ()
    basis: LawfulBasis = LawfulBasis.TRIAL


@dataclass(frozen=True, slots=True)
class NeedsLawfulBasis:
    """The email may go to `address` once the sender names a lawful basis, because of `cautions` or `country`."""

    address: str
    cautions: tuple[Caution, ...] = ()
    country: CountryRule | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The email may not be sent. `by` is the person behind it, if any (Slack user id), `at` is when (UTC)."""

    reason: RefusalReason
    by: str | None = None
    at: datetime | None = None
    until: datetime | None = None
    """When it may be sent, if that is known."""


Decision = Allowed | NeedsLawfulBasis | Refused


_REASON_OF_ATTEMPT: Final = {
    MailState.QUEUED: RefusalReason.QUEUED,
    MailState.DEFERRED: RefusalReason.QUEUED,
    MailState.SENDING: RefusalReason.SENDING,
    MailState.SENT: RefusalReason.SENT,
    MailState.UNKNOWN: RefusalReason.UNKNOWN,
}
UNCERTAIN_RECIPIENT: Final = frozenset({Caution.PARTNER, Caution.PARTNER_DOMAIN, Caution.MANY_SITES, Caution.ROLE})
"""Cautions that make it uncertain whether the address belongs to the person who evaluates."""
NEEDS_CONFIRMATION: Final = UNCERTAIN_RECIPIENT | {Caution.LEFT, Caution.GONE}
"""Cautions with which the sender has to name a lawful basis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailContext:
    """The license, trial and contact an email is about, and what speaks against it."""

    license: License
    trial: Trial
    contact: Contact | None
    dnc_entry: DncEntry | None = None
    context: CustomerContext = NO_CONTEXT


def may_contact(case: MailContext, rules: MailRules, *, basis: LawfulBasis | None = None) -> Decision:
    """Return whether the team may contact this person at all, by any email. A do-not-contact entry wins over
    everything. To answer somebody who wrote to us, the trial need not run.
    """
    license_, trial, contact = case.license, case.trial, case.contact
    address = None if contact is None else contact.email
    has_license = trial.state is State.CONVERTED
    is_about_trial = basis is None or not basis.is_of_answer
    country = rules.countries.rule(license_.country)
    refusals = (
        (case.dnc_entry is not None, RefusalReason.DO_NOT_CONTACT),
        (contact is not None and contact.forgotten, RefusalReason.FORGOTTEN),
        (address is None, RefusalReason.NO_CONTACT),
        (address is not None and not is_address(address), RefusalReason.MALFORMED),
        (license_.atlassian, RefusalReason.ATLASSIAN),
        (is_about_trial and has_license and is_sold(license_.license_type), RefusalReason.CONVERTED),
        (is_about_trial and has_license, RefusalReason.GRANTED),
        (is_about_trial and trial.state is not State.RUNNING, RefusalReason.OVER),
        (is_about_trial and license_.sandbox is True, RefusalReason.SANDBOX),
        (country.rule is Rule.BLOCK, RefusalReason.COUNTRY),
    )
    reason = next((reason for holds, reason in refusals if holds), None)
    if address is None or reason is not None:
        return Refused(reason or RefusalReason.NO_CONTACT)
    cautions = cautions_for(license_, contact, case.context)
    asks = country if country.rule is Rule.CONFIRM else None
    if basis is None and (asks is not None or not NEEDS_CONFIRMATION.isdisjoint(cautions)):
        return NeedsLawfulBasis(address, cautions, asks)
    return Allowed(address, cautions, basis or LawfulBasis.TRIAL)


def too_soon(last: LastMail | None, rules: MailRules, *, now: datetime) -> Refused | None:
    """Return the refusal if the address was emailed too recently, else None."""
    if last is None or not rules.at_most_every:
        return None
    since = last.went or last.at
    if has_passed(rules.at_most_every, since=since, now=now) and not last.waits:
        return None
    until = None if last.waits else since + rules.at_most_every
    return Refused(RefusalReason.TOO_SOON, by=last.by, at=since, until=until)


def may_email(
    case: MailContext,
    rules: MailRules,
    *,
    attempt: Attempt | None,
    last: LastMail | None,
    now: datetime,
    basis: LawfulBasis | None = None,
) -> Decision:
    """Return whether this email may go to this contact now.

    `attempt` is the template's live email for the evaluation, `last` the latest email to the address, if any. An
    answer waits for no pause.
    """
    decision = may_contact(case, rules, basis=basis)
    if isinstance(decision, Refused):
        return decision
    is_answer = basis is not None and basis.is_of_answer
    if attempt is not None and attempt.state.blocks_resend:
        is_answered = is_answer and attempt.state is not MailState.UNKNOWN
        reason = RefusalReason.ANSWERED if is_answered else _REASON_OF_ATTEMPT[attempt.state]
        return Refused(reason, by=attempt.by, at=attempt.at)
    return decision if is_answer else too_soon(last, rules, now=now) or decision


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedMail:
    """An email that was due and may no longer be sent."""

    refusal: Refused
