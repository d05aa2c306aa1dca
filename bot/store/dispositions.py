"""What the team says about an evaluation for everybody: done, not for us. Each can be undone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.evaluation import Disposition, DispositionChange, DispositionRef, NotForUsReason, latest_disposition
from bot.domain.history import CalledDone, CalledNotForUs, Entry, Kind, Undone
from bot.security.keyring import Keyring
from bot.store.engine.database import Database
from bot.store.mapping import live_evaluation, waiting_since
from bot.store.notes import add_note
from bot.store.outbox.enqueue import append_history, enqueue_card_update
from bot.store.schema import evaluation, history
from bot.store.team_tables import snooze

_UNSET: Final[Mapping[Disposition, Mapping[str, None]]] = {
    Disposition.DONE: dict.fromkeys(("done_at", "done_by")),
    Disposition.NOT_FOR_US: dict.fromkeys(("not_for_us_at", "not_for_us_by", "not_for_us_reason")),
}


@shielded
class Dispositions:
    """Dispositions on evaluations. Each method returns None if there is no such evaluation."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def done(self, evaluation_id: int, *, by: str, at: datetime) -> DispositionChange | None:
        """Record that somebody spoke to the customer elsewhere. The loser of a race learns who said so first."""
        async with self._database.write() as connection:
            row = await live_evaluation(connection, evaluation_id)
            if row is None:
                return None
            if row.done_at is not None and waiting_since(row) is None:
                return _found(row, Disposition.DONE)
            entry = Entry(at=at, actor=by, fact=CalledDone())
            return await _record(connection, row, {"done_at": at, "done_by": by}, entry)

    async def not_for_us(
        self, evaluation_id: int, reason: NotForUsReason, words: str, *, by: str, at: datetime
    ) -> DispositionChange | None:
        """Record that the team does not work on an evaluation. What the person wrote, if anything, becomes a note."""
        async with self._database.write() as connection:
            row = await live_evaluation(connection, evaluation_id)
            if row is None:
                return None
            if row.not_for_us_at is not None:
                return _found(row, Disposition.NOT_FOR_US)
            note_id = await add_note(connection, self._keyring, row.id, words, by=by, at=at) if words else None
            values = {"not_for_us_at": at, "not_for_us_by": by, "not_for_us_reason": reason.value}
            entry = Entry(at=at, actor=by, fact=CalledNotForUs(reason=reason, note_id=note_id))
            return await _record(connection, row, values, entry)

    async def undo(
        self, evaluation_id: int, shown: DispositionRef | None, *, by: str, at: datetime
    ) -> DispositionChange | None:
        """Undo what was done last: the person's own snooze, or the disposition that they saw.

        If neither is there, the answer says who was faster: who undid it, or who said something else.
        """
        async with self._database.write() as connection:
            row = await live_evaluation(connection, evaluation_id)
            if row is None:
                return None
            latest = latest_disposition(done_at=row.done_at, not_for_us_at=row.not_for_us_at)
            own = (snooze.c.evaluation_id == row.id) & (snooze.c.user_id == by)
            snoozed_at = await connection.scalar(select(snooze.c.at).where(own))
            if snoozed_at is not None and (latest is None or snoozed_at.timestamp() > latest.second):
                await connection.execute(delete(snooze).where(own))
                await enqueue_card_update(connection, [row.id], at=at)
                return DispositionChange(changed=True, by=by, at=at)
            if latest is None:
                return await _last_undone(connection, row.id)
            if latest != shown:
                return _found(row, latest.disposition)
            entry = Entry(at=at, actor=by, fact=Undone(what=latest.disposition))
            return await _record(connection, row, _UNSET[latest.disposition], entry)


async def _record(
    connection: AsyncConnection, row: Row[Any], values: Mapping[str, object], entry: Entry
) -> DispositionChange:
    await connection.execute(update(evaluation).where(evaluation.c.id == row.id).values(values))
    await append_history(connection, row.id, [entry])
    return DispositionChange(changed=True, by=entry.actor, at=entry.at)


def _found(row: Row[Any], which: Disposition) -> DispositionChange:
    """Return who said so first."""
    by, at = {
        Disposition.DONE: (row.done_by, row.done_at),
        Disposition.NOT_FOR_US: (row.not_for_us_by, row.not_for_us_at),
    }[which]
    return DispositionChange(changed=False, by=by, at=at)


async def _last_undone(connection: AsyncConnection, evaluation_id: int) -> DispositionChange:
    """Return who undid the last disposition, if anybody did."""
    undone = (history.c.evaluation_id == evaluation_id) & (history.c.kind == Kind.UNDONE)
    row = (await connection.execute(select(history).where(undone).order_by(history.c.id.desc()).limit(1))).first()
    return (
        DispositionChange(changed=False) if row is None else DispositionChange(changed=False, by=row.actor, at=row.at)
    )
