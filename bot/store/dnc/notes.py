"""Put the note of a do-not-contact entry back into the history entries about it."""

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.history import DncAdded, DncLifted, Entry
from bot.security.keyring import Keyring
from bot.store.schema import do_not_contact


async def with_dnc_note(connection: AsyncConnection, keyring: Keyring, entry: Entry) -> Entry:
    """Return the history entry with its note.

    Notes are stored with the do-not-contact entry only, where they can be erased.
    """
    fact = entry.fact
    if not isinstance(fact, DncAdded | DncLifted) or fact.entry_id is None:
        return entry
    column = do_not_contact.c.note if isinstance(fact, DncAdded) else do_not_contact.c.lifted_note
    sealed = await connection.scalar(select(column).where(do_not_contact.c.id == fact.entry_id))
    return replace(entry, fact=replace(fact, note=keyring.decrypt(sealed) if sealed else ""))
