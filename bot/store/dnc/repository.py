"""Do-not-contact: who said no, why, who wrote it down."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import whole
from bot.domain.clock_skew import CLOCKS_DIFFER
from bot.domain.dnc import Authority, Cause, OptOut, Scope, Subject, adds, may_lift
from bot.domain.history import Entry, Kind
from bot.security.keyring import Keys
from bot.store.dnc.matches import evaluations_naming, evaluations_of, hurry, hurry_to
from bot.store.engine.database import Database
from bot.store.mapping import insert_new
from bot.store.outbox.enqueue import remember, repaint
from bot.store.schema import do_not_contact, mail

_LONGEST_PAUSE: Final = timedelta(days=30)
STANDS: Final = do_not_contact.c.lifted_at.is_(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """The mark that speaks after an attempt to set one; `won` says whether the attempt did it."""

    won: bool
    opt_out: OptOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """Who lifted a mark, and when, after an attempt to do so; `won` says whether the attempt did it.

    Nobody, where the mark never was or still stands; `stands` is the strongest that stands then.
    """

    won: bool
    by: str | None
    at: datetime | None
    stands: OptOut | None = None


@whole
class OptOuts:
    """Whom nobody may write to, for any evaluation."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    async def add(self, subject: Subject, opt_out: OptOut, *, evaluation_id: int | None = None) -> Marked:
        """Mark a subject from this moment on, and repaint every card of it, unless a mark as strong stands.

        What waits to be sent there is stopped. The fact goes into the history of `evaluation_id`, where it came up.
        """
        async with self._database.write() as connection:
            return await mark(connection, self._keys, subject, opt_out, evaluation_id=evaluation_id)

    async def add_all(self, marks: Sequence[tuple[Subject, OptOut]]) -> int:
        """Mark all of them, or none; how many were not marked as strongly before."""
        async with self._database.write() as connection:
            return sum([(await mark(connection, self._keys, subject, new)).won for subject, new in marks])

    async def lift(
        self,
        subject: Subject,
        authority: Authority,
        *,
        note: str,
        by: str | None,
        at: datetime,
        set_at: datetime | None = None,
        evaluation_id: int | None = None,
    ) -> Lifted:
        """Take back the strongest mark against a subject that this authority may, for the record with a note.

        With `set_at`, that one alone: another may have come since somebody looked.
        """
        async with self._database.write() as connection:
            rows = await _marks(connection, self._keys, [subject])
            said = "" if _stands_for_ever(rows) else note
            for row in rows:
                shown = set_at is None or row.at == set_at
                if row.lifted_at is None and shown and may_lift(Cause(row.cause), authority):
                    return await self._lift(connection, row, subject, note=said, by=by, at=at, within=evaluation_id)
            stands = next((_opt_out(row, self._keys) for row in rows if row.lifted_at is None), None)
            before = max((row for row in rows if row.at == set_at and row.lifted_at), key=lambda r: r.id, default=None)
            if before is None:
                return Lifted(won=False, by=None, at=None, stands=stands)
            return Lifted(won=False, by=before.lifted_by, at=before.lifted_at, stands=stands)

    async def end_pauses(self, *, at: datetime) -> int:
        """Lift the marks whose time is over; how many there were."""
        # No pause is longer: one that ends later was set by a clock that was ahead, and nobody knows when.
        over = STANDS & (
            (do_not_contact.c.until <= at) | (do_not_contact.c.until > at + _LONGEST_PAUSE + CLOCKS_DIFFER)
        )
        async with self._database.write() as connection:
            rows = (await connection.execute(select(do_not_contact).where(over))).all()
            for row in rows:
                subject = _subject(row, self._keys)
                await connection.execute(update(do_not_contact).where(_is(row)).values(lifted_at=at))
                if subject is not None:
                    await repaint(connection, await evaluations_of(connection, self._keys, subject), at=at)
            return len(rows)

    async def against(self, subjects: Collection[Subject]) -> OptOut | None:
        """The strongest mark that stands against one of these, or None."""
        async with self._database.read() as connection:
            return await standing(connection, self._keys, subjects)

    async def all_standing(self) -> list[OptOut]:
        """Every mark that stands, oldest first; those of people who were forgotten have no subject."""
        query = select(do_not_contact).where(STANDS).order_by(do_not_contact.c.at, do_not_contact.c.id)
        async with self._database.read() as connection:
            return [_opt_out(row, self._keys) for row in await connection.execute(query)]

    async def verify_keys(self) -> None:
        """StoreError when a mark was written with a secret that is not among ours.

        Its fingerprint would match nobody any more, and somebody who said no could be written to.
        """
        async with self._database.read() as connection:
            for sealed in await connection.scalars(select(do_not_contact.c.subject).where(STANDS)):
                self._keys.open(sealed)

    async def _lift(
        self,
        connection: AsyncConnection,
        row: Row[Any],
        subject: Subject,
        *,
        note: str,
        by: str | None,
        at: datetime,
        within: int | None,
    ) -> Lifted:
        lifted = {"lifted_at": at, "lifted_by": by, "lifted_note": self._keys.seal(note) if note else None}
        await connection.execute(update(do_not_contact).where(_is(row)).values(lifted))
        if within is not None:
            entry = Entry(at=at, kind=Kind.CONTACT_AGAIN, actor=by, details={"mark": str(row.id)})
            await remember(connection, within, [entry])
        await repaint(connection, await evaluations_of(connection, self._keys, subject), at=at)
        return Lifted(won=True, by=by, at=at, stands=await standing(connection, self._keys, [subject]))


async def mark(
    connection: AsyncConnection, keys: Keys, subject: Subject, new: OptOut, *, evaluation_id: int | None = None
) -> Marked:
    """Write a mark down, unless one that says as much stands."""
    rows = [row for row in await _marks(connection, keys, [subject]) if row.lifted_at is None]
    before = _opt_out(rows[0], keys) if rows else None
    if before is not None and not adds(new.cause, before):
        return Marked(won=False, opt_out=before)
    is_nameless = new.cause.is_final or _stands_for_ever(rows)
    values = {
        "scope": subject.scope,
        "subject_key": keys.subject_fingerprint(subject),
        # Never empty: by it is known whether the secret is still among ours.
        "subject": keys.seal("" if is_nameless else subject.key),
        "cause": new.cause,
        "note": keys.seal(new.note) if new.note and not is_nameless else None,
        "actor": new.by,
        "at": new.at,
        "until": new.until,
    }
    mark_id = await insert_new(connection, do_not_contact, values)
    if evaluation_id is not None:
        details = {"cause": new.cause.value, "mark": str(mark_id or "")}
        entry = Entry(at=new.at, kind=Kind.DO_NOT_CONTACT, actor=new.by, details=details)
        await remember(connection, evaluation_id, [entry])
    theirs = await evaluations_of(connection, keys, subject)
    await hurry(connection, keys, subject, theirs, at=new.at)
    await repaint(connection, theirs, at=new.at)
    return Marked(won=True, opt_out=new)


async def mark_nameless(connection: AsyncConnection, keys: Keys, fingerprint: str, new: OptOut) -> None:
    """Mark an address of which nothing is left but its fingerprint, unless a mark that says as much stands."""
    same = STANDS & (do_not_contact.c.subject_key == fingerprint)
    rows = (await connection.execute(select(do_not_contact).where(same))).all()
    if _stands_for_ever(rows) or not all(adds(new.cause, _opt_out(row, keys)) for row in rows):
        return
    values = {"scope": Scope.ADDRESS, "subject_key": fingerprint, "subject": keys.seal_nothing()}
    await insert_new(connection, do_not_contact, {**values, "cause": new.cause, "at": new.at, "until": new.until})
    await hurry_to(connection, [fingerprint], at=new.at)
    await repaint(connection, await evaluations_naming(connection, [fingerprint]), at=new.at)


async def standing(connection: AsyncConnection, keys: Keys, subjects: Collection[Subject]) -> OptOut | None:
    """The strongest mark that stands against one of these, or None."""
    prints = [each for subject in subjects for each in keys.subject_fingerprints(subject)]
    return await standing_under(connection, keys, prints)


async def standing_under(connection: AsyncConnection, keys: Keys, fingerprints: Collection[str]) -> OptOut | None:
    """The strongest mark that stands under one of these fingerprints, or None."""
    rows = await _marks_under(connection, fingerprints)
    return next((_opt_out(row, keys) for row in rows if row.lifted_at is None), None)


async def erased(connection: AsyncConnection) -> frozenset[str]:
    """The fingerprints of people of whom nothing may be kept."""
    query = select(do_not_contact.c.subject_key).where(STANDS, do_not_contact.c.cause == Cause.ERASED)
    return frozenset(await connection.scalars(query))


async def forget(connection: AsyncConnection, keys: Keys, address: str, cause: Cause, *, at: datetime) -> None:
    """Overwrite what mails and marks hold of somebody; nobody writes to them ever after.

    Of the address a fingerprint stays, under a mark that nobody can lift: it may come back on another license.
    """
    fingerprints, nothing = keys.fingerprints(address), keys.seal("")
    await connection.execute(update(mail).where(mail.c.address_key.in_(fingerprints)).values(content=nothing))
    theirs = do_not_contact.c.subject_key.in_(fingerprints)
    await connection.execute(update(do_not_contact).where(theirs).values(note=None, lifted_note=None))
    # Those that stand for ever name nobody; they go on asking for the secret that made their fingerprints.
    named = theirs & do_not_contact.c.cause.not_in([each for each in Cause if each.is_final])
    await connection.execute(update(do_not_contact).where(named).values(subject=nothing))
    subject = Subject.of_address(address)
    await mark(connection, keys, subject, OptOut(cause=cause, by=None, at=at))
    await repaint(connection, await evaluations_of(connection, keys, subject), at=at)


async def _marks(connection: AsyncConnection, keys: Keys, subjects: Iterable[Subject]) -> Sequence[Row[Any]]:
    """Every mark there ever was against one of these, the strongest first."""
    return await _marks_under(connection, [p for subject in subjects for p in keys.subject_fingerprints(subject)])


async def _marks_under(connection: AsyncConnection, fingerprints: Collection[str]) -> Sequence[Row[Any]]:
    found = await connection.execute(
        select(do_not_contact).where(do_not_contact.c.subject_key.in_(fingerprints)).order_by(do_not_contact.c.id)
    )
    return sorted(found, key=lambda row: -Cause(row.cause).strength)


def _stands_for_ever(rows: Iterable[Row[Any]]) -> bool:
    """Whether one of these marks is for ever; of who it protects nothing is written down, whatever people type."""
    return any(row.lifted_at is None and Cause(row.cause).is_final for row in rows)


def _opt_out(row: Row[Any], keys: Keys) -> OptOut:
    return OptOut(
        cause=Cause(row.cause),
        by=row.actor,
        at=row.at,
        note=keys.open(row.note) if row.note else "",
        until=row.until,
        subject=_subject(row, keys),
    )


def _subject(row: Row[Any], keys: Keys) -> Subject | None:
    """None once it was erased."""
    key = keys.open(row.subject)
    return Subject.from_key(Scope(row.scope), key) if key else None


def _is(row: Row[Any]) -> Any:  # noqa: ANN401  a condition
    return do_not_contact.c.id == row.id
