"""The card as Slack blocks: a view of a `Card`, painted anew whenever it changes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from bot.domain.card import Action, Card, Person, actions, day, delay, mailable, person, title
from bot.domain.evaluation import Contact, Hosting, License, State, days_left
from bot.domain.history import UNTOLD, Kind
from bot.domain.policy import MailState, Reason, Refused
from bot.domain.trust import Flag, flags
from bot.slack import ids
from bot.slack.notes import mail_name, note
from bot.slack.text import escape, mention, moment, span, tame

Block = dict[str, Any]

_PARAGRAPH: Final = 3000
_LAST_WEEK: Final = 7
_NOT_KNOWN: Final = "_not yet known_"
_LABELS: Final = {
    Action.EMAIL: "Email…",
    Action.CLAIM: "Claim",
    Action.DO_NOT_CONTACT: "Do not contact…",
    Action.ASSIGN: "Assign to…",
    Action.RELEASE: "Give back",
    Action.CONTACT_AGAIN: "Lift do-not-contact…",
}
_BUTTONS: Final = (Action.EMAIL, Action.CLAIM, Action.DO_NOT_CONTACT)
"""What is visible at once; the rest is in the overflow menu."""
_SAID_BY_THE_CARD: Final = UNTOLD | {Kind.MAIL_SENT, Kind.MAIL_UNKNOWN, Kind.DO_NOT_CONTACT}
_SAID_BY_THE_REFUSAL: Final = frozenset({Flag.NO_CONTACT, Flag.FORGOTTEN, Flag.MALFORMED, Flag.ATLASSIAN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a message of ours consists of; `text` stands in where blocks cannot be shown."""

    text: str
    blocks: list[Block]


def mrkdwn(text: str) -> Block:
    """A text object in which Slack looks for nothing but what we wrote: `verbatim` turns its own link finding off."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain(text: str, *, longest: int = 75) -> Block:
    """A literal text object; colons make no emoji of a company's name."""
    return {"type": "plain_text", "text": tame(text, longest=longest) or "–", "emoji": False}


def section(text: str) -> Block:
    """A paragraph."""
    return {"type": "section", "text": mrkdwn(text)}


def paragraphs(lines: Iterable[str]) -> list[Block]:
    """As few paragraphs as hold these lines, none of them cut: Slack takes 3,000 characters in each."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + len(line) < _PARAGRAPH:
            texts[-1] += "\n" + line
        else:
            texts.append(line)
    return [section(text) for text in texts]


def small(*texts: str) -> Block:
    """A line in small type."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def card_message(card: Card, *, today: date) -> Message:
    """The card of an evaluation as it stands, for the team's day `today`."""
    who = person(card)
    license_ = card.evaluation.license
    blocks: list[Block] = [
        {"type": "header", "text": plain(f"{tame(title(license_), longest=90)} · {license_.app_name}", longest=150)},
        {"type": "section", "fields": [mrkdwn(text) for text in _fields(card, who, today=today)]},
    ]
    blocks += paragraphs([*_flag_lines(license_), *_context_lines(card), *_mail_lines(card)])
    refusal = mailable(card, who)
    if isinstance(refusal, Refused):
        blocks.append(section(_refusal(refusal, who)))
    blocks += [{"type": "actions", "elements": _buttons(card)}, small(_footer(card))]
    return Message(text=_fallback(card), blocks=blocks)


def pointer_message(card: Card, link: str | None) -> Message:
    """What is left of a card whose license turned out to be the same as another's."""
    name = escape(title(card.evaluation.license))
    there = f"<{link}|its card>" if link else "its card"
    text = f"{name}: this license turned out to be the same as another one. See {there}."
    return Message(text=text, blocks=[small(text)])


def note_message(text: str) -> Message:
    """A line in a card's thread, or a message of its own."""
    return Message(text=text, blocks=[section(text)])


def _fallback(card: Card) -> str:
    license_ = card.evaluation.license
    verb = {
        State.RUNNING: "is evaluating",
        State.CONVERTED: "bought",
        State.EXPIRED: "evaluated",
        State.CANCELLED: "evaluated",
    }[card.evaluation.trial.state]
    return f"{escape(title(license_))} {verb} {escape(license_.app_name)}"


def _fields(card: Card, who: Person | None, *, today: date) -> list[str]:
    license_ = card.evaluation.license
    fields = [
        f"*Contact*\n{_contact(who)}",
        f"*Where*\n{_where(license_)}",
        f"*Trial*\n{_trial(card, today=today)}",
        f"*Hosting*\n{_hosting(license_)}",
    ]
    if license_.hosting == Hosting.CLOUD or license_.opportunity_size:
        fields.append(f"*Opportunity*\n{_size(license_.opportunity_size)}")
    if license_.hosting == Hosting.CLOUD or license_.parent_product:
        parent = " ".join(part for part in (license_.parent_product, license_.parent_edition) if part)
        fields.append(f"*Parent product*\n{escape(parent) if parent else _NOT_KNOWN}")
    return fields


def _contact(who: Person | None) -> str:
    if who is None:
        return "_none in the report_"
    return "\n".join(_contact_lines(who.contact)) or "_forgotten at their request_"


def _contact_lines(contact: Contact) -> list[str]:
    return [escape(part) for part in (contact.name, contact.email) if part]


def _where(license_: License) -> str:
    region = f"{license_.country} ({license_.region})" if license_.country and license_.region else None
    lines = (license_.company, license_.site, region or license_.country or license_.region)
    return "\n".join(escape(line) for line in lines if line) or "_not in the report_"


def _hosting(license_: License) -> str:
    tier = None if license_.is_evaluation and license_.tier == "Evaluation" else license_.tier
    return " · ".join(escape(part) for part in (license_.hosting, license_.edition, tier) if part)


def _size(size: str | None) -> str:
    if size is None:
        return _NOT_KNOWN
    if size == "Evaluation":  # Atlassian's word where the parent product has no users that were bought
        return "their parent product is on trial, too"
    return f"{escape(size)} users" if size.isdigit() else escape(size)


def _trial(card: Card, *, today: date) -> str:
    trial = card.evaluation.trial
    window = f"{day(trial.started)} – {day(trial.ends) if trial.ends else '?'}"
    left = days_left(trial, today)
    match trial.state:
        case State.CONVERTED:
            standing = "*bought*"
        case State.EXPIRED:
            standing = "over"
        case State.CANCELLED:
            standing = "cancelled"
        case _ if left is not None:
            standing = _left(left)
        case _:
            standing = "running" if trial.ends is None else "past its end"
    return f"{window}\n{standing}"


def _left(left: int) -> str:
    words = "last day" if left == 0 else f"{left} {'day' if left == 1 else 'days'} left"
    return f":hourglass_flowing_sand: *{words}*" if left <= _LAST_WEEK else words


def _flag_lines(license_: License) -> list[str]:
    lines = []
    if license_.partner is not None:
        name = escape(license_.partner.name or "a partner")
        kind = f" ({escape(license_.partner.kind.replace('_', ' ').lower())})" if license_.partner.kind else ""
        lines.append(f":handshake: Through {name}{kind}: the contact may be theirs, not the customer's")
    lines.extend(f":warning: {flag}" for flag in flags(license_) if flag not in _SAID_BY_THE_REFUSAL)
    return lines


def _context_lines(card: Card) -> list[str]:
    context = card.context
    said = (
        (":star: Already a customer of", context.customer_of),
        (":eyes: Also evaluating", context.evaluating),
        (":arrows_counterclockwise: Evaluated this app before, in", context.evaluated),
    )
    return [f"{words} {', '.join(escape(name, longest=60) for name in names[:5])}" for words, names in said if names]


def _mail_lines(card: Card) -> list[str]:
    said = {
        MailState.SENT: ":email: {} sent by {}, {}",
        MailState.UNKNOWN: ":grey_question: {} by {}, {}: did it arrive?",
    }
    told = [mail for mail in card.mails if mail.attempt.state in said]
    return [
        said[mail.attempt.state].format(escape(mail_name(mail.template)), mention(mail.attempt.by), moment(mail.at))
        for mail in told[-5:]
    ]


def _refusal(refusal: Refused, who: Person | None) -> str:
    opt_out = None if who is None else who.opt_out
    if refusal.reason is Reason.DO_NOT_CONTACT and opt_out is not None:
        by = f", {mention(opt_out.by)}" if opt_out.by else ""
        return f":no_entry_sign: *Do not contact*: {escape(opt_out.reason)}{by}, {moment(opt_out.at)}"
    sign = ":tada:" if refusal.reason is Reason.CONVERTED else ":no_entry_sign:"
    return f"{sign} No e-mail: {refusal.reason}"


def _buttons(card: Card) -> list[Block]:
    offered = actions(card)
    evaluation_id = card.evaluation.id
    buttons = [_button(action, evaluation_id) for action in _BUTTONS if action in offered]
    rest = [
        {"text": plain(_LABELS[action]), "value": ids.option(action, evaluation_id)}
        for action in offered
        if action not in _BUTTONS
    ]
    return [*buttons, {"type": "overflow", "action_id": ids.MORE, "options": rest}]


def _button(action: Action, evaluation_id: int) -> Block:
    style = {Action.EMAIL: {"style": "primary"}, Action.DO_NOT_CONTACT: {"style": "danger"}}.get(action, {})
    return {
        "type": "button",
        "action_id": action.value,
        "text": plain(_LABELS[action]),
        "value": str(evaluation_id),
        **style,
    }


def _footer(card: Card) -> str:
    evaluation = card.evaluation
    owner = f"Owner: {mention(evaluation.owner)}" if evaluation.owner else "No owner yet"
    seen = f"Seen {moment(evaluation.first_seen)}, within {span(delay(evaluation))} of the trial's start"
    return "  ·  ".join(part for part in (owner, _last(card), seen) if part)


def _last(card: Card) -> str:
    """The last event; empty for one that the card says anyway."""
    if any(mail.attempt.state is MailState.SENDING for mail in card.mails):
        return "A mail is on its way"
    if card.last is None or card.last.kind in _SAID_BY_THE_CARD:
        return ""
    return f"{note(card.last).rstrip('.')}, {moment(card.last.at)}"
