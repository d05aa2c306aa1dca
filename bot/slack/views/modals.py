"""What all modals have in common: their frame, and the two that only say something."""

from typing import Any, Final

from bot.slack.blocks import Block, plain, section
from bot.slack.ids import View
from bot.slack.text import tame
from bot.slack.views.modal_metadata import ModalMetadata

Modal = dict[str, Any]

_TITLES: Final = {
    View.EMAIL: "Write an email",
    View.PREVIEW: "Check before sending",
    View.SENDING: "Email",
    View.ANSWER: "Answer",
    View.REPLY: "Reply",
    View.FEEDBACK: "Feedback",
    View.FEEDBACK_ANSWER: "Answer in the app",
    View.FEEDBACK_EMAIL: "Answer",
    View.DO_NOT_CONTACT: "Do not contact",
    View.CONTACT_AGAIN: "Remove block",
    View.ASSIGN: "Assign",
    View.NOTE: "Add a note",
    View.NOTE_EDIT: "Edit note",
    View.SNOOZE: "Snooze",
    View.NOT_FOR_US: "Not for us",
    View.REST: "More",
}

_CLOSE: Final = {View.PREVIEW: "Back", View.SENDING: "Close", View.REPLY: "Close", View.FEEDBACK: "Close"}
_TITLE_LENGTH: Final = 24
"""Characters that Slack shows of a title or on a button."""


def loading(view: View, metadata: ModalMetadata) -> Modal:
    """Return the modal shown at once while its content is loaded: a trigger expires after three seconds."""
    return build_modal(view, metadata, [section(":hourglass_flowing_sand: One moment…")])


def message(text: str) -> Modal:
    """Return a modal with one message. `text` is escaped mrkdwn."""
    return {
        "type": "modal",
        "callback_id": View.MESSAGE,
        "title": plain("Evaluator Bot", longest=24),
        "close": plain("Close", longest=24),
        "blocks": [section(text)],
    }


def build_modal(
    view: View, metadata: ModalMetadata, blocks: list[Block], *, title: str | None = None, submit: str | None = None
) -> Modal:
    """Return a modal with these blocks; without `submit`, it has only a button to close it."""
    modal = {
        "type": "modal",
        "callback_id": view.value,
        "title": plain(_cut(title or _TITLES[view]), longest=_TITLE_LENGTH),
        "close": plain(_CLOSE.get(view, "Cancel"), longest=_TITLE_LENGTH),
        "private_metadata": metadata.pack(),
        "blocks": blocks,
    }
    return modal if submit is None else {**modal, "submit": plain(submit, longest=_TITLE_LENGTH)}


def _cut(title: str) -> str:
    """Return a title that Slack shows whole, cut between two words if that is possible."""
    title = tame(title)
    if len(title) <= _TITLE_LENGTH:
        return title
    words = title[:_TITLE_LENGTH].rpartition(" ")[0]
    if len(words) < _TITLE_LENGTH // 2:  # what is left would say too little
        words = title[: _TITLE_LENGTH - 1]
    return f"{words.rstrip(' ,;.–-')}…"
