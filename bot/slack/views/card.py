"""The card of an evaluation as Slack blocks."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from bot.domain.card import Action, Card, Person, actions, delay, known_end, mailable, person, recipients, title
from bot.domain.cautions import Caution, cautions_for, describe
from bot.domain.evaluation import Contact, Evaluation, Hosting, License, State, days_left
from bot.domain.history import UNTOLD, Kind
from bot.domain.license_types import is_sold
from bot.domain.mail import MailState
from bot.domain.mail_policy import DEFAULT_RULES, MailRules, RefusalReason, Refused
from bot.domain.text import day
from bot.slack import ids
from bot.slack.blocks import Block, Message, mrkdwn, paragraphs, plain, section, small
from bot.slack.text import days, escape, mention, moment, span, tame
from bot.slack.views.history import describe_scope, mail_name, note, opportunity

_LAST_WEEK: Final = 7
_AT_ONCE: Final = timedelta(days=2)
"""The usual delay of the report."""
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
"""The visible buttons; the rest is in the overflow menu."""
_SAID_BY_THE_CARD: Final = UNTOLD | {Kind.MAIL_SENT, Kind.MAIL_ARRIVED, Kind.MAIL_UNKNOWN, Kind.DO_NOT_CONTACT}
_SAID_BY_THE_REFUSAL: Final = frozenset({Caution.NO_CONTACT, Caution.FORGOTTEN, Caution.MALFORMED, Caution.ATLASSIAN})


def card_message(card: Card, *, today: date, rules: MailRules = DEFAULT_RULES) -> Message:
    """Return the card of an evaluation as it is now, for the team's day `today`."""
    who = person(card)
    license_ = card.evaluation.license
    blocks: list[Block] = [
        {"type": "header", "text": plain(f"{tame(title(license_), longest=90)} · {license_.app_name}", longest=150)},
        {"type": "section", "fields": [mrkdwn(text) for text in _fields(card, who, today=today)]},
    ]
    blocks += paragraphs([*_flag_line(card, who), *_context_lines(card), *_mail_lines(card)])
    refusal = mailable(card, who, rules)
    if isinstance(refusal, Refused):
        blocks.append(section(_refusal(refusal, who) + _other(card, rules)))
    blocks += [{"type": "actions", "elements": _buttons(card, rules)}, small(_footer(card))]
    return Message(text=_fallback(card), blocks=blocks)


def pointer_message(card: Card, link: str | None) -> Message:
    """Return what is left of a card whose license turned out to be the same as another's."""
    name = escape(title(card.evaluation.license))
    there = f"<{link}|its card>" if link else "its card"
    text = f"{name}: this license turned out to be the same as another one. See {there}."
    return Message(text=text, blocks=[small(text)])


def _fallback(card: Card) -> str:
    license_, trial = card.evaluation.license, card.evaluation.trial
    verb = {
        State.RUNNING: "is evaluating",
        State.CONVERTED: "bought" if is_sold(license_.license_type) else "got a license of",
        State.EXPIRED: "evaluated",
        State.CANCELLED: "evaluated",
    }[trial.state]
    edition = f" the {escape(trial.upgrade_to)} edition of" if trial.upgrade_to else ""
    return f"{escape(title(license_))} {verb}{edition} {escape(license_.app_name)}"


def _fields(card: Card, who: Person | None, *, today: date) -> list[str]:
    license_ = card.evaluation.license
    fields = [
        f"*Contact*\n{_contact(who)}",
        f"*Where*\n{_where(license_)}",
        f"*Trial*\n{_trial(card, today=today)}",
        f"*Hosting*\n{_hosting(license_)}",
    ]
    if license_.hosting == Hosting.CLOUD or license_.opportunity_size:
        size = license_.opportunity_size
        fields.append(f"*Opportunity*\n{_capital(opportunity(size)) if size else _NOT_KNOWN}")
    if license_.hosting == Hosting.CLOUD or license_.parent_product:
        parent = " ".join(part for part in (license_.parent_product, license_.parent_edition) if part)
        fields.append(f"*Parent product*\n{escape(parent) if parent else _NOT_KNOWN}")
    return fields


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


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


def _trial(card: Card, *, today: date) -> str:
    trial = replace(card.evaluation.trial, ends=known_end(card.evaluation))
    lines = [f"{day(trial.started)} – {day(trial.ends)}" if trial.ends else f"began {day(trial.started)}"]
    if trial.upgrade_to:
        lines.insert(0, f"Upgrade trial: {escape(trial.upgrade_to)}")
    left = days_left(trial, today)
    match trial.state:
        case State.CONVERTED:
            standing = _converted(card.evaluation)
        case State.EXPIRED:
            standing = "over"
        case State.CANCELLED:
            standing = "cancelled"
        case _ if left is not None:
            standing = _left(left)
        case _:
            standing = "running" if trial.ends is None else "past its end"
    return "\n".join([*lines, standing])


def _converted(evaluation: Evaluation) -> str:
    license_, trial = evaluation.license, evaluation.trial
    said = "*bought*" if is_sold(license_.license_type) else "licensed"
    is_latest = trial.upgrade_to is None and license_.latest_evaluation in (None, trial.started)
    return f"{said}, {days(license_.days_to_convert)} later" if is_latest and license_.days_to_convert else said


def _left(left: int) -> str:
    said = "last day" if left == 0 else f"{days(left)} left"
    return f":hourglass_flowing_sand: *{said}*" if left <= _LAST_WEEK else said


def _flag_line(card: Card, who: Person | None) -> list[str]:
    license_, context = card.evaluation.license, card.context
    found = cautions_for(license_, None if who is None else who.contact, context)
    said = [escape(describe(f, license_, context), longest=250) for f in found if f not in _SAID_BY_THE_REFUSAL]
    return [f":warning: {'  ·  '.join(said)}"] if said else []


def _context_lines(card: Card) -> list[str]:
    context = card.context
    until = [f"{_app(name, card)} until {year}" for name, year in context.paid_for]
    has = (
        ("Already a customer of", _apps(context.customer_of, card)),
        ("Have a license of", _apps(context.uses, card)),
        ("Paid for", _listed(until)),
    )
    said = (
        (":star:", "  ·  ".join(f"{how} {names}" for how, names in has if names)),
        (":eyes: Also evaluating", _apps(context.evaluating, card)),
        (":arrows_counterclockwise: Evaluated this app before, in", _listed(context.evaluated)),
    )
    return [f"{how} {names}" for how, names in said if names]


def _apps(names: Iterable[str], card: Card) -> str:
    return _listed([_app(name, card) for name in names])


def _app(name: str, card: Card) -> str:
    """Return an app of the customer's as this app's card names it."""
    return "this app on another site" if name == card.evaluation.license.app_name else escape(name, longest=60)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5])


def _mail_lines(card: Card) -> list[str]:
    said = {
        MailState.SENT: ":email: {} sent by {}, {}",
        MailState.UNKNOWN: ":grey_question: {} by {}, {}: did it arrive? The thread settles it",
    }
    mails = [mail for mail in card.mails if mail.attempt.state in said]
    return [
        said[mail.attempt.state].format(escape(mail_name(mail.template)), mention(mail.attempt.by), moment(mail.at))
        for mail in mails[-5:]
    ]


def _refusal(refusal: Refused, who: Person | None) -> str:
    entry = None if who is None else who.dnc_entry
    if refusal.reason is RefusalReason.DO_NOT_CONTACT and entry is not None:
        by = f", {mention(entry.by)}" if entry.by else ""
        return f":no_entry_sign: *Do not contact*{describe_scope(entry)}: {entry.reason.words}{by}, {moment(entry.at)}"
    sign = ":tada:" if refusal.reason is RefusalReason.CONVERTED else ":no_entry_sign:"
    return f"{sign} No email: {refusal.reason}"


def _buttons(card: Card, rules: MailRules) -> list[Block]:
    offered = actions(card, rules)
    evaluation_id = card.evaluation.id
    buttons = [_button(action, evaluation_id) for action in _BUTTONS if action in offered]
    seen = {Action.RELEASE: card.evaluation.owner}
    rest = [
        {"text": plain(_LABELS[action]), "value": ids.option(action, evaluation_id, seen.get(action))}
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
    late = delay(evaluation)
    how_late = f"within {span(late)} of its start" if late <= _AT_ONCE else f"{days(late.days)} after it began"
    seen = f"Trial first seen {moment(evaluation.first_seen)}, {how_late}"
    return "  ·  ".join(part for part in (owner, _last(card), seen) if part)


def _last(card: Card) -> str:
    """Return the last event, or nothing if the card shows it anyway."""
    states = {mail.attempt.state for mail in card.mails}
    if states & {MailState.QUEUED, MailState.SENDING}:
        return "A mail is on its way"
    if MailState.DEFERRED in states:
        return "A mail waits for the mail server"
    if card.last is None or card.last.kind in _SAID_BY_THE_CARD:
        return ""
    return f"{note(card.last).rstrip('.')}, {moment(card.last.at)}"


def _other(card: Card, rules: MailRules) -> str:
    """Return who can be emailed if the contact on the card cannot."""
    other = next((each for each in recipients(card, rules) if each.is_open), None)
    if other is None:
        return ""
    contact = other.person.contact
    return f"\n{escape(contact.name or contact.email or '', longest=100)} ({other.role} contact) can be emailed."
