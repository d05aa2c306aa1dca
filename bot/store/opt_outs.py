"""Do-not-contact: who said no, why, who wrote it down."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.card import FORGOTTEN, OptOut
from bot.domain.history import Entry, Kind
from bot.store.database import Database
from bot.store.keys import Keys
from bot.store.outbox import remember, repaint
from bot.store.rows import insert_new
from bot.store.schema import do_not_contact, evaluation, license_, mail
from bot.store.whole import whole

_STANDS: Final = do_not_contact.c.lifted_at.is_(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """The mark that stands after an attempt to set it; `won` says whether the attempt did it."""

    won: bool
    opt_out: OptOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """Who lifted a mark, and when, after an attempt to do so; `won` says whether the attempt did it.

    Nobody, where the mark never was or still stands for good.
    """

    won: bool
    by: str | None
    at: datetime | None


@whole
class OptOuts:
    """The addresses nobody may write to, for any evaluation."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    async def add(self, address: str, opt_out: OptOut, *, evaluation_id: int | None = None) -> Marked:
        """Mark an address from this moment on, and repaint every card of it; a standing mark stays as it is.

        The fact goes into the history of `evaluation_id`, where the person acted.
        """
        async with self._database.write() as connection:
            before = await standing(connection, self._keys, address)
            if before is not None:
                return Marked(won=False, opt_out=before)
            values = {
                "address_key": self._keys.fingerprint(address),
                "address": self._keys.seal(address.strip()),
                "reason": opt_out.reason,
                "note": opt_out.note,
                "actor": opt_out.by,
                "at": opt_out.at,
            }
            await insert_new(connection, do_not_contact, values)
            if evaluation_id is not None:
                details = {"reason": opt_out.reason, "note": opt_out.note}
                entry = Entry(at=opt_out.at, kind=Kind.DO_NOT_CONTACT, actor=opt_out.by, details=details)
                await remember(connection, evaluation_id, [entry])
            await _repaint(connection, self._keys, address, at=opt_out.at)
            return Marked(won=True, opt_out=opt_out)

    async def lift(
        self, address: str, *, set_at: datetime, note: str, by: str, at: datetime, evaluation_id: int | None = None
    ) -> Lifted:
        """Take the mark of an address that was set at `set_at` back, for the record with a note, if it still stands."""
        async with self._database.write() as connection:
            shown = and_(
                do_not_contact.c.address_key.in_(self._keys.fingerprints(address)), do_not_contact.c.at == set_at
            )
            lifted = await connection.execute(
                update(do_not_contact)
                .where(shown, _STANDS, do_not_contact.c.reason != FORGOTTEN)
                .values(lifted_at=at, lifted_by=by, lifted_note=note)
            )
            if lifted.rowcount == 0:
                before = (await connection.execute(select(do_not_contact).where(shown))).first()
                if before is None:
                    return Lifted(won=False, by=None, at=None)
                return Lifted(won=False, by=before.lifted_by, at=before.lifted_at)
            if evaluation_id is not None:
                entry = Entry(at=at, kind=Kind.CONTACT_AGAIN, actor=by, details={"note": note})
                await remember(connection, evaluation_id, [entry])
            await _repaint(connection, self._keys, address, at=at)
            return Lifted(won=True, by=by, at=at)

    async def verify_keys(self) -> None:
        """StoreError when a mark was written with a secret that is not among ours.

        Its fingerprint would match no address any more, and somebody who said no could be written to.
        """
        async with self._database.read() as connection:
            sealed = await connection.scalars(select(do_not_contact.c.address).where(_STANDS))
            for address in sealed:
                if address is not None:
                    self._keys.open(address)


async def standing(connection: AsyncConnection, keys: Keys, address: str) -> OptOut | None:
    """The mark that stands against an address, or None."""
    query = select(do_not_contact).where(do_not_contact.c.address_key.in_(keys.fingerprints(address)), _STANDS)
    row = (await connection.execute(query)).first()
    return None if row is None else OptOut(reason=row.reason, by=row.actor, at=row.at, note=row.note)


async def forget(connection: AsyncConnection, keys: Keys, address: str, *, at: datetime) -> None:
    """Overwrite what is stored of somebody who asked to be forgotten; nobody writes to them ever after.

    Of the address a fingerprint stays, under a mark that nobody can lift: it may come back on another license.
    """
    fingerprints, nothing = keys.fingerprints(address), keys.seal("")
    await connection.execute(update(mail).where(mail.c.address_key.in_(fingerprints)).values(content=nothing))
    theirs = do_not_contact.c.address_key.in_(fingerprints)
    await connection.execute(update(do_not_contact).where(theirs).values(address=nothing, note="", lifted_note=None))
    forgotten = {"reason": FORGOTTEN, "note": "", "actor": None, "at": at}
    marked = await connection.execute(update(do_not_contact).where(theirs, _STANDS).values(forgotten))
    if marked.rowcount == 0:
        values = {**forgotten, "address_key": fingerprints[0], "address": nothing}
        await insert_new(connection, do_not_contact, values)
    await _repaint(connection, keys, address, at=at)


async def _repaint(connection: AsyncConnection, keys: Keys, address: str, *, at: datetime) -> None:
    fingerprints = keys.fingerprints(address)
    ids = await connection.scalars(
        select(evaluation.c.id)
        .join(license_, license_.c.id == evaluation.c.license_id)
        .where(or_(license_.c.technical_key.in_(fingerprints), license_.c.billing_key.in_(fingerprints)))
    )
    await repaint(connection, ids.all(), at=at)
