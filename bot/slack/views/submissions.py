"""Read what people filled into a modal, and answer a submission."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.domain.dnc import REASON_CHOICES
from bot.domain.mail import LawfulBasis
from bot.errors import InteractionUnreadable
from bot.slack.ids import Field, View
from bot.slack.views.email_form import preview
from bot.slack.views.modal_metadata import ModalMetadata

_NEEDED: Final[Mapping[str, frozenset[Field]]] = {
    View.EMAIL: frozenset({Field.TEMPLATE, Field.RECIPIENT, Field.SUBJECT, Field.BODY}),
    View.DO_NOT_CONTACT: frozenset({Field.RECIPIENT, Field.REASON}),
    View.CONTACT_AGAIN: frozenset({Field.NOTE}),
    View.DNC_ADD: frozenset({Field.REASON}),
    View.DNC_LIFT: frozenset({Field.NOTE}),
    View.ASSIGN: frozenset({Field.OWNER}),
}
_WRITTEN: Final = frozenset({Field.SUBJECT, Field.BODY, Field.NOTE})
_OPTIONS: Final[Mapping[Field, frozenset[str]]] = {
    Field.RECIPIENT: frozenset({"technical", "billing"}),
    Field.REASON: frozenset(reason.name for reason in REASON_CHOICES),
    Field.GROUND: frozenset(LawfulBasis.__members__),
}


def acknowledgement(view: Mapping[str, Any], token: str) -> dict[str, Any]:
    """Return the acknowledgement of a submitted modal: what to show next, if anything."""
    if wrong := blank(view):
        return {"response_action": "errors", "errors": wrong}
    match view.get("callback_id"):
        case View.EMAIL if not incomplete(view):
            return {"response_action": "push", "view": preview(view, values(view), token)}
        case View.PREVIEW:
            return {"response_action": "clear"}
        case _:
            return {}


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
        value = str(state.get("value") or state.get("selected_user") or chosen.get("value") or "")
        if value.strip() and value in _OPTIONS.get(field, {value}):
            found[field] = value
    return found


def blank(view: Mapping[str, Any]) -> dict[str, str]:
    """Return the message for each required input that was left empty, by block id."""
    found = values(view)
    # These are in a form only where they are required; a note is optional in some forms and not in others.
    needed = {*_needed(view), Field.SUBJECT, Field.BODY, Field.GROUND}
    return {
        block_id: "Please write something." if field in _WRITTEN else "Please choose."
        for block_id, field, _ in _inputs(view)
        if field in needed and field not in found
    }


def incomplete(view: Mapping[str, Any]) -> bool:
    """Return whether a form lacks a required field or is not about an evaluation."""
    try:
        ModalMetadata.unpack(view.get("private_metadata", ""))
    except InteractionUnreadable:
        return True
    return not _needed(view) <= values(view).keys()


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
