"""Notes of the team about evaluations, sealed: people type names."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.history import CalledNotForUs, CustomerLeft, Entry, Kind, NoteAdded
from bot.domain.note import Note, NoteRefusal, may_change
from bot.security.keyring import Keyring
from bot.store.departures import has_words
from bot.store.dnc.notes import with_dnc_note
from bot.store.engine.database import Database
from bot.store.feedback_content import with_feedback
from bot.store.mail.reply_content import with_reply
from bot.store.mapping import insert_row, live_evaluation
from bot.store.outbox.enqueue import append_history, enqueue_refresh
from bot.store.schema import history, note


@shielded
class Notes:
    """Notes about evaluations. Each is shown by a line in the thread of the card."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def find(self, note_id: int) -> Note | None:
        """Return a note."""
        async with self._database.read() as connection:
            return await _find(connection, self._keyring, note_id)

    async def add(self, evaluation_id: int, text: str, *, by: str, at: datetime) -> bool:
        """Add a note. False if there is no such evaluation."""
        async with self._database.write() as connection:
            live = await live_evaluation(connection, evaluation_id)
            if live is None:
                return False
            note_id = await add_note(connection, self._keyring, live.id, text, by=by, at=at)
            await append_history(connection, live.id, [Entry(at=at, actor=by, fact=NoteAdded(note_id=note_id))])
            return True

    async def change(self, note_id: int, text: str, *, by: str, at: datetime) -> NoteRefusal | None:
        """Change the text of a note, or delete it with an empty one. Return why the person may not, if so."""
        async with self._database.write() as connection:
            refusal = may_change(await _find(connection, self._keyring, note_id), by, now=at)
            if refusal is None:
                new = {"content": self._keyring.encrypt(text), "edited_at": at}
                values = new if text else {"content": None, "deleted_at": at}
                await connection.execute(update(note).where(note.c.id == note_id).values(values))
                await _refresh_lines(connection, [note_id], at=at)
            return refusal


async def add_note(
    connection: AsyncConnection, keyring: Keyring, evaluation_id: int, text: str, *, by: str, at: datetime
) -> int:
    """Insert a note and return its id."""
    values = {"evaluation_id": evaluation_id, "content": keyring.encrypt(text), "author": by, "at": at}
    return await insert_row(connection, note, values)


async def blank_notes(connection: AsyncConnection, which: ColumnElement[bool], *, at: datetime) -> None:
    """Remove the texts of these notes, and update their lines in Slack."""
    ids = (await connection.scalars(select(note.c.id).where(which, note.c.content.is_not(None)))).all()
    await connection.execute(update(note).where(note.c.id.in_(ids)).values(content=None))
    await _refresh_lines(connection, ids, at=at)


async def _refresh_lines(connection: AsyncConnection, ids: Sequence[int], *, at: datetime) -> None:
    """Enqueue an update of the lines in Slack that show these notes."""
    shown = {str(each) for each in ids}
    of_these = select(note.c.evaluation_id).where(note.c.id.in_(ids))
    recorded = select(history.c.id, history.c.details).where(
        history.c.evaluation_id.in_(of_these), history.c.kind.in_((Kind.NOTE_ADDED, Kind.NOT_FOR_US))
    )
    rows = await connection.execute(recorded)
    await enqueue_refresh(connection, [row.id for row in rows if row.details.get("note_id") in shown], at=at)


async def with_note(connection: AsyncConnection, keyring: Keyring, entry: Entry) -> Entry:
    """Return the history entry with the note, reply or feedback that it is about, if it has one."""
    fact = entry.fact
    if isinstance(fact, NoteAdded | CalledNotForUs) and fact.note_id is not None:
        return replace(entry, fact=replace(fact, note=await _find(connection, keyring, fact.note_id)))
    if isinstance(fact, CustomerLeft) and fact.departure_id is not None:
        return replace(entry, fact=replace(fact, has_words=await has_words(connection, fact.departure_id)))
    return await with_dnc_note(
        connection, keyring, await with_reply(connection, keyring, await with_feedback(connection, keyring, entry))
    )


async def _find(connection: AsyncConnection, keyring: Keyring, note_id: int) -> Note | None:
    row = (await connection.execute(select(note).where(note.c.id == note_id))).first()
    return None if row is None else note_from(row, keyring)


def note_from(row: Row[Any], keyring: Keyring) -> Note:
    """Return the note in a row of `note`."""
    return Note(
        id=row.id,
        evaluation_id=row.evaluation_id,
        author=row.author,
        at=row.at,
        text=keyring.decrypt(row.content) if row.content else "",
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
    )
