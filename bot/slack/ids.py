"""The ids that Slack sends back, in one place, so that a block and its listener cannot disagree."""

from enum import StrEnum
from typing import Final

from bot.domain.card import Action

COMMAND: Final = "/evaluators"
MORE: Final = "evaluation.more"
"""The overflow menu of a card; its options carry an `Action` and the evaluation's id. In a list, this id ends with a
dot and the evaluation's.
"""
UNKNOWN: Final = "unknown"
"""The action id given to an interaction that has no listener. Its value is Slack's name for the kind of interaction."""
PAGE: Final = "today.page"
DNC_PAGE: Final = "dnc.page"
POST_AGAIN: Final = "today.post_again"
"""The button beside a trial whose card was deleted. Its value is the list's page with the evaluation's id."""


class Shortcut(StrEnum):
    """Callback ids of the shortcuts."""

    FIND = "find_evaluator"
    WHO = "who_is_this"


class View(StrEnum):
    """Callback ids of the modals."""

    EMAIL = "email"
    PREVIEW = "preview"
    SENDING = "sending"
    ANSWER = "answer"
    REPLY = "reply"
    """All that is kept of a reply."""
    DO_NOT_CONTACT = "do_not_contact"
    CONTACT_AGAIN = "contact_again"
    DNC_ADD = "dnc_add"
    """The forms of `/evaluators dnc add` and `dnc lift`. Their buttons have the same id."""
    DNC_LIFT = "dnc_lift"
    ASSIGN = "assign"
    NOTE = "note"
    NOTE_EDIT = "note_edit"
    SNOOZE = "snooze"
    NOT_FOR_US = "not_for_us"
    HAND_OVER = "hand_over"
    REST = "rest"
    """The actions for which the menu of a card has no room."""
    FIND = "find"
    REPORT = "report"
    AWAY = "away"
    SETTINGS = "settings"
    FEEDBACK = "feedback"
    """All that is kept of feedback."""
    FEEDBACK_ANSWER = "feedback_answer"
    FEEDBACK_EMAIL = "feedback_email"
    MESSAGE = "message"


class Field(StrEnum):
    """Action ids of the modals' inputs."""

    TEMPLATE = "mail.template"
    RECIPIENT = "mail.recipient"
    SUBJECT = "mail.subject"
    BODY = "mail.body"
    BASIS = "mail.ground"
    REASON = "opt_out.reason"
    NOTE = "opt_out.note"
    OWNER = "owner"
    REPORT = "report.kind"
    UNTIL = "away.until"
    NOTE_TEXT = "note.text"
    SNOOZE = "snooze.until"
    SNOOZE_TIME = "snooze.time"
    NOT_FOR_US = "not_for_us.reason"
    NOT_FOR_US_WORDS = "not_for_us.words"
    WORDS = "find.words"
    SETTINGS = "settings.file"
    FEEDBACK_ANSWER = "feedback.text"


class Settle(StrEnum):
    """Action ids of the buttons about one email; the value is the email's id.

    The first two are shown for an email of unknown outcome.
    """

    ARRIVED = "mail.arrived"
    AGAIN = "mail.again"
    UNDO = "mail.undo"
    """Shown to the sender of a queued email."""


class NoteButton(StrEnum):
    """Action ids of the buttons under a note; the value is the note's id."""

    EDIT = "note.edit"
    DELETE = "note.delete"


class ReplyButton(StrEnum):
    """Action ids of the buttons under a reply; the value is the reply's id."""

    ANSWER = "reply.answer"
    SHOW = "reply.show"
    SNOOZE = "reply.snooze"


class FeedbackButton(StrEnum):
    """Action ids of the buttons under feedback; the value is the id of the message."""

    ANSWER = "feedback.answer"
    ANSWER_IN_APP = "feedback.answer_in_app"
    SHOW = "feedback.show"


class HomeButton(StrEnum):
    """Action ids of the buttons on the Home tab."""

    CLAIM = "home.claim"
    """With the evaluation's id, after a dot and as the value."""
    FIND = "home.find"
    REPORT = "home.report"
    AWAY = "home.away"
    BACK = "home.back"
    DIGEST = "home.digest"
    """Switches the person's own digest; the value says what to: `on` or `off`."""
    SETTINGS = "home.settings"


SHOW_WORDS: Final = "departure.show"
"""The button that shows what somebody wrote when they left; the value is the departure's id."""


class AwayButton(StrEnum):
    """Action ids of the buttons for somebody who goes away and still owns evaluations."""

    HAND_OVER = "away.hand_over"
    KEEP = "away.keep"


class Event(StrEnum):
    """Event types in message metadata, by which a message of ours is found again in a channel's history."""

    CARD = "evaluation_card"
    NOTE = "evaluation_note"
    MESSAGE = "evaluator_bot_message"


def option(action: Action, evaluation_id: int, seen: str | None = None) -> str:
    """Return the value of an overflow option; `seen` is what the card shows and the action would change."""
    return f"{action}:{evaluation_id}" + (f":{seen}" if seen else "")


def read_option(value: str) -> tuple[str, str, str | None]:
    """Return action, evaluation and what was seen, from the value of an overflow option; empty if missing."""
    action, evaluation_id, seen, *_ = *value.split(":"), "", ""
    return action, evaluation_id, seen or None
