"""The inputs of a modal, as blocks."""

from collections.abc import Mapping
from typing import Final

from bot.slack.blocks import Block, plain
from bot.slack.ids import Field
from bot.slack.text import tame

NOTE_LENGTH: Final = 500


def input_block(
    label: str, field: Field, element: Block, *, version: str = "", dispatches: bool = False, hint: str | None = None
) -> Block:
    """Return an input with a label. A new `version` discards what a person entered before."""
    block = {
        "type": "input",
        # Slack keeps what a person typed while the ids stay the same; new content needs a new id.
        "block_id": f"{field}.{version}" if version else field.value,
        "label": plain(label, longest=200),
        "element": {**element, "action_id": field.value},
        "dispatch_action": dispatches,
    }
    return block if hint is None else {**block, "hint": plain(hint, longest=300)}


def note_input(label: str, *, optional: bool, words: str = "") -> Block:
    """Return the input of a note in several lines."""
    return {**input_block(label, Field.NOTE, lines_input(NOTE_LENGTH, words)), "optional": optional}


def lines_input(longest: int, words: str = "") -> Block:
    """Return a text input of several lines."""
    return {**text_input(words, longest=longest), "multiline": True}


def text_input(words: str, *, longest: int) -> Block:
    """Return a text input. Slack refuses an initial value that is longer than the limit."""
    filled = {"initial_value": words[:longest]} if words else {}
    return {"type": "plain_text_input", "max_length": longest, **filled}


def person_label(name: str | None, role: str) -> Block:
    """Return an option's label; the name is cut, since the role tells two people of one long name apart."""
    return plain(f"{tame(name or '', longest=50)} ({role} contact)")


def _options(labels: Mapping[str, Block]) -> list[Block]:
    return [{"text": label, "value": value} for value, label in labels.items()]


def _chosen(labels: Mapping[str, Block], chosen: str | None) -> Block:
    return {} if chosen is None else {"initial_option": {"text": labels[chosen], "value": chosen}}


def select(labels: Mapping[str, Block], chosen: str | None) -> Block:
    """Return a menu; labels by option value."""
    return {"type": "static_select", "options": _options(labels), **_chosen(labels, chosen)}


def radio(labels: Mapping[str, Block], chosen: str) -> Block:
    """Return radio buttons; labels by option value."""
    return {"type": "radio_buttons", "options": _options(labels), **_chosen(labels, chosen)}
