"""What the team did about an evaluation beside emailing, in words: on the card and in its thread."""

from collections.abc import Iterator
from typing import Final

from bot.domain.card import Card
from bot.domain.evaluation import Disposition, NotForUsReason
from bot.domain.history import CalledDone, CalledNotForUs, FollowUpFact, NoteAdded, Undone
from bot.domain.note import Note
from bot.slack.blocks import Block, Message, button, confirm, section
from bot.slack.ids import NoteButton
from bot.slack.text import escape, mention, moment, tame_lines

_NAMES: Final = {Disposition.DONE: "Done", Disposition.NOT_FOR_US: "Not for us"}
_QUOTED: Final = 500


def disposition_lines(card: Card) -> Iterator[str]:
    """Yield what the team said about an evaluation, and who will be reminded of it."""
    done, not_for_us = card.evaluation.done, card.evaluation.not_for_us
    if done is not None:
        yield f"{_done(mention(done.by)).removesuffix('.')} · {moment(done.at)}"
    if not_for_us is not None:
        said = _not_for_us(mention(not_for_us.by), not_for_us.reason)
        yield f"{said.removesuffix('.')} · {moment(not_for_us.at)}"
    if card.snoozes:
        yield ":alarm_clock: Snoozed by " + ", ".join(
            f"{mention(each.user)} until {moment(each.until)}" for each in card.snoozes
        )


def follow_up_sentence(fact: FollowUpFact, who: str) -> str:
    """Return mrkdwn that says what somebody did, with the note that they wrote."""
    head = _headline(fact, who)
    match fact:
        case NoteAdded(note=Note(text=str(text))) | CalledNotForUs(note=Note(text=str(text))) if text:
            return f"{head.removesuffix('.')}: “{escape(text, longest=_QUOTED)}”"
        case _:
            return head


def quote_message(fact: NoteAdded | CalledNotForUs, note: Note) -> Message:
    """Return the line that quotes a note. Its buttons stay; the listener checks who presses, and when."""
    edited = f" · edited {moment(note.edited_at)}" if note.edited_at else ""
    head = _headline(fact, mention(note.author)).removesuffix(".")
    quote = {"type": "rich_text_quote", "elements": [{"type": "text", "text": tame_lines(note.text)}]}
    return Message(
        text=follow_up_sentence(fact, mention(note.author)),
        blocks=[
            section(f"{head} · {moment(note.at)}{edited}"),
            {"type": "rich_text", "elements": [quote]},
            {"type": "actions", "elements": _note_buttons(str(note.id))},
        ],
    )


def _headline(fact: FollowUpFact, who: str) -> str:
    match fact:
        case NoteAdded(note=Note(text="", deleted_at=None)):
            return f":pencil: A note by {who} was erased."
        case NoteAdded(note=Note(text="")):
            return f":pencil: {who} deleted their note."
        case NoteAdded():
            return f":pencil: {who} added a note."
        case CalledDone():
            return _done(who)
        case CalledNotForUs(reason=reason):
            return _not_for_us(who, reason)
        case Undone(what=what):
            return f":leftwards_arrow_with_hook: {who} undid *{_NAMES[what]}*."


def _done(who: str) -> str:
    return f":white_check_mark: *Done*: {who} spoke to them elsewhere."


def _not_for_us(who: str, reason: NotForUsReason) -> str:
    return f":no_entry: *Not for us*: {reason.words.lower()} ({who})."


def _note_buttons(note_id: str) -> list[Block]:
    effect = "Nobody will be able to read it any more."
    sure = confirm("Delete this note?", consequence=effect, label="Delete")
    return [
        button(NoteButton.EDIT, "Edit…", note_id),
        {**button(NoteButton.DELETE, "Delete", note_id), "confirm": sure},
    ]
