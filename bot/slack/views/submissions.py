"""Read what people filled into a modal, and answer a submission."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bot.domain.dnc_reason import REASON_CHOICES
from bot.domain.evaluation import NotForUsReason
from bot.domain.mail import LawfulBasis
from bot.domain.placeholders import find_placeholder
from bot.domain.report_request import ReportKind
from bot.domain.snooze import SnoozeChoice
from bot.errors import InteractionUnreadable
from bot.slack.ids import Field, View
from bot.slack.views.email_preview import sending
from bot.slack.views.modal_metadata import ModalMetadata

SENDING: Final = ":hourglass_flowing_sand: Sending… You can close this window."
_NEEDED: Final[Mapping[str, frozenset[Field]]] = {
    View.EMAIL: frozenset({Field.TEMPLATE, Field.RECIPIENT, Field.SUBJECT, Field.BODY}),
    View.ANSWER: frozenset({Field.SUBJECT, Field.BODY}),
    View.DO_NOT_CONTACT: frozenset({Field.RECIPIENT, Field.REASON}),
    View.CONTACT_AGAIN: frozenset({Field.NOTE}),
    View.DNC_ADD: frozenset({Field.REASON}),
    View.DNC_LIFT: frozenset({Field.NOTE}),
    View.ASSIGN: frozenset({Field.OWNER}),
    View.REPORT: frozenset({Field.REPORT}),
    View.NOTE: frozenset({Field.NOTE_TEXT}),
    View.NOTE_EDIT: frozenset({Field.NOTE_TEXT}),
    View.SNOOZE: frozenset({Field.SNOOZE}),
    View.NOT_FOR_US: frozenset({Field.NOT_FOR_US}),
    View.FIND: frozenset({Field.WORDS}),
}
_WRITTEN: Final = frozenset({Field.SUBJECT, Field.BODY, Field.NOTE, Field.NOTE_TEXT, Field.WORDS})
_TIME_DIGITS: Final = 10
"""Digits of a POSIX time, as Slack writes it."""
_EMAIL_WORDS: Final = frozenset({Field.SUBJECT, Field.BODY})
_OPTIONS: Final[Mapping[Field, frozenset[str]]] = {
    Field.RECIPIENT: frozenset({"technical", "billing"}),
    Field.REASON: frozenset(reason.name for reason in REASON_CHOICES),
    Field.BASIS: frozenset(basis.name for basis in LawfulBasis if not basis.is_of_answer),
    Field.SNOOZE: frozenset(SnoozeChoice),
    Field.NOT_FOR_US: frozenset(NotForUsReason),
    Field.REPORT: frozenset(ReportKind),
}


def acknowledgement(view: Mapping[str, Any]) -> dict[str, Any]:
    """Return the acknowledgement of a submitted modal: what is wrong, or what to show next, if anything."""
    if wrong := blank(view) or _unfilled(view) or _without_words(view) or _unexplained(view):
        return errors(wrong)
    if view.get("callback_id") == View.PREVIEW and not incomplete(view):
        metadata = ModalMetadata.unpack(view.get("private_metadata", ""))
        return {"response_action": "update", "view": sending(metadata, SENDING)}
    return {}


def errors(wrong: Mapping[str, str]) -> dict[str, Any]:
    """Return the acknowledgement that shows messages at their fields, by block id."""
    return {"response_action": "errors", "errors": dict(wrong)}


def draft_token(trigger: str) -> str:
    """Return the token of a draft, made from the form's trigger: each form is submitted once, and nobody
    can guess it.
    """
    return hashlib.sha256(trigger.encode()).hexdigest()[:32]


def values(view: Mapping[str, Any]) -> dict[Field, str]:
    """Return the values a person entered, by field: texts, ids of options, users.

    A field is missing if it was left empty, has only white space, or is not one of its options.
    """
    found = {}
    for _, field, state in _inputs(view):
        chosen = state.get("selected_option") or {}
        given = (state.get(name) for name in ("value", "selected_user", "selected_date", "selected_date_time"))
        value = str(next(filter(None, given), None) or chosen.get("value") or "")
        if value.strip() and value in _OPTIONS.get(field, {value}):
            found[field] = value
    return found


def blank(view: Mapping[str, Any]) -> dict[str, str]:
    """Return the message for each required input that was left empty, by block id."""
    found = values(view)
    # These are in a form only where they are required; a note is optional in some forms and not in others.
    needed = {*_needed(view), Field.SUBJECT, Field.BODY, Field.BASIS}
    return {
        block_id: "Please write something." if field in _WRITTEN else "Please choose."
        for block_id, field, _ in _inputs(view)
        if field in needed and field not in found
    }


def _unfilled(view: Mapping[str, Any]) -> dict[str, str]:
    """Return the message for each text with a placeholder that nobody filled in, by block id."""
    found = values(view)
    texts = {block_id: found.get(field, "") for block_id, field, _ in _inputs(view) if field in _EMAIL_WORDS}
    placeholders = {block_id: find_placeholder(text) for block_id, text in texts.items()}
    return {block_id: f"Please fill in or remove “{each}”." for block_id, each in placeholders.items() if each}


def _without_words(view: Mapping[str, Any]) -> dict[str, str]:
    """Return the message for an email form that shows a template which cannot be filled: it has no words."""
    block_id = field_of(view, Field.TEMPLATE)
    if view.get("callback_id") != View.EMAIL or block_id is None or field_of(view, Field.BODY) is not None:
        return {}
    return {block_id: "This template can't be filled in here. Please choose another one."}


def _unexplained(view: Mapping[str, Any]) -> dict[str, str]:
    """Return the message for a form that says *Other* without saying what."""
    found, block_id = values(view), field_of(view, Field.NOT_FOR_US_WORDS)
    is_explained = found.get(Field.NOT_FOR_US) != NotForUsReason.OTHER or Field.NOT_FOR_US_WORDS in found
    return {} if is_explained or block_id is None else {block_id: "Please say why."}


def picked_time(filled: Mapping[Field, str]) -> datetime | None:
    """Return the time that a person picked, or None."""
    seconds = filled.get(Field.SNOOZE_TIME, "")
    return datetime.fromtimestamp(int(seconds), UTC) if seconds.isdecimal() and len(seconds) <= _TIME_DIGITS else None


def incomplete(view: Mapping[str, Any]) -> bool:
    """Return whether a form lacks a required field or is not about an evaluation."""
    try:
        ModalMetadata.unpack(view.get("private_metadata", ""))
    except InteractionUnreadable:
        return True
    return not _needed(view) <= values(view).keys()


def basis(filled: Mapping[Field, str]) -> LawfulBasis | None:
    """Return the legal basis that a person chose, if they were asked."""
    name = filled.get(Field.BASIS)
    return None if name is None else LawfulBasis[name]


def field_of(view: Mapping[str, Any], field: Field) -> str | None:
    """Return the id of the block of a field, or None."""
    return next((block_id for block_id, each, _ in _inputs(view) if each is field), None)


def _needed(view: Mapping[str, Any]) -> frozenset[Field]:
    return _NEEDED.get(view.get("callback_id", ""), frozenset())


def _inputs(view: Mapping[str, Any]) -> Iterator[tuple[str, Field, Mapping[str, Any]]]:
    """Yield each of the bot's inputs with the id of its block and its state."""
    for block_id, block in view.get("state", {}).get("values", {}).items():
        for action_id, state in block.items():
            if action_id in set(Field):
                yield block_id, Field(action_id), state
