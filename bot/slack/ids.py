"""The names under which Slack sends things back: one place, so that a block and its listener cannot disagree."""

from enum import StrEnum
from typing import Final

from bot.domain.card import Action

COMMAND: Final = "/evaluators"
MORE: Final = "evaluation.more"
"""The overflow menu of a card; its options carry an `Action` and the evaluation's id."""
PAGE: Final = "today.page"
POST_AGAIN: Final = "today.post_again"
"""The button beside a trial whose card was deleted; its value is the page it stands on, with the evaluation's id."""


class View(StrEnum):
    """The modals, by callback id."""

    EMAIL = "email"
    PREVIEW = "preview"
    DO_NOT_CONTACT = "do_not_contact"
    CONTACT_AGAIN = "contact_again"
    ASSIGN = "assign"
    MESSAGE = "message"


class Field(StrEnum):
    """The inputs of the modals, by action id."""

    TEMPLATE = "mail.template"
    RECIPIENT = "mail.recipient"
    SUBJECT = "mail.subject"
    BODY = "mail.body"
    GROUND = "mail.ground"
    REASON = "opt_out.reason"
    NOTE = "opt_out.note"
    OWNER = "owner"


class Settle(StrEnum):
    """The buttons about one mail, by action id; the value is the mail's id.

    The first two stand under one of which nobody knows whether it arrived.
    """

    ARRIVED = "mail.arrived"
    AGAIN = "mail.again"
    UNDO = "mail.undo"
    """Under the words to the sender of a mail that waits."""


class Event(StrEnum):
    """What message metadata says a message of ours is, so that it can be found again in a channel's history."""

    CARD = "evaluation_card"
    NOTE = "evaluation_note"
    MESSAGE = "evaluator_bot_message"


_LARGEST: Final = 2**63 - 1
"""What a database takes as an id."""


def read_id(value: str) -> int | None:
    """The id that a button carries; None for what cannot be one."""
    if not (value.isascii() and value.isdecimal() and len(value) <= len(str(_LARGEST))):
        return None
    return int(value) if int(value) <= _LARGEST else None


def option(action: Action, evaluation_id: int, seen: str | None = None) -> str:
    """The value of an overflow option; `seen` is what the card shows and the action would change."""
    return f"{action}:{evaluation_id}" + (f":{seen}" if seen else "")


def read_option(value: str) -> tuple[str, str, str | None]:
    """The action, the evaluation and what was seen, of an overflow option; empty where there is nothing."""
    action, evaluation_id, seen, *_ = *value.split(":"), "", ""
    return action, evaluation_id, seen or None
