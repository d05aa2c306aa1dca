"""Everything held about one person: export it, erase it, and drop it when retention ends."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.address import canonical
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import ContactRole
from bot.domain.incidents import UNWIPED
from bot.domain.replies import ReplyContent
from bot.security.keyring import Keyring
from bot.store.departures import blank_words, words_from
from bot.store.dnc.repository import anonymize
from bot.store.engine.database import Database
from bot.store.erasures import ACTION, HASHES, Person, block_for_good, erased_people, named_in, overwrite
from bot.store.feedback_content import blank_feedback, message_from
from bot.store.feedback_tables import feedback
from bot.store.incidents import close_incidents, is_open, open_incident
from bot.store.mail.reply_content import blank_replies, reply_from, written_by
from bot.store.mail.sealing import decrypt_content
from bot.store.mapping import insert_row, license_of
from bot.store.notes import blank_notes, note_from
from bot.store.outbox.enqueue import enqueue_card_update
from bot.store.reply_tables import reply
from bot.store.schema import audit, do_not_contact, evaluation, history, license_, mail, note
from bot.store.signal_tables import departure
from bot.store.webhooks.enqueue import enqueue_erased


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How many licenses named the person, how many emails they got, how many cards are updated."""

    licenses: int
    mails: int
    cards: int
    is_wiped: bool = True
    """Whether no erased data is left in the database files; otherwise `wipe` removes it later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedAgain:
    """How many people are on record as erased, about how many something was found again, and where."""

    on_record: int
    people: int
    licenses: int
    mails: int
    is_wiped: bool = True
    """As in `Erased`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """Something that was done with people's data, with counts; or a change of the team's settings, before and after."""

    at: datetime
    actor: str
    action: str
    details: Mapping[str, int | str]


@shielded
class PersonalData:
    """Data about people, by address. Whatever is done with it is recorded in the audit log."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def export(self, address: str, *, at: datetime, by: str) -> dict[str, Any]:
        """Return everything held about an address, ready for JSON."""
        async with self._database.write() as connection:
            held = {
                "address": canonical(address),
                "exported_at": at.isoformat(),
                "licenses": await self._licenses(connection, address),
                "mails": await self._mails(connection, address),
                "do_not_contact": await self._dnc_entries(connection, address),
                "notes": await self._notes(connection, address),
                "replies": await self._replies(connection, address),
                "reasons_for_leaving": await self._words(connection, address),
                "feedback": await self._feedback(connection, address),
            }
            await _audit(connection, "export", at=at, by=by, licenses=len(held["licenses"]), mails=len(held["mails"]))
            return held

    async def erase(self, address: str, *, at: datetime, by: str) -> Erased:
        """Overwrite every copy of what is held about an address, and update the cards and lines in Slack.

        A keyed hash stays in a permanent do-not-contact entry: whatever brings the address back, nobody emails it.
        """
        hashes = self._keyring.address_hashes(address)
        async with self._database.write() as connection:
            await anonymize(connection, self._keyring, address, DncReason.ERASED, at=at)  # while licenses name them
            found = await overwrite(connection, self._keyring, hashes, at=at)
            counts = {"licenses": found.licenses, "mails": found.mails}
            await _audit(connection, ACTION, at=at, by=by, **counts, **{HASHES: " ".join(hashes)})
            await open_incident(connection, UNWIPED, at=at)
        return Erased(**counts, cards=len(found.evaluations), is_wiped=await self._wiped())

    async def erase_again(self, *, at: datetime, by: str, also: Sequence[Person] = ()) -> ErasedAgain:
        """Repeat every erasure on record, and those of `also`: a restored backup may hold these people again.

        Nothing is written if nothing is held about any of them.
        """
        total = {"people": 0, "licenses": 0, "mails": 0}
        async with self._database.write() as connection:
            known = await erased_people(connection)
            new = [each for each in dict.fromkeys(also) if each not in known]
            await block_for_good(connection, self._keyring, [*known, *new], at=at)
            for person in [*known, *new]:
                found = await overwrite(connection, self._keyring, person, at=at, is_again=True)
                if found.is_anything:
                    await enqueue_erased(connection, person[0], found.evaluations, reason=DncReason.ERASED, at=at)
                if found.is_anything or person in new:
                    counts = {"licenses": found.licenses, "mails": found.mails}
                    await _audit(connection, ACTION, at=at, by=by, **counts, **{HASHES: " ".join(person)})
                    total = {"people": total["people"] + found.is_anything} | {n: total[n] + counts[n] for n in counts}
            if total["people"]:
                await open_incident(connection, UNWIPED, at=at)
        is_wiped = await self._wiped() if total["people"] else True
        return ErasedAgain(**total, on_record=len(known) + len(new), is_wiped=is_wiped)

    async def wipe(self) -> bool:
        """Remove erased data from the files, if that could not be done at once. Return whether none of it is left."""
        async with self._database.read() as connection:
            is_owed = await is_open(connection, UNWIPED)
        return await self._wiped() if is_owed else True

    async def apply_retention(self, than: datetime, *, at: datetime) -> int:
        """Remove contacts from licenses without any event since then, and the content of emails, notes and replies
        older than that.
        """
        recorded = select(evaluation.c.license_id).join(history, history.c.evaluation_id == evaluation.c.id)
        quiet = (
            license_.c.updated < than.date(),
            license_.c.merged_into.is_(None),
            or_(license_.c.technical_key.is_not(None), license_.c.billing_key.is_not(None)),
            license_.c.id.not_in(recorded.where(history.c.at >= than)),
        )
        nobody = {"contacts": self._keyring.encrypt("[null, null]"), "technical_key": None, "billing_key": None}
        async with self._database.write() as connection:
            ids = (await connection.scalars(select(license_.c.id).where(*quiet))).all()
            for license_id in ids:
                await connection.execute(update(license_).where(license_.c.id == license_id).values(nobody))
            empty = {"content": self._keyring.encrypt("")}
            await connection.execute(update(mail).where(mail.c.at < than, mail.c.due_at.is_(None)).values(empty))
            await blank_notes(connection, note.c.at < than, at=at)
            await blank_replies(connection, reply.c.at < than, at=at)
            await blank_words(connection, departure.c.at < than, at=at)
            await blank_feedback(connection, feedback.c.at < than, at=at)
            theirs = select(evaluation.c.id).where(evaluation.c.license_id.in_(ids))
            await enqueue_card_update(connection, (await connection.scalars(theirs)).all(), at=at)
            if ids:
                await _audit(connection, "retention", at=at, by="evaluator-bot", licenses=len(ids))
            return len(ids)

    async def audit_log(self) -> list[Audited]:
        """Return the audit log, oldest entry first."""
        async with self._database.read() as connection:
            rows = await connection.execute(select(audit).order_by(audit.c.id))
            return [Audited(at=row.at, actor=row.actor, action=row.action, details=_shown(row.details)) for row in rows]

    async def audit(self, action: str, *, at: datetime, by: str, **counts: int) -> int:
        """Record in the audit log that something was done with people's data. Return the id of the entry."""
        async with self._database.write() as connection:
            return await _audit(connection, action, at=at, by=by, **counts)

    async def recount(self, audit_id: int, **counts: int) -> None:
        """Replace the counts of an entry of the audit log, while what it records goes on."""
        async with self._database.write() as connection:
            await connection.execute(update(audit).where(audit.c.id == audit_id).values(details=counts))

    async def _wiped(self) -> bool:
        if not await self._database.wipe():
            return False
        async with self._database.write() as connection:
            await close_incidents(connection, [UNWIPED])
        return True

    async def _theirs(self, connection: AsyncConnection, address: str) -> list[Row[Any]]:
        named = named_in(self._keyring.address_hashes(address))
        return list(await connection.execute(select(license_.c.id, license_.c.company_key).where(named)))

    def _to(self, address: str) -> ColumnElement[bool]:
        return mail.c.address_key.in_(self._keyring.address_hashes(address))

    async def _words(self, connection: AsyncConnection, address: str) -> list[dict[str, Any]]:
        theirs = departure.c.address_key.in_(self._keyring.address_hashes(address))
        return [
            {"app": row.app_key, "day": str(row.day), "what": row.kind, "reason": row.reason, **asdict(found)}
            for row in await connection.execute(select(departure).where(theirs).order_by(departure.c.id))
            if (found := words_from(row, self._keyring)) is not None
        ]

    def _about(self, evaluation_id: ColumnElement[int], address: str) -> ColumnElement[bool]:
        """Return the condition for what may be about a person: of evaluations that name or emailed them."""
        named = named_in(self._keyring.address_hashes(address))
        theirs = select(evaluation.c.id).join(license_, license_.c.id == evaluation.c.license_id).where(named)
        emailed = select(mail.c.evaluation_id).where(self._to(address))
        return or_(evaluation_id.in_(theirs), evaluation_id.in_(emailed))

    async def _feedback(self, connection: AsyncConnection, address: str) -> list[dict[str, Any]]:
        """Return the messages with the address, and those of somebody at an evaluation that names it."""
        with_address = feedback.c.address_key.in_(self._keyring.address_hashes(address))
        theirs = or_(with_address, self._about(feedback.c.evaluation_id, address))
        written = select(feedback).where(theirs, feedback.c.content.is_not(None)).order_by(feedback.c.id)
        found = [message_from(row, self._keyring) for row in await connection.execute(written)]
        return [
            {
                "at": each.at.isoformat(),
                "from": each.speaker.value,
                "rating": each.rating,
                "text": each.content.text,
                "reply_to": each.content.reply_to,
            }
            for each in found
            if each.content is not None
        ]

    async def _notes(self, connection: AsyncConnection, address: str) -> list[dict[str, Any]]:
        written = (
            select(note)
            .where(self._about(note.c.evaluation_id, address), note.c.content.is_not(None))
            .order_by(note.c.id)
        )
        return [
            {"text": each.text, "author": each.author, "at": each.at.isoformat()}
            for each in [note_from(row, self._keyring) for row in await connection.execute(written)]
        ]

    async def _replies(self, connection: AsyncConnection, address: str) -> list[dict[str, Any]]:
        theirs = written_by(self._keyring.address_hashes(address))
        written = select(reply).where(theirs, reply.c.content.is_not(None)).order_by(reply.c.id)
        found = [reply_from(row, self._keyring) for row in await connection.execute(written)]
        return [
            {"kind": each.kind.value, "at": each.at.isoformat(), **({} if said is None else _words(said))}
            for each in found
            for said in [each.content]
        ]

    async def _licenses(self, connection: AsyncConnection, address: str) -> list[dict[str, Any]]:
        found = []
        for row in await self._theirs(connection, address):
            seen = await license_of(connection, row.id, self._keyring)
            trials = await connection.execute(select(evaluation).where(evaluation.c.license_id == row.id))
            found.append(
                {
                    "app": seen.app_name,
                    "ids": sorted(seen.aliases),
                    "company": seen.company,
                    "site": seen.site,
                    "country": seen.country,
                    "contacts": [
                        {"role": role.value, "email": contact.email, "name": contact.name}
                        for role in ContactRole
                        if (contact := seen.contact(role)) is not None
                        and canonical(contact.email or "") == canonical(address)
                    ],
                    "evaluations": [
                        {"started": str(t.started), "state": t.state, "first_seen": t.first_seen.isoformat()}
                        for t in trials
                    ],
                }
            )
        return found

    async def _mails(self, connection: AsyncConnection, address: str) -> list[dict[str, Any]]:
        found = []
        for row in await connection.execute(select(mail).where(self._to(address)).order_by(mail.c.id)):
            content = decrypt_content(row.content, self._keyring)
            words = {} if content is None else {"subject": content.subject, "body": content.body}
            found.append(
                {
                    "template": row.template,
                    "at": row.at.isoformat(),
                    "state": row.state,
                    "lawful_basis": row.lawful_basis,
                    "message_id": row.message_id,
                    **words,
                }
            )
        return found

    async def _dnc_entries(self, connection: AsyncConnection, address: str) -> list[dict[str, Any]]:
        theirs = do_not_contact.c.target_key.in_(self._keyring.address_hashes(address))
        rows = await connection.execute(select(do_not_contact).where(theirs).order_by(do_not_contact.c.id))
        return [
            {
                "reason": row.reason,
                "note": self._keyring.decrypt(row.note) if row.note else "",
                "at": row.at.isoformat(),
                "lifted_at": row.lifted_at.isoformat() if row.lifted_at else None,
            }
            for row in rows
        ]


def _shown(details: dict[str, int | str]) -> dict[str, int | str]:
    return {name: value for name, value in details.items() if name != HASHES}


def _words(said: ReplyContent) -> dict[str, str]:
    return {"from": said.sender, "subject": said.subject, "text": said.full_text or said.text}


async def _audit(connection: AsyncConnection, action: str, *, at: datetime, by: str, **details: int | str) -> int:
    return await insert_row(connection, audit, {"at": at, "actor": by, "action": action, "details": details})
