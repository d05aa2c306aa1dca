"""The forms for a note, a snooze and *Not for us…*, and the window with the actions that the menu has no room for."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from bot.domain.evaluation import NotForUsReason
from bot.domain.note import Note
from bot.domain.snooze import SnoozeChoice
from bot.domain.text import day
from bot.slack.blocks import Block, plain, section, small
from bot.slack.ids import Field, View
from bot.slack.views.inputs import NOTE_LENGTH, input_block, lines_input, radio
from bot.slack.views.modal_metadata import ModalMetadata, NoteMetadata
from bot.slack.views.modals import Modal, build_modal

LONGEST_NOTE: Final = 2000
_CHOICES: Final = {
    SnoozeChoice.HOUR: "1 hour",
    SnoozeChoice.TOMORROW: "Tomorrow",
    SnoozeChoice.MONDAY: "Monday",
    SnoozeChoice.PICK: "Pick…",
}


def note_form(metadata: ModalMetadata) -> Modal:
    """Ask for a note."""
    hint = "The team reads it in the card's thread. You can edit and delete it for a day."
    return build_modal(View.NOTE, metadata, [_note_input("", hint)], submit="Add note")


def edit_form(metadata: ModalMetadata, note: Note) -> Modal:
    """Ask for the new text of a note."""
    about = NoteMetadata.about(metadata, note_id=note.id)
    return build_modal(View.NOTE_EDIT, about, [_note_input(note.text, None)], submit="Save")


def snooze_form(metadata: ModalMetadata, choice: SnoozeChoice, *, ends: date | None, start: datetime) -> Modal:
    """Ask when to remind a person. The picker is there once they choose it, and starts at `start`."""
    labels = {each.value: plain(label) for each, label in _CHOICES.items()}
    chooser = input_block("Remind me", Field.SNOOZE, radio(labels, choice.value), dispatches=True)
    blocks: list[Block] = [chooser]
    if choice is SnoozeChoice.PICK:
        picker = {"type": "datetimepicker", "initial_date_time": int(start.timestamp())}
        blocks.append(input_block("Date and time", Field.SNOOZE_TIME, picker))
    end = "" if ends is None else f" The trial ends on {day(ends)}."
    blocks.append(small(f"You get a direct message then. Tomorrow and Monday mean 09:00 in your time zone.{end}"))
    return build_modal(View.SNOOZE, metadata, blocks, submit="Snooze")


def not_for_us_form(metadata: ModalMetadata) -> Modal:
    """Ask why the team does not work on an evaluation."""
    reasons = {reason.value: plain(reason.words) for reason in NotForUsReason}
    words = input_block("Anything the team should know", Field.NOT_FOR_US_WORDS, lines_input(NOTE_LENGTH))
    blocks = [
        section("This takes the evaluation out of lists, reminders and rates. You can undo it. It blocks nobody."),
        input_block("Why", Field.NOT_FOR_US, radio(reasons, NotForUsReason.STUDENT.value)),
        {**words, "optional": True},
    ]
    return build_modal(View.NOT_FOR_US, metadata, blocks, submit="Not for us")


def rest_of_menu(metadata: ModalMetadata, buttons: Sequence[Block]) -> Modal:
    """Offer the actions that the menu of a card has no room for."""
    return build_modal(View.REST, metadata, [{"type": "actions", "elements": list(buttons)}])


def _note_input(words: str, hint: str | None) -> Block:
    return input_block("Note", Field.NOTE_TEXT, lines_input(LONGEST_NOTE, words), hint=hint)
