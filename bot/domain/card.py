"""What a card shows and offers, before it becomes Slack blocks."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from bot.domain.app_signal import EarlyInstall
from bot.domain.cautions import CustomerContext, company_key, customer_domain, reachable
from bot.domain.dnc import DncEntry
from bot.domain.evaluation import Contact, ContactRole, DispositionRef, Evaluation, License, State, latest_disposition
from bot.domain.history import Entry
from bot.domain.mail import Attempt, LastMail, LawfulBasis
from bot.domain.mail_policy import DEFAULT_RULES, Decision, MailContext, MailRules, Refused, may_contact, too_soon
from bot.domain.snooze import Snooze


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A contact, with the do-not-contact entry that covers them, if any."""

    contact: Contact
    dnc_entry: DncEntry | None = None
    last_mail: LastMail | None = None
    """The latest email to their address, for any evaluation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A contact on a license, and whether the team may email them."""

    role: ContactRole
    person: Person
    decision: Decision

    @property
    def is_open(self) -> bool:
        """Whether they can be emailed."""
        return not isinstance(self.decision, Refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMail:
    """An email of this evaluation: template id, attempt, and when it was requested (UTC)."""

    template: str
    attempt: Attempt
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Everything a card shows, as the store has it at one moment."""

    evaluation: Evaluation
    context: CustomerContext = field(default_factory=CustomerContext)
    people: tuple[Person, ...] = ()
    """Technical contact first, then billing, as far as the report names them."""
    mails: tuple[SentMail, ...] = ()
    last: Entry | None = None
    mail: Entry | None = None
    """The latest event of an email."""
    assigned: Entry | None = None
    """The event that gave the evaluation its owner."""
    snoozes: tuple[Snooze, ...] = ()
    """Who will be reminded of it, and when."""
    left: Entry | None = None
    """What the report said last about the customer's leaving."""
    quote: Entry | None = None
    """The latest quote that the customer accepted."""
    early: EarlyInstall | None = None
    """The installation, while the license is not known."""


class Action(StrEnum):
    """What a card can offer; the value is what Slack sends back when the button is pressed."""

    ANSWER = "evaluation.answer"
    EMAIL = "evaluation.email"
    CLAIM = "evaluation.claim"
    DO_NOT_CONTACT = "evaluation.do_not_contact"
    NOTE = "evaluation.note"
    DONE = "evaluation.done"
    SNOOZE = "evaluation.snooze"
    UNDO = "evaluation.undo"
    NOT_FOR_US = "evaluation.not_for_us"
    ASSIGN = "evaluation.assign"
    RELEASE = "evaluation.release"
    CONTACT_AGAIN = "evaluation.contact_again"
    REST = "evaluation.rest"
    """Shows what the menu has no room for."""


def title(license_: License) -> str:
    """Return who evaluates: company, else site, else the customer's mail domain, else the license number."""
    company = license_.company if company_key(license_.company) else None
    return company or license_.site or customer_domain(license_) or license_.company or readable_id(license_)


def readable_id(license_: License) -> str:
    """Return the id of a license that people know: an entitlement number, else a license number, else any."""
    return min(license_.aliases, key=lambda alias: (not alias.startswith("E-"), not alias.startswith("SEN-"), alias))


def person(card: Card) -> Person | None:
    """Return the contact the card is about: the first who can be emailed, else the first one."""
    best = reachable(card.evaluation.license)
    return next((p for p in card.people if p.contact == best), next(iter(card.people), None))


def blocked_person(card: Card) -> Person | None:
    """Return the first contact with a do-not-contact entry that can be lifted."""
    return next((each for each in card.people if each.dnc_entry and not each.dnc_entry.reason.is_final), None)


def mailable(
    card: Card, who: Person | None, rules: MailRules = DEFAULT_RULES, *, basis: LawfulBasis | None = None
) -> Decision:
    """Return whether the team may email this contact about this evaluation."""
    contact, entry = (None, None) if who is None else (who.contact, who.dnc_entry)
    evaluation = card.evaluation
    case = MailContext(
        license=evaluation.license, trial=evaluation.trial, contact=contact, dnc_entry=entry, context=card.context
    )
    return may_contact(case, rules, basis=basis)


def recipients(card: Card, rules: MailRules = DEFAULT_RULES, *, now: datetime | None = None) -> tuple[Recipient, ...]:
    """Return the contacts on the license, technical first, each with whether the team may email them.

    The card offers an email if one of them can be emailed, and the form starts with the first of these. With `now`, an
    address that was emailed a short while ago is refused. A card does not show this, as it would remain after the wait
    ends.
    """
    license_ = card.evaluation.license
    found = []
    for role in ContactRole:
        who = next((each for each in card.people if each.contact == license_.contact(role)), None)
        if who is not None:
            decision = mailable(card, who, rules)
            if now is not None and not isinstance(decision, Refused):
                decision = too_soon(who.last_mail, rules, now=now) or decision
            found.append(Recipient(role=role, person=who, decision=decision))
    return tuple(found)


def shown_disposition(card: Card) -> DispositionRef | None:
    """Return the disposition that *Undo* on this card undoes."""
    done, not_for_us = card.evaluation.done, card.evaluation.not_for_us
    return latest_disposition(
        done_at=None if done is None else done.at, not_for_us_at=None if not_for_us is None else not_for_us.at
    )


def actions(card: Card, rules: MailRules = DEFAULT_RULES) -> tuple[Action, ...]:
    """Return the buttons that make sense now, in the order of `Action`."""
    evaluation = card.evaluation
    if evaluation.trial.state is State.EXPECTED:
        waits = card.early is not None and card.early.end is None
        return (Action.CLAIM,) if waits and evaluation.owner is None else ()
    is_running, is_for_us = evaluation.trial.state is State.RUNNING, evaluation.not_for_us is None
    can_be_marked = any(each.contact.email is not None and each.dnc_entry is None for each in card.people)
    is_waiting = evaluation.waiting_since is not None
    offers = (
        (Action.ANSWER, is_waiting),
        (Action.EMAIL, any(each.is_open for each in recipients(card, rules))),
        (Action.CLAIM, evaluation.owner is None and is_running),
        (Action.DO_NOT_CONTACT, can_be_marked),
        (Action.NOTE, True),
        (Action.DONE, is_for_us and (evaluation.done is None or is_waiting)),
        (Action.SNOOZE, is_for_us and is_running),
        (Action.UNDO, shown_disposition(card) is not None or bool(card.snoozes)),
        (Action.NOT_FOR_US, is_for_us),
        (Action.ASSIGN, True),
        (Action.RELEASE, evaluation.owner is not None),
        (Action.CONTACT_AGAIN, blocked_person(card) is not None),
    )
    return tuple(action for action, offered in offers if offered)


def known_end(evaluation: Evaluation) -> date | None:
    """Return the last day of the trial, or None if the report does not say it (upgrade trials on sold licenses)."""
    is_assumed = evaluation.trial.upgrade_to is not None and not evaluation.license.is_evaluation
    return None if is_assumed else evaluation.trial.ends


def delay(evaluation: Evaluation) -> timedelta:
    """Return an upper bound for the time between the trial's start and its discovery."""
    return discovery_delay(evaluation.trial.started, evaluation.first_seen)


def discovery_delay(started: date, first_seen: datetime) -> timedelta:
    """Return an upper bound for the time between a trial's start and its discovery.

    The report gives the start as a UTC day only, so the bound counts from the beginning of that day.
    """
    return max(first_seen - datetime.combine(started, time.min, tzinfo=UTC), timedelta(0))
