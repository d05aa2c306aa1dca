"""Do-not-contact entries: who must not be emailed, why, and who decided."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.clock_skew import CLOCKS_DIFFER
from bot.domain.dnc import (
    DncAddResult,
    DncEntry,
    DncLift,
    DncLiftResult,
    DncScope,
    DncTarget,
    adds_to,
    is_stronger_than,
    may_lift,
)
from bot.domain.dnc_reason import DncReason
from bot.domain.history import DncAdded, DncLifted, Entry
from bot.domain.webhook_event_types import EventType
from bot.security.keyring import Keyring
from bot.store.dnc.matches import evaluations_matching, evaluations_with_address, expedite_mail_to, expedite_queued_mail
from bot.store.engine.database import Database
from bot.store.mapping import insert_new
from bot.store.outbox.enqueue import append_history, enqueue_card_update
from bot.store.schema import do_not_contact, mail
from bot.store.webhooks.enqueue import NewEvent, enqueue_erased, enqueue_events

_LONGEST_PAUSE: Final = timedelta(days=30)
IS_ACTIVE: Final = do_not_contact.c.lifted_at.is_(None)


@shielded
class DncEntries:
    """Do-not-contact entries, for every evaluation there is and will be."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def add(self, target: DncTarget, entry: DncEntry, *, evaluation_id: int | None = None) -> DncAddResult:
        """Add an entry and update every card it covers, unless an entry as strong is active.

        Queued mail to the target is cancelled. The history of `evaluation_id`, where it came up, records the fact.
        """
        async with self._database.write() as connection:
            return await add_entry(connection, self._keyring, target, entry, evaluation_id=evaluation_id)

    async def add_all(self, entries: Sequence[tuple[DncTarget, DncEntry]]) -> int:
        """Add all entries or none. Return how many targets had no entry as strong before."""
        async with self._database.write() as connection:
            return sum([(await add_entry(connection, self._keyring, target, new)).changed for target, new in entries])

    async def lift(
        self,
        target: DncTarget,
        lift: DncLift,
        *,
        set_at: datetime | None = None,
        evaluation_id: int | None = None,
    ) -> DncLiftResult:
        """Lift the strongest entry for a target that `lift` has the authority for, with a note for the record.

        With `set_at`, lift only the entry of that time: a newer one may have come since somebody looked.
        """
        async with self._database.write() as connection:
            rows = await _load_entries(connection, self._keyring, [target])
            on_record = replace(lift, note="") if _has_permanent(rows) else lift
            for row in rows:
                shown = set_at is None or row.at == set_at
                if row.lifted_at is None and shown and may_lift(DncReason(row.reason), lift.authority):
                    return await self._lift(connection, row, target, on_record, within=evaluation_id)
            stands = next((_entry_from(row, self._keyring) for row in rows if row.lifted_at is None), None)
            before = max((row for row in rows if row.at == set_at and row.lifted_at), key=lambda r: r.id, default=None)
            if before is None:
                return DncLiftResult(changed=False, by=None, at=None, remaining=stands)
            return DncLiftResult(changed=False, by=before.lifted_by, at=before.lifted_at, remaining=stands)

    async def end_pauses(self, *, at: datetime) -> int:
        """Lift the pauses that are over. Return how many there were."""
        # No pause is longer than this. One that ends later was set by a clock that ran ahead, so its real end is
        # unknown.
        over = IS_ACTIVE & (
            (do_not_contact.c.until <= at) | (do_not_contact.c.until > at + _LONGEST_PAUSE + CLOCKS_DIFFER)
        )
        async with self._database.write() as connection:
            rows = (await connection.execute(select(do_not_contact).where(over))).all()
            for row in rows:
                target = _target_from(row, self._keyring)
                await connection.execute(update(do_not_contact).where(_is(row)).values(lifted_at=at))
                if target is not None:
                    theirs = await evaluations_matching(connection, self._keyring, target)
                    remaining = await find_active(connection, self._keyring, [target])
                    await _enqueue_lifted(connection, row, theirs, remaining, by=None, at=at)
                    await enqueue_card_update(connection, theirs, at=at)
            return len(rows)

    async def find_active(self, targets: Collection[DncTarget]) -> DncEntry | None:
        """Return the strongest active entry for any of these targets, or None."""
        async with self._database.read() as connection:
            return await find_active(connection, self._keyring, targets)

    async def active_entries(self, targets: Collection[DncTarget]) -> list[DncEntry]:
        """Return the active entries for any of these targets, the strongest first."""
        async with self._database.read() as connection:
            return await active_entries(connection, self._keyring, targets)

    async def list_active(self) -> list[DncEntry]:
        """Return every active entry, oldest first. Those of erased people have no target."""
        query = select(do_not_contact).where(IS_ACTIVE).order_by(do_not_contact.c.at, do_not_contact.c.id)
        async with self._database.read() as connection:
            return [_entry_from(row, self._keyring) for row in await connection.execute(query)]

    async def verify_keys(self) -> None:
        """Raise StoreError if an entry was written with a secret that is not among ours.

        Its hash would match nobody, and somebody who said no could be emailed.
        """
        async with self._database.read() as connection:
            for sealed in await connection.scalars(select(do_not_contact.c.target).where(IS_ACTIVE)):
                self._keyring.decrypt(sealed)

    async def _lift(
        self,
        connection: AsyncConnection,
        row: Row[Any],
        target: DncTarget,
        lift: DncLift,
        *,
        within: int | None,
    ) -> DncLiftResult:
        note, at = lift.note, lift.at
        lifted = {"lifted_at": at, "lifted_by": lift.by, "lifted_note": self._keyring.encrypt(note) if note else None}
        await connection.execute(update(do_not_contact).where(_is(row)).values(lifted))
        if within is not None:
            entry = Entry(at=at, actor=lift.by, fact=DncLifted(entry_id=row.id))
            await append_history(connection, within, [entry])
        theirs = await evaluations_matching(connection, self._keyring, target)
        remaining = await find_active(connection, self._keyring, [target])
        await _enqueue_lifted(connection, row, theirs, remaining, by=lift.by, at=at)
        await enqueue_card_update(connection, theirs, at=at)
        return DncLiftResult(changed=True, by=lift.by, at=at, remaining=remaining)


async def add_entry(
    connection: AsyncConnection, keyring: Keyring, target: DncTarget, new: DncEntry, *, evaluation_id: int | None = None
) -> DncAddResult:
    """Write an entry, unless one as strong is active."""
    rows = [row for row in await _load_entries(connection, keyring, [target]) if row.lifted_at is None]
    active = [_entry_from(row, keyring) for row in rows]
    if not adds_to(active, new.reason):
        await _note_again(connection, rows, at=new.at)
        return DncAddResult(changed=False, entry=active[0])
    is_nameless = new.reason.is_final or _has_permanent(rows)
    values = {
        "scope": target.scope,
        "target_key": keyring.target_hash(target),
        # Never empty: it shows whether the secret is still among ours.
        "target": keyring.encrypt("" if is_nameless else target.key),
        "reason": new.reason,
        "note": keyring.encrypt(new.note) if new.note and not is_nameless else None,
        "actor": new.by,
        "at": new.at,
        "until": new.until,
    }
    entry_id = await insert_new(connection, do_not_contact, values)
    if evaluation_id is not None:
        entry = Entry(at=new.at, actor=new.by, fact=DncAdded(reason=new.reason, entry_id=entry_id))
        await append_history(connection, evaluation_id, [entry])
    theirs = await evaluations_matching(connection, keyring, target)
    await _enqueue_added(connection, target.scope, keyring.target_hash(target), theirs, new)
    await expedite_queued_mail(connection, keyring, target, theirs, at=new.at)
    await enqueue_card_update(connection, theirs, at=new.at)
    return DncAddResult(changed=True, entry=new)


async def add_by_hash(connection: AsyncConnection, keyring: Keyring, address_hash: str, new: DncEntry) -> None:
    """Add an entry for an address of which only the hash is left, unless one as strong is active."""
    same = IS_ACTIVE & (do_not_contact.c.target_key == address_hash)
    rows = (await connection.execute(select(do_not_contact).where(same))).all()
    if _has_permanent(rows) or not all(is_stronger_than(new.reason, _entry_from(row, keyring)) for row in rows):
        await _note_again(connection, rows, at=new.at)
        return
    values = {"scope": DncScope.ADDRESS, "target_key": address_hash, "target": keyring.seal_nothing()}
    await insert_new(connection, do_not_contact, {**values, "reason": new.reason, "at": new.at, "until": new.until})
    await expedite_mail_to(connection, [address_hash], at=new.at)
    theirs = await evaluations_with_address(connection, [address_hash])
    await _enqueue_added(connection, DncScope.ADDRESS, address_hash, theirs, new)
    await enqueue_card_update(connection, theirs, at=new.at)


async def find_active(connection: AsyncConnection, keyring: Keyring, targets: Collection[DncTarget]) -> DncEntry | None:
    """Return the strongest active entry for any of these targets, or None."""
    return next(iter(await active_entries(connection, keyring, targets)), None)


async def active_entries(
    connection: AsyncConnection, keyring: Keyring, targets: Collection[DncTarget]
) -> list[DncEntry]:
    """Return the active entries for any of these targets, the strongest first."""
    rows = await _load_entries(connection, keyring, targets)
    return [_entry_from(row, keyring) for row in rows if row.lifted_at is None]


async def active_under(connection: AsyncConnection, keyring: Keyring, hashes: Collection[str]) -> DncEntry | None:
    """Return the strongest active entry under any of these hashes, or None."""
    rows = await _marks_under(connection, hashes)
    return next((_entry_from(row, keyring) for row in rows if row.lifted_at is None), None)


async def active_hashes(connection: AsyncConnection, hashes: Collection[str]) -> frozenset[str]:
    """Return those of the hashes under which an entry is active."""
    query = select(do_not_contact.c.target_key).where(IS_ACTIVE, do_not_contact.c.target_key.in_(hashes))
    return frozenset(await connection.scalars(query))


async def erased_hashes(connection: AsyncConnection) -> frozenset[str]:
    """Return the address hashes of erased people."""
    query = select(do_not_contact.c.target_key).where(IS_ACTIVE, do_not_contact.c.reason == DncReason.ERASED)
    return frozenset(await connection.scalars(query))


async def anonymize(
    connection: AsyncConnection, keyring: Keyring, address: str, reason: DncReason, *, at: datetime
) -> None:
    """Overwrite what emails and entries hold about somebody, and block their address for good. Call it while the
    licenses still name them, so that their evaluations are found.

    Only a hash of the address stays, under an entry that nobody can lift: the address may come back on another license.
    """
    await anonymize_hashes(connection, keyring, keyring.address_hashes(address))
    target = DncTarget.of_address(address)
    await add_entry(connection, keyring, target, DncEntry(reason=reason, by=None, at=at))
    theirs = await evaluations_matching(connection, keyring, target)
    await enqueue_erased(connection, keyring.target_hash(target), theirs, reason=reason, at=at)
    await enqueue_card_update(connection, theirs, at=at)


async def anonymize_hashes(connection: AsyncConnection, keyring: Keyring, hashes: Collection[str]) -> None:
    """Overwrite what emails and entries hold about the people whose addresses have these hashes."""
    nothing = keyring.encrypt("")
    await connection.execute(update(mail).where(mail.c.address_key.in_(hashes)).values(content=nothing))
    theirs = do_not_contact.c.target_key.in_(hashes)
    await connection.execute(update(do_not_contact).where(theirs).values(note=None, lifted_note=None))
    # Permanent entries name nobody. They stay, since verify_keys still needs the secret that made their hashes.
    named = theirs & do_not_contact.c.reason.not_in([each for each in DncReason if each.is_final])
    await connection.execute(update(do_not_contact).where(named).values(target=nothing))


async def _enqueue_added(
    connection: AsyncConnection, scope: DncScope, target_hash: str, evaluation_ids: Sequence[int], new: DncEntry
) -> None:
    """Record the event of a new entry: a receiver finds who it covers by hash and evaluations, not by address."""
    details = {
        "scope": scope.value,
        "hash": target_hash,
        "reason": new.reason.value,
        "until": new.until and new.until.isoformat(timespec="seconds"),
        "actor": new.by,
        "evaluation_ids": sorted(evaluation_ids),
    }
    await enqueue_events(connection, [NewEvent(type=EventType.DNC_ADDED, at=new.at, details=details)])


async def _enqueue_lifted(
    connection: AsyncConnection,
    row: Row[Any],
    evaluation_ids: Sequence[int],
    remaining: DncEntry | None,
    *,
    by: str | None,
    at: datetime,
) -> None:
    """Record the event of an entry that ended, with the reason of one that is still active."""
    details = {
        "scope": row.scope,
        "hash": row.target_key,
        "reason": row.reason,
        "remaining": remaining and remaining.reason.value,
        "actor": by,
        "evaluation_ids": sorted(evaluation_ids),
    }
    await enqueue_events(connection, [NewEvent(type=EventType.DNC_LIFTED, at=at, details=details)])


async def _load_entries(
    connection: AsyncConnection, keyring: Keyring, targets: Iterable[DncTarget]
) -> Sequence[Row[Any]]:
    """Return every entry there ever was for these targets, the strongest first."""
    return await _marks_under(connection, [p for target in targets for p in keyring.target_hashes(target)])


async def _marks_under(connection: AsyncConnection, hashes: Collection[str]) -> Sequence[Row[Any]]:
    found = await connection.execute(
        select(do_not_contact).where(do_not_contact.c.target_key.in_(hashes)).order_by(do_not_contact.c.id)
    )
    return sorted(found, key=lambda row: -DncReason(row.reason).strength)


def _has_permanent(rows: Iterable[Row[Any]]) -> bool:
    """Return whether one of these entries is permanent. About the person it protects nothing may be written down."""
    return any(row.lifted_at is None and DncReason(row.reason).is_final for row in rows)


def _entry_from(row: Row[Any], keyring: Keyring) -> DncEntry:
    return DncEntry(
        reason=DncReason(row.reason),
        by=row.actor,
        at=row.at,
        note=keyring.decrypt(row.note) if row.note else "",
        until=row.until,
        target=_target_from(row, keyring),
        again_at=row.again_at,
    )


async def _note_again(connection: AsyncConnection, rows: Iterable[Row[Any]], *, at: datetime) -> None:
    """Record on active entries that somebody said no again: what they asked for before that no longer counts."""
    for row in rows:
        if at > (row.again_at or row.at):
            await connection.execute(update(do_not_contact).where(_is(row)).values(again_at=at))


def _target_from(row: Row[Any], keyring: Keyring) -> DncTarget | None:
    """Return the target, or None once it was erased."""
    key = keyring.decrypt(row.target)
    return DncTarget.from_key(DncScope(row.scope), key) if key else None


def _is(row: Row[Any]) -> Any:  # noqa: ANN401  a condition
    return do_not_contact.c.id == row.id
