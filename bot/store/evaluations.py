"""Evaluations as people see them: the card and its owner."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.card import Card, Person, SentMail, discovery_delay
from bot.domain.card_snapshot import CardSnapshot, UnmatchedCard
from bot.domain.dnc import targets_for
from bot.domain.evaluation import CardRef, Contact, License, OwnerChange, State
from bot.domain.history import MAIL_KINDS, Assigned, Entry, Kind, Released
from bot.domain.mail import Attempt, MailState
from bot.domain.outbox import BEGUN, DeliveryKind
from bot.security.keyring import Keyring
from bot.store.card_recovery import orphan_at
from bot.store.dnc.repository import find_active
from bot.store.early_cards import early_install
from bot.store.engine.database import Database
from bot.store.licenses.customer_context import context_of
from bot.store.mail.policy_check import last_mail
from bot.store.mapping import entry_from, evaluation_from, license_of, live_evaluation
from bot.store.notes import with_note
from bot.store.outbox.enqueue import append_history, enqueue_card_update
from bot.store.outbox.selection import LATELY
from bot.store.schema import delivery, evaluation, history, mail
from bot.store.snoozes import snoozes_of


@shielded
class Evaluations:
    """Evaluations, with what the team did about them."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def card(self, evaluation_id: int) -> Card | None:
        """Return everything the card of an evaluation shows, at one moment. None if there is no such evaluation."""
        async with self._database.read() as connection:
            row = await live_evaluation(connection, evaluation_id)
            if row is None:
                return None
            license_seen = await license_of(connection, row.license_id, self._keyring)
            return Card(
                evaluation=evaluation_from(row, license_seen),
                context=await context_of(connection, row, license_seen, self._keyring),
                people=await self._people(connection, license_seen),
                mails=await _mails(connection, row.id),
                last=await self._last_entry(connection, row.id),
                mail=await self._last_entry(connection, row.id, MAIL_KINDS),
                assigned=None if row.owner is None else await self._last_entry(connection, row.id, {Kind.ASSIGNED}),
                snoozes=() if row.not_for_us_at else await snoozes_of(connection, row.id),
                left=await self._last_entry(connection, row.id, {Kind.CUSTOMER_LEFT}),
                quote=await self._last_entry(connection, row.id, {Kind.QUOTE_ACCEPTED}),
                early=await early_install(connection, row.id) if row.state == State.EXPECTED else None,
            )

    async def on_card(self, claimed: int, card: CardRef) -> int | UnmatchedCard:
        """Return the evaluation that a card in Slack shows, regardless of the id on its button.

        The id on a card comes from the database that rendered it, which may have been restored from a backup since. The
        id alone decides only while a card is being posted, or after it could no longer be changed.
        """
        here = (evaluation.c.channel == card.channel) & (evaluation.c.card_ts == card.ts)
        async with self._database.read() as connection:
            found = (await connection.execute(select(evaluation).where(here))).first()
            orphan = None if found is not None else await orphan_at(connection, card.channel, card.ts)
            if isinstance(orphan, CardSnapshot):
                return UnmatchedCard.AWAITED
            row = found or orphan
            if row is None:
                row = (await connection.execute(select(evaluation).where(evaluation.c.id == claimed))).first()
                if row is None:
                    return UnmatchedCard.UNKNOWN
                if not await _has_no_other_card(connection, row, card.channel):
                    return UnmatchedCard.REPLACED
            live = await live_evaluation(connection, row.id) or row
            return int(live.id)

    async def is_shown_by(self, evaluation_id: int, card: CardRef) -> bool:
        """Return whether a card may belong to an evaluation: it does, or its evaluation is not known."""
        here = (evaluation.c.channel == card.channel) & (evaluation.c.card_ts == card.ts)
        async with self._database.read() as connection:
            found = await connection.scalar(select(evaluation.c.id).where(here))
            if found is None:
                return True
            shown = await live_evaluation(connection, found)
            meant = await live_evaluation(connection, evaluation_id)
            return shown is not None and meant is not None and shown.id == meant.id

    async def assign(
        self, evaluation_id: int, owner: str | None, *, instead_of: str | None, by: str, at: datetime
    ) -> OwnerChange | None:
        """Set the owner if it still is `instead_of`. None if there is no such evaluation.

        If two people claim at once, one wins and the other learns who.
        """
        async with self._database.write() as connection:
            row = await live_evaluation(connection, evaluation_id)
            if row is None:
                return None
            if row.owner != instead_of or row.owner == owner:
                return OwnerChange(changed=False, owner=row.owner, since=row.owned_at)
            await connection.execute(
                update(evaluation).where(evaluation.c.id == row.id).values(owner=owner, owned_at=at)
            )
            was = instead_of or ""
            fact = Released(was=was) if owner is None else Assigned(owner=owner, was=was)
            await append_history(connection, row.id, [Entry(at=at, actor=by, fact=fact)])
            return OwnerChange(changed=True, owner=owner, since=at)

    async def update_card(self, evaluation_id: int, *, at: datetime) -> None:
        """Enqueue an update of a card that shows something outdated."""
        async with self._database.write() as connection:
            await enqueue_card_update(connection, [evaluation_id], at=at)

    async def update_running_cards(self, *, at: datetime) -> None:
        """Enqueue an update of every card with a running trial: the days left have changed."""
        async with self._database.write() as connection:
            running = select(evaluation.c.id).where(
                evaluation.c.state == State.RUNNING,
                evaluation.c.card_ts.is_not(None),
                evaluation.c.merged_into.is_(None),
            )
            # Nobody waits for these updates: they are dated back, so that they go after those that somebody waits for.
            await enqueue_card_update(connection, (await connection.scalars(running)).all(), at=at - 2 * LATELY)

    async def delays(self, *, since: datetime) -> list[timedelta]:
        """Return an upper bound for the discovery delay of each trial announced since then."""
        seen = select(evaluation.c.started, evaluation.c.first_seen).where(
            evaluation.c.first_seen >= since,
            evaluation.c.channel.is_not(None),
            evaluation.c.state != State.EXPECTED,
            evaluation.c.merged_into.is_(None),
        )
        async with self._database.read() as connection:
            return [discovery_delay(row.started, row.first_seen) for row in await connection.execute(seen)]

    async def _people(self, connection: AsyncConnection, license_seen: License) -> tuple[Person, ...]:
        return tuple([await self._person(connection, license_seen, contact) for contact in license_seen.contacts])

    async def _last_entry(
        self, connection: AsyncConnection, evaluation_id: int, kinds: Collection[Kind] = frozenset(Kind)
    ) -> Entry | None:
        theirs = (history.c.evaluation_id == evaluation_id) & history.c.kind.in_(kinds)
        query = select(history).where(theirs).order_by(history.c.id.desc()).limit(1)
        row = (await connection.execute(query)).first()
        return None if row is None else await with_note(connection, self._keyring, entry_from(row))

    async def _person(self, connection: AsyncConnection, license_seen: License, contact: Contact) -> Person:
        if contact.email is None:
            return Person(contact=contact)
        return Person(
            contact=contact,
            dnc_entry=await find_active(connection, self._keyring, targets_for(license_seen, contact.email)),
            last_mail=await last_mail(connection, self._keyring, contact.email),
        )


async def _has_no_other_card(connection: AsyncConnection, row: Row[Any], channel: str) -> bool:
    """Return whether a message in the channel may be the evaluation's card: the card was there before, or is being
    posted.
    """
    if row.card_ts is not None or row.channel != channel:
        return False
    posting = (delivery.c.evaluation_id == row.id) & (delivery.c.kind == DeliveryKind.CARD)
    begun = select(delivery.c.id).where(posting, delivery.c.state.in_(BEGUN))
    return row.card_gone is not None or (await connection.execute(begun)).first() is not None


async def _mails(connection: AsyncConnection, evaluation_id: int) -> tuple[SentMail, ...]:
    rows = await connection.execute(select(mail).where(mail.c.evaluation_id == evaluation_id).order_by(mail.c.id))
    return tuple(
        SentMail(template=row.template, attempt=Attempt(state=MailState(row.state), by=row.actor), at=row.at)
        for row in rows
    )
