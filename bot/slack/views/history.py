"""The sentence for a history entry: in a card's thread, and on the card for the latest email."""

from dataclasses import replace
from datetime import date
from typing import Final, assert_never

from bot.domain.dnc import DncEntry, DncScope, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import State
from bot.domain.history import (
    AnsweredInApp,
    AppSignalled,
    Assigned,
    BounceMeaning,
    CalledDone,
    CalledNotForUs,
    ContactNow,
    ContactReplaced,
    CustomerLeft,
    DatesCorrected,
    DetailsAdded,
    DncAdded,
    DncLifted,
    Entry,
    Erased,
    FeedbackReceived,
    Kind,
    LicenseFollowed,
    MailBounced,
    MailEvent,
    Merged,
    NobodyAvailable,
    NoteAdded,
    QuoteAccepted,
    Released,
    ReplyReceived,
    ReportedFact,
    TrialConverted,
    TrialEnded,
    TrialExtended,
    TrialReopened,
    TrialStarted,
    Undone,
)
from bot.domain.license_types import is_sold, type_in_words
from bot.domain.mail import LawfulBasis
from bot.domain.note import Note
from bot.domain.replies import ANSWER
from bot.domain.text import day
from bot.slack.blocks import Block, Message, button, confirm, note_message
from bot.slack.ids import Settle
from bot.slack.text import days, escape, mention
from bot.slack.views.accepted_quote import quote_sentence
from bot.slack.views.departure import departure_sentence, show_button
from bot.slack.views.feedback import headline as feedback_headline
from bot.slack.views.feedback import line_message as feedback_line
from bot.slack.views.follow_up import follow_up_sentence, quote_message
from bot.slack.views.owner import owner_sentence
from bot.slack.views.received import headline, line_message
from bot.slack.views.signals import signal_sentence

_NOBODY: Final = "Somebody"
_BY_THEMSELVES: Final = {DncReason.UNSUBSCRIBED: "They unsubscribed with the link in an email"}
_FACTS: Final = {
    "company": "company {}",
    "country": "country {}",
    "opportunity_size": "{}",
    "parent_product": "parent product {}",
    "parent_edition": "edition of the parent product {}",
    "sandbox": "sandbox site",
    "channel": "found the app through {}",
    "migration": "part of a move from Data Center to Cloud",
}
_SIZES: Final = {
    "evaluation": "their parent product is on trial too",
    "unknown": "size unknown to Atlassian",
    "unlimited users": "unlimited users",
}
"""Atlassian's words for the size of the parent product, in plain words."""
_BASES: Final = {
    LawfulBasis.TRIAL: "legitimate interest in the trial they started",
    LawfulBasis.REQUEST: "they asked us",
    LawfulBasis.CONSENT: "consent",
    LawfulBasis.CUSTOMER: "existing customer, similar product",
    LawfulBasis.WROTE: "they wrote to us",
    LawfulBasis.ASKED: "they asked for an answer",
    LawfulBasis.ASKED_SINCE: "they asked for an answer after they unsubscribed",
}
_MAILS: Final = {
    Kind.MAIL_QUEUED: ":hourglass_flowing_sand: Email sending… {template}, by {who}.",
    Kind.MAIL_UNDONE: ":leftwards_arrow_with_hook: {who} cancelled {template} before it was sent.",
    Kind.MAIL_DEFERRED: ":hourglass_flowing_sand: {template}, by {who}, is delayed. We'll try again automatically.",
    Kind.MAIL_SENT: ":email: {who} sent {template}.",
    Kind.MAIL_FAILED: ":warning: {who} tried to send {template}, but it failed.",
    Kind.MAIL_REFUSED: ":no_entry_sign: {who} tried to send {template}, but it was not allowed.",
    Kind.MAIL_UNKNOWN: ":grey_question: {who} sent {template}, but we don't know whether it arrived.",
    Kind.MAIL_ARRIVED: ":email: {who} confirmed that {template} arrived.",
    Kind.MAIL_AGAIN: ":hourglass_flowing_sand: {who} is sending {template} again.",
}
_CONTACT_NOW: Final = {
    ContactNow.FORGOTTEN: "The contact asked Atlassian to be forgotten, so nobody can email them.",
    ContactNow.NOBODY: "The report no longer names a contact.",
    ContactNow.ANOTHER: "The report now names another contact.",
}
_BOUNCES: Final = {
    BounceMeaning.GONE: "the address doesn't accept email",
    BounceMeaning.LATER: "perhaps only for now",
    BounceMeaning.US: "their mail server rejected the sender",
}


def note(entry: Entry) -> str:
    """Return mrkdwn that says in a sentence or two what happened and who did it."""
    who = _NOBODY if entry.actor is None else mention(entry.actor)
    match entry.fact:
        case MailEvent() as fact:
            said = _mail(fact, who)
        case MailBounced() | ReplyReceived() | FeedbackReceived() | AnsweredInApp() as fact:
            said = _came_back(fact)
        case DncAdded() as fact:
            said = _blocked(fact, None if entry.actor is None else who)
        case DncLifted(note=typed):
            said = "The contact resubscribed." if entry.actor is None else f"{who} unblocked the contact{_typed(typed)}"
        case Assigned() | Released() | NobodyAvailable() as fact:
            said = owner_sentence(fact, entry.actor)
        case NoteAdded() | CalledDone() | CalledNotForUs() | Undone() as fact:
            said = follow_up_sentence(fact, who)
        case AppSignalled() | LicenseFollowed() as fact:
            said = signal_sentence(fact, entry.at)
        case CustomerLeft() | QuoteAccepted() as fact:
            said = departure_sentence(fact) if isinstance(fact, CustomerLeft) else quote_sentence(fact)
        case Erased():
            said = "The contact's data was erased at their request."
        case fact:
            said = _reported(fact)
    return said


def _came_back(fact: MailBounced | ReplyReceived | FeedbackReceived | AnsweredInApp) -> str:
    match fact:
        case MailBounced():
            return _bounced(fact)
        case ReplyReceived():
            return headline(fact)
        case _:
            return feedback_headline(fact)


def mail_name(template: str) -> str:
    """Return a template's id as people say it: `trial-ending` is Trial ending."""
    return "Answer" if template.startswith(ANSWER) else template.replace("-", " ").capitalize()


def opportunity(size: str) -> str:
    """Return how many people could use the app: users of the parent product."""
    if size.isdecimal():
        return "1 user" if size == "1" else f"{escape(size)} users"
    return _SIZES.get(size.lower()) or escape(size)


def describe_scope(entry: DncEntry) -> str:
    """Return how far an entry reaches, if that is more than one address."""
    match entry.target:
        case DncTarget(scope=DncScope.DOMAIN, value=domain):
            return f" anyone at {escape(domain)}"
        case DncTarget(scope=DncScope.SITE, value=site):
            return f" anyone at {escape(site)}"
        case _:
            return ""


def _reported(fact: ReportedFact) -> str:
    match fact:
        case TrialStarted(on=on):
            said = f"The trial started{_on(' on ', on)}."
        case TrialExtended(to=to, was=was):
            said = f":hourglass_flowing_sand: The trial was extended{_on(' to ', to)}{_on(', was ', was)}."
        case DatesCorrected():
            said = "The report corrected the dates of the trial."
        case TrialConverted():
            said = _converted(fact)
        case TrialEnded():
            said = _ended(fact)
        case TrialReopened(to=to):
            said = f"The trial is running again{_on(', until ', to)}."
        case ContactReplaced(to=to):
            said = _CONTACT_NOW[to]
        case DetailsAdded(facts=facts):
            said = f"New in the report: {', '.join(_detail(name, value) for name, value in facts)}."
        case Merged():
            said = "Two records in the report turned out to be the same license."
        case _:
            assert_never(fact)
    return said


def _on(words: str, at: date | None) -> str:
    return "" if at is None else words + day(at)


def _converted(fact: TrialConverted) -> str:
    parts = (type_in_words(fact.license_type), fact.edition, fact.tier)
    what = ", ".join(escape(part) for part in parts if part)
    if fact.upgrade:
        return f":tada: They upgraded to the {escape(fact.upgrade)} edition: {what}."
    after = f" {days(fact.days)} after the trial started" if fact.days else ""
    if is_sold(fact.license_type):
        return f":tada: They bought the app{after}: {what}."
    return f"They got a license for the app{after}: {what}."


def _ended(fact: TrialEnded) -> str:
    if fact.upgrade:
        return f"The trial of the {escape(fact.upgrade)} edition ended. They keep the license they had."
    if fact.how is State.CANCELLED:
        return "The trial was cancelled."
    return f"The trial ended{_on(' on ', fact.on)} without a purchase."


def _detail(name: str, value: str) -> str:
    shown = opportunity(value) if name == "opportunity_size" else escape(value)
    return _FACTS.get(name, f"{name} {{}}").format(shown)


def _mail(fact: MailEvent, who: str) -> str:
    said = _MAILS[fact.kind].format(who=who, template=f"*{escape(mail_name(fact.template))}*")
    error = f" {escape(fact.error, longest=500)}" if fact.error else ""
    basis = "" if fact.basis is None else f" Legal basis: {_BASES[fact.basis]}."
    return said + error + basis


def _bounced(fact: MailBounced) -> str:
    name = f"*{escape(mail_name(fact.template))}*"
    match fact.means:
        case BounceMeaning.UNCLEAR:
            return f":grey_question: Something came back for {name} that we can't read. Check whether it arrived."
        case BounceMeaning.COMPLAINT:
            return f":no_entry_sign: They reported {name} as spam."
        case _:
            status = f" ({escape(fact.status)})" if fact.status else ""
            return f":leftwards_arrow_with_hook: {name} bounced{status}: {_BOUNCES[fact.means]}."


def _blocked(fact: DncAdded, who: str | None) -> str:
    if who is None:
        return f":no_entry_sign: *Do not contact*: {_BY_THEMSELVES.get(fact.reason, fact.reason.words)}."
    quoted = f" {_quoted(fact.note)}" if fact.note else ""
    return f":no_entry_sign: {who} blocked the contact: {fact.reason.words}.{quoted}"


def _typed(note: str | None) -> str:
    return f": {_quoted(note)}" if note else "."


def _quoted(note: str) -> str:
    return f"“{escape(note, longest=500)}”"


def entry_message(entry: Entry) -> Message:
    """Return the line for a history entry. Its buttons stay after a press; the listener checks the state."""
    message = note_message(note(entry))
    match entry.fact:
        case NoteAdded(note=Note() as written) | CalledNotForUs(note=Note() as written) if written.text:
            return quote_message(entry.fact, written)
        case ReplyReceived() as fact:
            return line_message(fact)
        case CustomerLeft(has_words=True, departure_id=int(number)):
            return replace(message, blocks=[*message.blocks, show_button(number)])
        case FeedbackReceived() | AnsweredInApp() as fact:
            return feedback_line(fact)
        case MailEvent(kind=Kind.MAIL_UNKNOWN, mail=int(mail)):
            return replace(message, blocks=[*message.blocks, {"type": "actions", "elements": _buttons(str(mail))}])
        case _:
            return message


def _buttons(mail: str) -> list[Block]:
    risk = "If it did arrive, they get it twice. Your mail server's log may know."
    twice = confirm("Send again?", consequence=risk, label="Send again")
    return [
        button(Settle.ARRIVED, "It arrived", mail),
        {**button(Settle.AGAIN, "Send again", mail), "confirm": twice},
    ]
