"""Overwrite what is held about people who are erased. They are found by the keyed hashes of their addresses."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.address import canonical, fold
from bot.domain.dnc import DncEntry
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Contact, License
from bot.domain.history import Entry, Kind
from bot.domain.history import Erased as ErasedFact
from bot.errors import StoreError
from bot.security.keyring import Keyring
from bot.store.departures import blank_words
from bot.store.dnc.repository import add_by_hash, anonymize_hashes, erased_hashes
from bot.store.engine.database import Database
from bot.store.feedback_content import blank_feedback
from bot.store.feedback_tables import feedback
from bot.store.licenses.company_words import remove_company_words
from bot.store.mail.reply_content import blank_replies, is_any_kept, written_by
from bot.store.mail.sealing import decrypt_content
from bot.store.mapping import license_of, license_values
from bot.store.notes import blank_notes
from bot.store.outbox.enqueue import append_history, enqueue_card_update, enqueue_refresh
from bot.store.schema import audit, do_not_contact, draft, evaluation, history, license_, mail, note
from bot.store.signal_tables import departure

ACTION: Final = "erase"
"""How the audit log calls an erasure."""
HASHES: Final = "hashes"
"""The detail of an entry of the audit log that only the database keeps: the hashes of who was erased."""
_GONE: Final = Contact(forgotten=True)

Person = tuple[str, ...]
"""The keyed hashes of one person's address, by each secret; the newest secret's first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overwritten:
    """What was found about people who are erased, and is overwritten."""

    licenses: int = 0
    mails: int = 0
    evaluations: Sequence[int] = ()
    is_anything: bool = True


def named_in(hashes: Collection[str]) -> ColumnElement[bool]:
    """Return the condition for licenses that name somebody by one of these hashes."""
    return or_(license_.c.technical_key.in_(hashes), license_.c.billing_key.in_(hashes))


async def overwrite(
    connection: AsyncConnection, keyring: Keyring, hashes: Collection[str], *, at: datetime, is_again: bool = False
) -> Overwritten:
    """Overwrite every copy of what is held about the people with these hashes, and update cards and lines in Slack.

    With `is_again`, nothing is written if nothing is held about them, and only what is found counts.
    """
    licenses = (await connection.execute(select(license_.c.id, license_.c.company_key).where(named_in(hashes)))).all()
    mails = (await connection.execute(select(mail).where(mail.c.address_key.in_(hashes)))).all()
    wrote = feedback.c.address_key.in_(hashes)
    if is_again:
        mails = [row for row in mails if decrypt_content(row.content, keyring) is not None]
        left = await connection.scalar(select(departure.c.id).where(departure.c.address_key.in_(hashes)).limit(1))
        has_written = await connection.scalar(select(feedback.c.id).where(wrote).limit(1))
        is_quoted = await _is_noted(connection, keyring, hashes) or await is_any_kept(connection, written_by(hashes))
        if not (licenses or mails or left is not None or has_written is not None or is_quoted):
            return Overwritten(is_anything=False)
    theirs = select(evaluation.c.id).where(evaluation.c.license_id.in_([row.id for row in licenses]))
    evaluations = (await connection.scalars(theirs)).all()
    about = {*evaluations, *(row.evaluation_id for row in mails)}
    await blank_words(connection, departure.c.address_key.in_(hashes), at=at)
    await blank_notes(connection, note.c.evaluation_id.in_(about), at=at)
    await blank_replies(connection, written_by(hashes), at=at)
    await blank_feedback(connection, or_(wrote, feedback.c.evaluation_id.in_(about)), at=at)
    for row in licenses:
        await _redact(connection, keyring, row.id, hashes)
    await remove_company_words(connection, {row.company_key for row in licenses} - {None})
    await enqueue_refresh(connection, await _quoting(connection, hashes), at=at)
    await anonymize_hashes(connection, keyring, hashes)
    await connection.execute(delete(draft))  # of the last day; nobody knows who they name
    for evaluation_id in evaluations:
        await append_history(connection, evaluation_id, [Entry(at=at, fact=ErasedFact())])
    await enqueue_card_update(connection, evaluations, at=at)
    return Overwritten(licenses=len(licenses), mails=len(mails), evaluations=evaluations)


async def erased_people(connection: AsyncConnection) -> list[Person]:
    """Return who was erased, by the audit log and by permanent entries, which are all there is of earlier versions."""
    rows = await connection.scalars(select(audit.c.details).where(audit.c.action == ACTION).order_by(audit.c.id))
    people = [tuple(details[HASHES].split()) for details in rows if details.get(HASHES)]
    known = {each for person in people for each in person}
    return [*dict.fromkeys(people), *((each,) for each in sorted(await erased_hashes(connection) - known))]


async def block_for_good(
    connection: AsyncConnection, keyring: Keyring, people: Iterable[Person], *, at: datetime
) -> None:
    """Add the permanent entry of each person who has none."""
    people = list(people)
    erased = await erased_hashes(connection)
    for person in people:
        if erased.isdisjoint(person):
            await add_by_hash(connection, keyring, person[0], DncEntry(reason=DncReason.ERASED, by=None, at=at))


async def erased_elsewhere(url: str) -> list[Person]:
    """Return who was erased by another database, such as one that is to be replaced; nobody if it cannot be read."""
    try:
        database = Database(url, create=False)
    except StoreError:
        return []
    try:
        async with database.read() as connection:
            return await erased_people(connection)
    except (StoreError, DBAPIError):  # damaged, or of an early version
        return []
    finally:
        await database.close()


def without_people(seen: License, addresses: set[str]) -> License:
    """Return the license without the people at these addresses, and without a company that is a person's name."""
    gone = [c for c in seen.contacts if c.email is not None and canonical(c.email) in addresses]
    if not gone:
        return seen
    words = {fold(word) for contact in gone for word in (contact.email, contact.name) if word}
    is_person = seen.company is not None and any(word in fold(seen.company) for word in words | addresses)
    return replace(
        seen,
        technical=_GONE if seen.technical in gone else seen.technical,
        billing=_GONE if seen.billing in gone else seen.billing,
        company=None if is_person else seen.company,
    )


async def _is_noted(connection: AsyncConnection, keyring: Keyring, hashes: Collection[str]) -> bool:
    """Return whether a do-not-contact entry still holds words about these people, or their address."""
    for row in await connection.execute(select(do_not_contact).where(do_not_contact.c.target_key.in_(hashes))):
        is_named = not DncReason(row.reason).is_final and keyring.decrypt(row.target)
        if row.note is not None or row.lifted_note is not None or is_named:
            return True
    return False


async def _redact(connection: AsyncConnection, keyring: Keyring, license_id: int, hashes: Collection[str]) -> None:
    seen = await license_of(connection, license_id, keyring)
    emails = {contact.email for contact in seen.contacts if contact.email is not None}
    theirs = {canonical(each) for each in emails if not set(hashes).isdisjoint(keyring.address_hashes(each))}
    values = license_values(without_people(seen, theirs), keyring)
    await connection.execute(update(license_).where(license_.c.id == license_id).values(values))


async def _quoting(connection: AsyncConnection, hashes: Collection[str]) -> list[int]:
    """Return the history entries whose lines in Slack quote a note about the people with these hashes."""
    found = await connection.scalars(select(do_not_contact.c.id).where(do_not_contact.c.target_key.in_(hashes)))
    entry_ids = {str(each) for each in found}
    recorded = select(history.c.id, history.c.details).where(
        history.c.kind.in_((Kind.DO_NOT_CONTACT, Kind.CONTACT_AGAIN))
    )
    return [row.id for row in await connection.execute(recorded) if row.details.get("mark") in entry_ids]
