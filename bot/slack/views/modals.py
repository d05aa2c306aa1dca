"""What all modals have in common: their frame, and the two that only say something."""

from typing import Any, Final

from bot.slack.blocks import Block, plain, section
from bot.slack.ids import View
from bot.slack.views.modal_metadata import ModalMetadata

Modal = dict[str, Any]

_TITLES: Final = {
    View.EMAIL: "Write a mail",
    View.PREVIEW: "Is it right?",
    View.DO_NOT_CONTACT: "Do not contact",
    View.CONTACT_AGAIN: "Remove block",
    View.ASSIGN: "Assign",
}


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


def build_modal(view: View, metadata: ModalMetadata, blocks: list[Block], *, submit: str | None = None) -> Modal:
    """Return a modal with these blocks; without `submit`, it has only a button to close it."""
    modal = {
        "type": "modal",
        "callback_id": view.value,
        "title": plain(_TITLES[view], longest=24),
        "close": plain("Back" if view is View.PREVIEW else "Cancel", longest=24),
        "private_metadata": metadata.pack(),
        "blocks": blocks,
    }
    return modal if submit is None else {**modal, "submit": plain(submit, longest=24)}
