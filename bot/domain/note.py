"""Notes that people write about an evaluation, and who may change one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

CHANGEABLE: Final = timedelta(days=1)
"""How long its author may edit and delete a note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note; its text is empty once it was deleted or erased. The author is a Slack user id."""

    id: int
    evaluation_id: int
    author: str
    at: datetime
    text: str
    edited_at: datetime | None = None
    deleted_at: datetime | None = None


class NoteRefusal(StrEnum):
    """Why a note stays as it is; the value is shown to the person who wanted to change it."""

    NOT_YOURS = "Only the person who wrote a note can change it."
    TOO_LATE = "A note can be changed for a day after it was written."
    REMOVED = "This note is no longer there."


def may_change(note: Note | None, user: str, *, now: datetime) -> NoteRefusal | None:
    """Return why a person may not edit or delete a note, or None if they may."""
    if note is None or not note.text:
        return NoteRefusal.REMOVED
    if note.author != user:
        return NoteRefusal.NOT_YOURS
    return NoteRefusal.TOO_LATE if now - note.at > CHANGEABLE else None
