"""The names under which Slack sends things back: one place, so that a block and its listener cannot disagree."""

from enum import StrEnum
from typing import Final

from bot.domain.card import Action

COMMAND: Final = "/evaluators"
MORE: Final = "evaluation.more"
"""The overflow menu of a card; its options carry an `Action` and the evaluation's id."""
PAGE: Final = "today.page"


class View(StrEnum):
    """The modals, by callback id."""

    EMAIL = "email"
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
    REASON = "opt_out.reason"
    NOTE = "opt_out.note"
    OWNER = "owner"


class Event(StrEnum):
    """What message metadata says a message of ours is, so that it can be found again in a channel's history."""

    CARD = "evaluation_card"
    NOTE = "evaluation_note"
    MESSAGE = "evaluator_bot_message"


def option(action: Action, evaluation_id: int) -> str:
    """The value of an overflow option."""
    return f"{action}:{evaluation_id}"


def read_option(value: str) -> tuple[str, str]:
    """The action and the evaluation of an overflow option; the action is empty for a value that is not ours."""
    action, _, evaluation_id = value.rpartition(":")
    return action, evaluation_id
