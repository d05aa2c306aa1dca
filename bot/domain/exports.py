"""Tables of evaluations, emails and history for other programs. The names of the fields are those of the columns.

Nobody at the customer is named in a table unless contacts are asked for, and then nobody who said no.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from bot.domain.cautions import cautions_for, reachable
from bot.domain.evaluation import Contact, Evaluation, License, Trial
from bot.domain.export_choices import ExportKind
from bot.domain.exported_details import exported_details
from bot.domain.history import Entry
from bot.domain.mail import LawfulBasis, MailState
from bot.domain.mail_policy import (
    UNCERTAIN_RECIPIENT,
    Allowed,
    MailContext,
    MailRules,
    NeedsLawfulBasis,
    RefusalReason,
    Refused,
    may_contact,
)
from bot.domain.people_in_text import slack_id, without_addresses, without_people


class MailAnswer(StrEnum):
    """Whether the contact may be emailed."""

    YES = "yes"
    CONFIRM = "confirm"
    """Once the sender names a legal basis."""
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class MayEmail:
    """Whether the contact may be emailed, and the name of the reason if that is not a plain yes."""

    answer: MailAnswer
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedContact:
    """The contact that a card shows first."""

    name: str | None
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedOwner:
    """The owner of an evaluation: other systems know people by their email address."""

    slack_id: str
    email: str | None
    """None if Slack has not said it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """What Slack said about the workspace and its people, as it is stored."""

    url: str | None = None
    emails: Mapping[str, str] = field(default_factory=dict)
    """Email addresses of owners, by Slack user id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """An evaluation, as it is now."""

    evaluation_id: int
    aliases: tuple[str, ...]
    app_key: str
    app_name: str | None
    hosting: str | None
    edition: str | None
    site: str | None
    company: str | None
    country: str | None
    region: str | None
    started: date
    ends: date | None
    state: str
    first_seen: datetime
    owner: ExportedOwner | None
    done: bool
    not_for_us: bool
    not_for_us_reason: str | None
    upgrade_to: str | None
    opportunity_size: str | None
    partner: str | None
    flags: tuple[str, ...]
    card_url: str | None
    may_email: MayEmail
    contact: ExportedContact | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailRecord:
    """An email that somebody of the team asked for."""

    evaluation_id: int
    app_key: str
    company: str | None
    template: str | None
    state: str
    at: datetime
    settled_at: datetime | None
    sender: str | None
    bounced: str | None
    legal_basis: str
    contact: ExportedContact | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRecord:
    """Something that happened to an evaluation."""

    evaluation_id: int
    app_key: str
    company: str | None
    at: datetime
    kind: str
    actor: str | None
    details: Mapping[str, str]
    contact: ExportedContact | None


Record = EvaluationRecord | EmailRecord | HistoryRecord
RECORD_OF: Final[Mapping[ExportKind, type[Record]]] = {
    ExportKind.EVALUATIONS: EvaluationRecord,
    ExportKind.EMAILS: EmailRecord,
    ExportKind.HISTORY: HistoryRecord,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """What a table says about an evaluation's customer."""

    license: License
    is_blocked: bool
    """Whether a do-not-contact entry covers the contact that a card shows first."""

    @property
    def company(self) -> str | None:
        """The company, unless it names a contact."""
        return without_people(self.license.company, self.license.contacts)

    @property
    def contact(self) -> ExportedContact | None:
        """The contact, unless they said no."""
        found = reachable(self.license)
        if found is None or found.email is None or self.is_blocked or found.forgotten:
            return None
        return ExportedContact(name=found.name, email=found.email)


def may_email_at_all(customer: Customer, trial: Trial, rules: MailRules) -> MayEmail:
    """Return whether the contact may be emailed about a trial, by what their own license says.

    Earlier emails and other licenses of the customer are not looked at.
    """
    if customer.is_blocked:
        return MayEmail(answer=MailAnswer.NO, reason=_name(RefusalReason.DO_NOT_CONTACT))
    seen = customer.license
    match may_contact(MailContext(license=seen, trial=trial, contact=_first_contact(seen)), rules):
        case Allowed():
            return MayEmail(answer=MailAnswer.YES)
        case NeedsLawfulBasis(cautions=cautions):
            uncertain = next((_name(each) for each in cautions if each in UNCERTAIN_RECIPIENT), None)
            return MayEmail(answer=MailAnswer.CONFIRM, reason=uncertain or _name(RefusalReason.COUNTRY))
        case Refused(reason=reason):
            return MayEmail(answer=MailAnswer.NO, reason=_name(reason))


def evaluation_record(
    evaluation: Evaluation, customer: Customer, rules: MailRules, workspace: Workspace
) -> EvaluationRecord:
    """Return the row of an evaluation."""
    seen, trial, people = evaluation.license, evaluation.trial, evaluation.license.contacts
    partner = None if seen.partner is None else seen.partner.name or seen.partner.kind
    return EvaluationRecord(
        evaluation_id=evaluation.id,
        aliases=tuple(sorted(alias for alias in seen.aliases if without_addresses(alias) is not None)),
        app_key=seen.app_key,
        app_name=without_addresses(seen.app_name),
        hosting=without_addresses(seen.hosting),
        edition=without_addresses(seen.edition),
        site=without_people(seen.site, people),
        company=customer.company,
        country=without_addresses(seen.country),
        region=without_addresses(seen.region),
        started=trial.started,
        ends=trial.ends,
        state=trial.state.value,
        first_seen=evaluation.first_seen,
        owner=_owner(evaluation, workspace),
        done=evaluation.done is not None,
        not_for_us=evaluation.not_for_us is not None,
        not_for_us_reason=evaluation.not_for_us.reason.value if evaluation.not_for_us else None,
        upgrade_to=without_addresses(trial.upgrade_to),
        opportunity_size=without_addresses(seen.opportunity_size),
        partner=without_people(partner, people),
        flags=tuple(_name(each) for each in cautions_for(seen, _first_contact(seen))),
        card_url=evaluation.card.permalink(workspace.url) if evaluation.card and workspace.url else None,
        may_email=may_email_at_all(customer, trial, rules),
        contact=customer.contact,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedMail:
    """An email as it is stored, without its recipient and its words."""

    evaluation_id: int
    template: str
    state: MailState
    at: datetime
    settled_at: datetime | None
    sender: str
    bounced: str | None
    basis: LawfulBasis


def email_record(mail: ExportedMail, customer: Customer) -> EmailRecord:
    """Return the row of an email."""
    return EmailRecord(
        evaluation_id=mail.evaluation_id,
        app_key=customer.license.app_key,
        company=customer.company,
        template=without_addresses(mail.template),
        state=_name(mail.state),
        at=mail.at,
        settled_at=mail.settled_at,
        sender=slack_id(mail.sender),
        bounced=without_addresses(mail.bounced),
        legal_basis=_name(mail.basis),
        contact=customer.contact,
    )


def history_record(evaluation_id: int, entry: Entry, customer: Customer) -> HistoryRecord:
    """Return the row of a fact."""
    return HistoryRecord(
        evaluation_id=evaluation_id,
        app_key=customer.license.app_key,
        company=customer.company,
        at=entry.at,
        kind=entry.kind.value,
        actor=slack_id(entry.actor),
        details=exported_details(entry.fact, customer.license.contacts),
        contact=customer.contact,
    )


def _owner(evaluation: Evaluation, workspace: Workspace) -> ExportedOwner | None:
    owner = slack_id(evaluation.owner)
    return None if owner is None else ExportedOwner(slack_id=owner, email=workspace.emails.get(owner))


def _first_contact(seen: License) -> Contact | None:
    """Return the contact that a card shows first, also one without a usable address."""
    return reachable(seen) or next(iter(seen.contacts), None)


def _name(value: StrEnum) -> str:
    """Return the name of a value in snake case: it stays when the words for people change."""
    return value.name.lower()
