"""Do-not-contact: who said no, why, who wrote it down."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.clock_skew import CLOCKS_DIFFER
from bot.domain.dnc import Authority, DncReason, DncEntry, DncScope, DncTarget, is_stronger_than, may_lift
from bot.domain.history import Entry, Kind
from bot.security.keyring import Keyring
from bot.store.dnc.matches import evaluations_with_address, evaluations_matching, expedite_queued_mail, expedite_mail_to
from bot.store.engine.database import Database
from bot.store.mapping import insert_new
from bot.store.outbox.enqueue import append_history, enqueue_card_update
from bot.store.schema import do_not_contact, mail

_LONGEST_PAUSE: Final = timedelta(days=30)
IS_ACTIVE: Final = do_not_contact.c.lifted_at.is_(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DncAddResult:
    """The mark that speaks after an attempt to set one; `won` says whether the attempt did it."""

    won: bool
    opt_out: DncEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class DncLiftResult:
    """Who lifted a mark, and when, after an attempt to do so; `won` says whether the attempt did it.

    Nobody, where the mark never was or still stands; `stands` is the strongest that stands then.
    """

    won: bool
    by: str | None
    at: datetime | None
    stands: DncEntry | None = None


@shielded
class DncEntries:
    """Whom nobody may write to, for any evaluation."""

    def __init__(self, database: Database, keys: Keyring) -> None:
        self._database = database
        self._keys = keys

    async def add(self, subject: DncTarget, opt_out: DncEntry, *, evaluation_id: int | None = None) -> DncAddResult:
        """Mark a subject from this moment on, and repaint every card of it, unless a mark as strong stands.

        What waits to be sent there is stopped. The fact goes into the history of `evaluation_id`, where it came up.
        """
        async with self._database.write() as connection:
            return await add_entry(connection, self._keys, subject, opt_out, evaluation_id=evaluation_id)

    async def add_all(self, marks: Sequence[tuple[DncTarget, DncEntry]]) -> int:
        """Mark all of them, or none; how many were not marked as strongly before."""
        async with self._database.write() as connection:
            return sum([(await add_entry(connection, self._keys, subject, new)).won for subject, new in marks])

    async def lift(
        self,
        subject: DncTarget,
        authority: Authority,
        *,
        note: str,
        by: str | None,
        at: datetime,
        set_at: datetime | None = None,
        evaluation_id: int | None = None,
    ) -> DncLiftResult:
        """Take back the strongest mark against a subject that this authority may, for the record with a note.

        With `set_at`, that one alone: another may have come since somebody looked.
        """
        async with self._database.write() as connection:
            rows = await _load_entries(connection, self._keys, [subject])
            said = "" if _has_permanent(rows) else note
            for row in rows:
                shown = set_at is None or row.at == set_at
                if row.lifted_at is None and shown and may_lift(DncReason(row.cause), authority):
                    return await self._lift(connection, row, subject, note=said, by=by, at=at, within=evaluation_id)
            stands = next((_entry_from(row, self._keys) for row in rows if row.lifted_at is None), None)
            before = max((row for row in rows if row.at == set_at and row.lifted_at), key=lambda r: r.id, default=None)
            if before is None:
                return DncLiftResult(won=False, by=None, at=None, stands=stands)
            return DncLiftResult(won=False, by=before.lifted_by, at=before.lifted_at, stands=stands)

    async def end_pauses(self, *, at: datetime) -> int:
        """Lift the marks whose time is over; how many there were."""
        # No pause is longer: one that ends later was set by a clock that was ahead, and nobody knows when.
        over = IS_ACTIVE & (
            (do_not_contact.c.until <= at) | (do_not_contact.c.until > at + _LONGEST_PAUSE + CLOCKS_DIFFER)
        )
        async with self._database.write() as connection:
            rows = (await connection.execute(select(do_not_contact).where(over))).all()
            for row in rows:
                subject = _target_from(row, self._keys)
                await connection.execute(update(do_not_contact).where(_is(row)).values(lifted_at=at))
                if subject is not None:
                    await enqueue_card_update(connection, await evaluations_matching(connection, self._keys, subject), at=at)
            return len(rows)

    async def against(self, subjects: Collection[DncTarget]) -> DncEntry | None:
        """The strongest mark that stands against one of these, or None."""
        async with self._database.read() as connection:
            return await find_active(connection, self._keys, subjects)

    async def all_standing(self) -> list[DncEntry]:
        """Every mark that stands, oldest first; those of people who were forgotten have no subject."""
        query = select(do_not_contact).where(IS_ACTIVE).order_by(do_not_contact.c.at, do_not_contact.c.id)
        async with self._database.read() as connection:
            return [_entry_from(row, self._keys) for row in await connection.execute(query)]

    async def verify_keys(self) -> None:
        """StoreError when a mark was written with a secret that is not among ours.

        Its fingerprint would match nobody any more, and somebody who said no could be written to.
        """
        async with self._database.read() as connection:
            for sealed in await connection.scalars(select(do_not_contact.c.subject).where(IS_ACTIVE)):
                self._keys.open(sealed)

    async def _lift(
        self,
        connection: AsyncConnection,
        row: Row[Any],
        subject: DncTarget,
        *,
        note: str,
        by: str | None,
        at: datetime,
        within: int | None,
    ) -> DncLiftResult:
        lifted = {"lifted_at": at, "lifted_by": by, "lifted_note": self._keys.seal(note) if note else None}
        await connection.execute(update(do_not_contact).where(_is(row)).values(lifted))
        if within is not None:
            entry = Entry(at=at, kind=Kind.CONTACT_AGAIN, actor=by, details={"mark": str(row.id)})
            await append_history(connection, within, [entry])
        await enqueue_card_update(connection, await evaluations_matching(connection, self._keys, subject), at=at)
        return DncLiftResult(won=True, by=by, at=at, stands=await find_active(connection, self._keys, [subject]))


async def add_entry(
    connection: AsyncConnection, keys: Keyring, subject: DncTarget, new: DncEntry, *, evaluation_id: int | None = None
) -> DncAddResult:
    """Write a mark down, unless one that says as much stands."""
    rows = [row for row in await _load_entries(connection, keys, [subject]) if row.lifted_at is None]
    before = _entry_from(rows[0], keys) if rows else None
    if before is not None and not is_stronger_than(new.cause, before):
        return DncAddResult(won=False, opt_out=before)
    is_nameless = new.cause.is_final or _has_permanent(rows)
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
        await append_history(connection, evaluation_id, [entry])
    theirs = await evaluations_matching(connection, keys, subject)
    await expedite_queued_mail(connection, keys, subject, theirs, at=new.at)
    await enqueue_card_update(connection, theirs, at=new.at)
    return DncAddResult(won=True, opt_out=new)


async def add_by_hash(connection: AsyncConnection, keys: Keyring, fingerprint: str, new: DncEntry) -> None:
    """Mark an address of which nothing is left but its fingerprint, unless a mark that says as much stands."""
    same = IS_ACTIVE & (do_not_contact.c.subject_key == fingerprint)
    rows = (await connection.execute(select(do_not_contact).where(same))).all()
    if _has_permanent(rows) or not all(is_stronger_than(new.cause, _entry_from(row, keys)) for row in rows):
        return
    values = {"scope": DncScope.ADDRESS, "subject_key": fingerprint, "subject": keys.seal_nothing()}
    await insert_new(connection, do_not_contact, {**values, "cause": new.cause, "at": new.at, "until": new.until})
    await expedite_mail_to(connection, [fingerprint], at=new.at)
    await enqueue_card_update(connection, await evaluations_with_address(connection, [fingerprint]), at=new.at)


async def find_active(connection: AsyncConnection, keys: Keyring, subjects: Collection[DncTarget]) -> DncEntry | None:
    """The strongest mark that stands against one of these, or None."""
    prints = [each for subject in subjects for each in keys.subject_fingerprints(subject)]
    return await standing_under(connection, keys, prints)


async def standing_under(connection: AsyncConnection, keys: Keyring, fingerprints: Collection[str]) -> DncEntry | None:
    """The strongest mark that stands under one of these fingerprints, or None."""
    rows = await _marks_under(connection, fingerprints)
    return next((_entry_from(row, keys) for row in rows if row.lifted_at is None), None)


async def erased_hashes(connection: AsyncConnection) -> frozenset[str]:
    """The fingerprints of people of whom nothing may be kept."""
    query = select(do_not_contact.c.subject_key).where(IS_ACTIVE, do_not_contact.c.cause == DncReason.ERASED)
    return frozenset(await connection.scalars(query))


async def anonymize(connection: AsyncConnection, keys: Keyring, address: str, cause: DncReason, *, at: datetime) -> None:
    """Overwrite what mails and marks hold of somebody; nobody writes to them ever after.

    Of the address a fingerprint stays, under a mark that nobody can lift: it may come back on another license.
    """
    fingerprints, nothing = keys.fingerprints(address), keys.seal("")
    await connection.execute(update(mail).where(mail.c.address_key.in_(fingerprints)).values(content=nothing))
    theirs = do_not_contact.c.subject_key.in_(fingerprints)
    await connection.execute(update(do_not_contact).where(theirs).values(note=None, lifted_note=None))
    # Those that stand for ever name nobody; they go on asking for the secret that made their fingerprints.
    named = theirs & do_not_contact.c.cause.not_in([each for each in DncReason if each.is_final])
    await connection.execute(update(do_not_contact).where(named).values(subject=nothing))
    subject = DncTarget.of_address(address)
    await add_entry(connection, keys, subject, DncEntry(cause=cause, by=None, at=at))
    await enqueue_card_update(connection, await evaluations_matching(connection, keys, subject), at=at)


async def _load_entries(connection: AsyncConnection, keys: Keyring, subjects: Iterable[DncTarget]) -> Sequence[Row[Any]]:
    """Every mark there ever was against one of these, the strongest first."""
    return await _marks_under(connection, [p for subject in subjects for p in keys.subject_fingerprints(subject)])


async def _marks_under(connection: AsyncConnection, fingerprints: Collection[str]) -> Sequence[Row[Any]]:
    found = await connection.execute(
        select(do_not_contact).where(do_not_contact.c.subject_key.in_(fingerprints)).order_by(do_not_contact.c.id)
    )
    return sorted(found, key=lambda row: -DncReason(row.cause).strength)


def _has_permanent(rows: Iterable[Row[Any]]) -> bool:
    """Whether one of these marks is for ever; of who it protects nothing is written down, whatever people type."""
    return any(row.lifted_at is None and DncReason(row.cause).is_final for row in rows)


def _entry_from(row: Row[Any], keys: Keyring) -> DncEntry:
    return DncEntry(
        cause=DncReason(row.cause),
        by=row.actor,
        at=row.at,
        note=keys.open(row.note) if row.note else "",
        until=row.until,
        subject=_target_from(row, keys),
    )


def _target_from(row: Row[Any], keys: Keyring) -> DncTarget | None:
    """None once it was erased."""
    key = keys.open(row.subject)
    return DncTarget.from_key(DncScope(row.scope), key) if key else None


def _is(row: Row[Any]) -> Any:  # noqa: ANN401  a condition
    return do_not_contact.c.id == row.id
