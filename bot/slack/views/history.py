"""The sentence for a history entry: in a card's thread, and as the card's last event."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from bot.domain.dnc import DncEntry, DncReason, DncScope, DncTarget
from bot.domain.history import Entry, Kind
from bot.domain.license_types import is_sold, type_in_words
from bot.domain.mail import LawfulBasis
from bot.domain.text import day
from bot.slack.blocks import Block, Message, note_message, plain
from bot.slack.ids import Settle
from bot.slack.text import days, escape, mention

_NOBODY: Final = "Somebody"
_BY_THEMSELVES: Final = {DncReason.UNSUBSCRIBED: "they unsubscribed, by the link in a mail"}
_FACTS: Final = {
    "company": "company {}",
    "country": "country {}",
    "opportunity_size": "opportunity: {}",
    "parent_product": "parent product {}",
    "parent_edition": "edition of the parent product {}",
    "sandbox": "a sandbox site",
    "channel": "found the app through {}",
    "migration": "part of a move from their own servers to cloud",
}
_SIZES: Final = {
    "evaluation": "their parent product is on trial, too",
    "unknown": "size not known to Atlassian",
    "unlimited users": "unlimited users",
}
"""Atlassian's words for the size of the parent product, in plain words."""
_BOUNCES: Final = {
    "gone": "the address takes no mail",
    "later": "for reasons that may pass",
    "us": "their server did not want it from us",
}


def note(entry: Entry) -> str:
    """Return one sentence of mrkdwn that says what happened and who did it."""
    return _SENTENCES[entry.kind](entry.details, _NOBODY if entry.actor is None else mention(entry.actor))


def mail_name(template: str) -> str:
    """Return a template's id as people say it: `trial-ending` is Trial ending."""
    return template.replace("-", " ").capitalize()


def opportunity(size: str) -> str:
    """Return how many people could use the app: users of the parent product."""
    if size.isdecimal():
        return "1 user" if size == "1" else f"{escape(size)} users"
    return _SIZES.get(size.lower()) or escape(size)


def describe_scope(entry: DncEntry) -> str:
    """Return how far an entry reaches, if that is more than one address."""
    match entry.target:
        case DncTarget(scope=DncScope.DOMAIN, value=domain):
            return f" anybody at {escape(domain)}"
        case DncTarget(scope=DncScope.SITE, value=site):
            return f" anybody of {escape(site)}"
        case _:
            return ""


Details = Mapping[str, str]


def _started(details: Details, _who: str) -> str:
    return f"The trial began on {_day(details['on'])}."


def _extended(details: Details, _who: str) -> str:
    return f":hourglass_flowing_sand: The trial was extended to {_day(details['to'])} (was {_day(details['was'])})."


def _corrected(_details: Details, _who: str) -> str:
    return "The report corrected the dates of the trial."


def _converted(details: Details, _who: str) -> str:
    parts = (type_in_words(details["type"]), details["edition"], details["tier"])
    what = ", ".join(escape(part) for part in parts if part)
    if details.get("upgrade"):
        return f":tada: They upgraded to the {escape(details['upgrade'])} edition: {what}."
    after = f" {days(int(details['days']))} after the trial began" if details["days"] not in ("", "0") else ""
    if is_sold(details["type"]):
        return f":tada: They bought the app{after}: {what}."
    return f"They got a license of the app{after}: {what}."


def _ended(details: Details, _who: str) -> str:
    if edition := details.get("upgrade"):
        return f"The trial of the {escape(edition)} edition ended; they have the license they had before."
    if details["how"] == "cancelled":
        return "The trial was cancelled."
    return f"The trial ended{' on ' + _day(details['on']) if details['on'] else ''}; nothing was bought so far."


def _reopened(details: Details, _who: str) -> str:
    return f"The trial runs again{', until ' + _day(details['to']) if details['to'] else ''}."


def _contact_changed(details: Details, _who: str) -> str:
    if details["to"] == "forgotten":
        return "The contact asked Atlassian to be forgotten; nobody can be written to."
    if details["to"] == "nobody":
        return "The report names no contact any more."
    return "The report names another contact now."


def _enriched(details: Details, _who: str) -> str:
    facts = ", ".join(
        _FACTS.get(fact, fact + " {}").format((opportunity if fact == "opportunity_size" else escape)(value))
        for fact, value in details.items()
    )
    return f"The report now tells more: {facts}."


def _assigned(details: Details, who: str) -> str:
    owner = mention(details["owner"])
    return f"{who} took this." if owner == who else f"{who} gave this to {owner}."


def _mail(sentence: str) -> Callable[[Details, str], str]:
    def say(details: Details, who: str) -> str:
        error = f" {escape(details['error'], longest=500)}" if details.get("error") else ""
        return sentence.format(who=who, template=escape(mail_name(details["template"]))) + error

    return say


def _sent(details: Details, who: str) -> str:
    basis = details.get("ground") or LawfulBasis.TRIAL.name
    said = "" if basis == LawfulBasis.TRIAL.name else f" {LawfulBasis[basis]}."
    return _mail(":email: {who} sent *{template}*.")(details, who) + said


def _blocked(details: Details, who: str) -> str:
    reason = DncReason(details["cause"])
    if who == _NOBODY:
        return f":no_entry_sign: *Do not contact*: {_BY_THEMSELVES.get(reason, reason.words)}."
    return f":no_entry_sign: {who} marked the contact do-not-contact: {reason.words}.{_typed_note(details)}"


def _contact_again(details: Details, who: str) -> str:
    if who == _NOBODY:
        return "The contact took back that they unsubscribed."
    remark = _typed_note(details)
    return f"{who} lifted the do-not-contact mark{f':{remark}' if remark else '.'}"


def _typed_note(details: Details) -> str:
    return f" “{escape(details['note'], longest=500)}”" if details.get("note") else ""


def _bounced(details: Details, _who: str) -> str:
    name, why = escape(mail_name(details["template"])), _BOUNCES.get(details["means"])
    if details["means"] == "unclear":
        return f":grey_question: Something came back for *{name}* that I can't read. Check whether it arrived."
    if why is None:
        return f":no_entry_sign: They told their mail provider that *{name}* was not wanted."
    status = f" ({escape(details['status'])})" if details["status"] else ""
    return f":leftwards_arrow_with_hook: *{name}* came back{status}: {why}."


def _day(iso: str) -> str:
    return day(date.fromisoformat(iso))


_SENTENCES: Final[Mapping[Kind, Callable[[Details, str], str]]] = {
    Kind.STARTED: _started,
    Kind.EXTENDED: _extended,
    Kind.CORRECTED: _corrected,
    Kind.CONVERTED: _converted,
    Kind.ENDED: _ended,
    Kind.REOPENED: _reopened,
    Kind.CONTACT_CHANGED: _contact_changed,
    Kind.ENRICHED: _enriched,
    Kind.MERGED: lambda _details, _who: "Two records of the report turned out to be one license.",
    Kind.ASSIGNED: _assigned,
    Kind.RELEASED: lambda _details, who: f"{who} gave this back; it has no owner.",
    Kind.MAIL_UNDONE: _mail("{who} took *{template}* back before it went."),
    Kind.MAIL_DEFERRED: _mail(":hourglass_flowing_sand: *{template}* by {who} waits; it is tried again by itself."),
    Kind.MAIL_BOUNCED: _bounced,
    Kind.MAIL_SENT: _sent,
    Kind.MAIL_FAILED: _mail(":warning: {who} tried to send *{template}*; it was not sent."),
    Kind.MAIL_REFUSED: _mail(":no_entry_sign: {who} tried to send *{template}*; it was not sent."),
    Kind.MAIL_UNKNOWN: _mail(":grey_question: {who} sent *{template}*, and nobody knows whether it arrived."),
    Kind.MAIL_ARRIVED: _mail(":email: {who} says that *{template}* arrived."),
    Kind.MAIL_AGAIN: _mail("{who} sends *{template}* again."),
    Kind.DO_NOT_CONTACT: _blocked,
    Kind.CONTACT_AGAIN: _contact_again,
    Kind.ERASED: lambda _details, _who: "The contact was erased at their request.",
}


def entry_message(entry: Entry) -> Message:
    """Return the line for a history entry. Its buttons stay after a press; the listener checks the state."""
    message = note_message(note(entry))
    mail = entry.details.get("mail")
    if entry.kind is not Kind.MAIL_UNKNOWN or mail is None:
        return message
    return replace(message, blocks=[*message.blocks, {"type": "actions", "elements": _buttons(mail)}])


def _buttons(mail: str) -> list[Block]:
    twice = {
        "title": plain("Send again?"),
        "text": plain("If it did arrive, they get it twice. Your mail server's log may know.", longest=300),
        "confirm": plain("Send again", longest=30),
        "deny": plain("Cancel", longest=30),
    }
    return [
        {"type": "button", "action_id": Settle.ARRIVED.value, "text": plain("It arrived"), "value": mail},
        {
            "type": "button",
            "action_id": Settle.AGAIN.value,
            "text": plain("Send again"),
            "value": mail,
            "confirm": twice,
        },
    ]
