"""Who may change a note, and how long."""

from datetime import datetime, timedelta

import pytest

from bot.domain.note import Note, NoteRefusal, may_change
from tests.builders import NOON

NOTE = Note(id=1, evaluation_id=7, author="U0ANA", at=NOON, text="They called")


@pytest.mark.parametrize(
    ("note", "user", "now", "refusal"),
    [
        pytest.param(NOTE, "U0ANA", NOON + timedelta(days=1), None, id="its author, for a day"),
        pytest.param(NOTE, "U0ANA", NOON + timedelta(days=1, seconds=1), NoteRefusal.TOO_LATE, id="too late"),
        pytest.param(NOTE, "U0BO", NOON, NoteRefusal.NOT_YOURS, id="somebody else"),
        pytest.param(
            Note(id=1, evaluation_id=7, author="U0ANA", at=NOON, text=""), "U0ANA", NOON, NoteRefusal.REMOVED, id="gone"
        ),
        pytest.param(None, "U0ANA", NOON, NoteRefusal.REMOVED, id="never there"),
    ],
)
def test_a_note_can_be_changed_by_its_author_for_a_day(
    note: Note | None, user: str, now: datetime, refusal: NoteRefusal | None
) -> None:
    assert may_change(note, user, now=now) is refusal
