"""The card of an evaluation as Slack blocks."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from bot.domain.app_signal import AppSignal, EarlyEnd, EarlyInstall, SignalKind
from bot.domain.card import Action, Card, actions, delay, known_end, shown_disposition, title
from bot.domain.evaluation import License, State
from bot.domain.history import Assigned, Kind, TrialExtended
from bot.domain.license_types import is_sold
from bot.domain.mail_policy import DEFAULT_RULES, MailRules
from bot.domain.text import day
from bot.slack import ids
from bot.slack.blocks import Block, Message, button, paragraphs, plain, small
from bot.slack.text import escape, mention, moment, span, tame
from bot.slack.views.accepted_quote import quote_lines
from bot.slack.views.card_lines import (
    SEPARATOR,
    mail_line,
    people_lines,
    place_line,
    selling_line,
    signs_line,
    waiting_line,
)
from bot.slack.views.departure import departure_lines
from bot.slack.views.follow_up import disposition_lines
from bot.slack.views.history import note
from bot.slack.views.owner import how_assigned
from bot.slack.views.signals import early_lines

_LABELS: Final = {
    Action.ANSWER: "Answer…",
    Action.EMAIL: "Email…",
    Action.CLAIM: "Claim",
    Action.DO_NOT_CONTACT: "Do not contact…",
    Action.NOTE: "Note…",
    Action.DONE: "Done",
    Action.SNOOZE: "Snooze…",
    Action.UNDO: "Undo",
    Action.NOT_FOR_US: "Not for us…",
    Action.ASSIGN: "Assign to…",
    Action.RELEASE: "Release",
    Action.CONTACT_AGAIN: "Unblock…",
    Action.REST: "More…",
}
_BUTTONS: Final = (Action.ANSWER, Action.EMAIL, Action.CLAIM, Action.DO_NOT_CONTACT)
"""What may be a visible button. The first three of those on offer are; the rest is in the overflow menu."""
_MOST_BUTTONS: Final = 3
_MENU_LENGTH: Final = 5
"""The most options that Slack shows in an overflow menu."""
_NEWS: Final = frozenset({Kind.REOPENED, Kind.CONTACT_CHANGED, Kind.CONTACT_AGAIN})
"""Kinds of events that the rest of a card shows only in their effect."""


def card_message(card: Card, *, today: date, rules: MailRules = DEFAULT_RULES, vendor_id: str | None = None) -> Message:
    """Return the card of an evaluation as it is now, for the team's day `today`.

    `vendor_id` is the vendor's number at the Marketplace, for the link to the license.
    """
    if card.evaluation.trial.state is State.EXPECTED:
        return _early_message(card, card.early or _forgotten_install(card))
    license_ = card.evaluation.license
    heading = f"{tame(title(license_), longest=90)} · {license_.app_name}"
    lines = [
        selling_line(card, today=today),
        *people_lines(card),
        place_line(card, vendor_id=vendor_id),
        signs_line(card, rules),
        waiting_line(card),
        mail_line(card),
        *departure_lines(card),
        *quote_lines(card),
        *disposition_lines(card),
    ]
    blocks: list[Block] = [
        {"type": "header", "text": plain(heading, longest=150)},
        *paragraphs(line for line in lines if line),
        small(_footer(card)),
        {"type": "actions", "elements": _buttons(card, rules)},
    ]
    return Message(text=_fallback(card), blocks=blocks)


def _forgotten_install(card: Card) -> EarlyInstall:
    """Return what is left of an installation whose signal is no longer kept."""
    license_ = card.evaluation.license
    signal = AppSignal(
        key="",
        app_key=license_.app_key,
        kind=SignalKind.INSTALLED,
        at=card.evaluation.first_seen,
        cloud_id=license_.cloud_id,
        site=license_.site,
        aliases=tuple(license_.aliases),
    )
    return EarlyInstall(signal=signal, end=EarlyEnd.NO_LICENSE)


def _early_message(card: Card, early: EarlyInstall) -> Message:
    """Return the card of an installation whose license is not known."""
    app = card.evaluation.license.app_name
    buttons = [action_button(action, card) for action in actions(card)]
    blocks: list[Block] = [
        {"type": "header", "text": plain(f"{tame(early.place, longest=90)} · {app}", longest=150)},
        *paragraphs(early_lines(early)),
        small(_owner(card)),
        *([{"type": "actions", "elements": buttons}] if buttons else []),
    ]
    ended = {None: "", EarlyEnd.UNINSTALLED: " and uninstalled it", EarlyEnd.NO_LICENSE: "; no license followed"}
    return Message(text=f"{escape(early.place)} installed {escape(app)}{ended[early.end]}", blocks=blocks)


def pointer_message(card: Card, link: str | None) -> Message:
    """Return what is left of a card whose license turned out to be the same as another's."""
    name = escape(title(card.evaluation.license))
    there = f"<{link}|its card>" if link else "its card"
    text = f"{name}: this license turned out to be the same as another one. See {there}."
    return Message(text=text, blocks=[small(text)])


def _fallback(card: Card) -> str:
    license_, trial = card.evaluation.license, card.evaluation.trial
    verb = {
        State.EXPECTED: "installed",
        State.RUNNING: "is evaluating",
        State.CONVERTED: "bought" if is_sold(license_.license_type) else "got a license for",
        State.EXPIRED: "evaluated",
        State.CANCELLED: "evaluated",
    }[trial.state]
    edition = f" the {escape(trial.upgrade_to)} edition of" if trial.upgrade_to else ""
    return f"{escape(title(license_))} {verb}{edition} {escape(license_.app_name)}"


def _buttons(card: Card, rules: MailRules) -> list[Block]:
    offered = actions(card, rules)
    buttons = [action_button(action, card) for action in _visible(offered)]
    shown, hidden = _menu(offered)
    return [*buttons, _overflow([*shown, *([Action.REST] if hidden else [])], card)]


def row_menu(offered: Sequence[Action], card: Card) -> Block | None:
    """Return the menu beside a card's row in a list, or None if nothing is offered."""
    if not offered:
        return None
    return {**_overflow(offered, card), "action_id": f"{ids.MORE}.{card.evaluation.id}"}


def _overflow(offered: Sequence[Action], card: Card) -> Block:
    options = [{"text": plain(_LABELS[action]), "value": _option(action, card)} for action in offered]
    return {"type": "overflow", "action_id": ids.MORE, "options": options}


def rest_buttons(card: Card, rules: MailRules = DEFAULT_RULES) -> list[Block]:
    """Return the buttons for the actions that the menu of a card has no room for."""
    _, hidden = _menu(actions(card, rules))
    return [button(action, _LABELS[action], _option(action, card)) for action in hidden]


def _visible(offered: Sequence[Action]) -> Sequence[Action]:
    return [action for action in _BUTTONS if action in offered][:_MOST_BUTTONS]


def _menu(offered: Sequence[Action]) -> tuple[Sequence[Action], Sequence[Action]]:
    """Return the actions in the menu, and those that *More…* shows."""
    visible = _visible(offered)
    menu = [action for action in offered if action not in visible]
    return (menu, []) if len(menu) <= _MENU_LENGTH else (menu[: _MENU_LENGTH - 1], menu[_MENU_LENGTH - 1 :])


def _option(action: Action, card: Card) -> str:
    """Return the value of an option: the action, the evaluation, and what the card shows of what it would change."""
    undoable = shown_disposition(card)
    seen = {Action.RELEASE: card.evaluation.owner, Action.UNDO: None if undoable is None else str(undoable)}
    return ids.option(action, card.evaluation.id, seen.get(action))


def action_button(action: Action, card: Card) -> Block:
    """Return the button for an action."""
    is_main = action is Action.ANSWER or (action is Action.EMAIL and card.evaluation.waiting_since is None)
    style = {"style": "primary"} if is_main else {"style": "danger"} if action is Action.DO_NOT_CONTACT else {}
    spoken = {"accessibility_label": _spoken(action, card.evaluation.license)}
    return {**button(action, _LABELS[action], str(card.evaluation.id)), **spoken, **style}


def _spoken(action: Action, license_: License) -> str:
    """Return the label for a screen reader, which meets many buttons of one name. Slack takes 75 characters."""
    return f"{_LABELS[action]} {tame(title(license_), longest=30)}, {tame(license_.app_name, longest=25)}"


def _footer(card: Card) -> str:
    news = f"{note(card.last).rstrip('.')}, {moment(card.last.at)}" if card.last and card.last.kind in _NEWS else ""
    return SEPARATOR.join(part for part in (_owner(card), _end(card), news or _discovery(card)) if part)


def _owner(card: Card) -> str:
    owner, entry = card.evaluation.owner, card.assigned
    if owner is None:
        return "No owner yet"
    if entry is None or not isinstance(entry.fact, Assigned) or entry.fact.owner != owner:
        return f"Owner: {mention(owner)}"
    return f"Owner: {mention(owner)}, {how_assigned(entry.fact, entry.actor)} {moment(entry.at)}"


def _end(card: Card) -> str:
    end = known_end(card.evaluation)
    if end is None or card.evaluation.trial.state is not State.RUNNING:
        return ""
    fact = None if card.last is None else card.last.fact
    before = f" (was {day(fact.was)})" if isinstance(fact, TrialExtended) and fact.was else ""
    return f"Ends {day(end)}{before}"


def _discovery(card: Card) -> str:
    late = span(delay(card.evaluation))
    return f"First seen {moment(card.evaluation.first_seen)}, about {late} after the trial started"
