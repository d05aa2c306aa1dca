"""Adopts cards in Slack that a database restored from a backup does not know."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.card_snapshot import (
    CardSnapshot,
    DncSnapshot,
    MailSnapshot,
    PostedCard,
    ReminderSnapshot,
    oldest_first,
    pack,
    unpack,
)
from bot.domain.dnc import DncEntry, DncScope, DncTarget, targets_for
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import State
from bot.domain.history import Entry, Kind, MailEvent
from bot.domain.identity import same_trial
from bot.domain.mail import LawfulBasis, MailState
from bot.domain.outbox import DeliveryState
from bot.domain.reminders import ReminderState
from bot.security.keyring import Keyring
from bot.store.dnc.matches import evaluations_with_address, expedite_mail_to
from bot.store.dnc.repository import IS_ACTIVE, add_entry
from bot.store.early_card_recovery import restore_early_card
from bot.store.early_cards import early_install
from bot.store.mail.repository import settle_sent
from bot.store.mapping import insert_new, license_of, live_evaluation, trial_from
from bot.store.outbox.enqueue import append_history, enqueue_card_update
from bot.store.outbox.selection import GOES_TO_CARD
from bot.store.schema import delivery, do_not_contact, evaluation, license_alias, mail, orphan_card
from bot.store.team_tables import reminder

BACK_IN_TIME: Final = "The database was restored from a backup, so nobody knows whether it was sent."


async def snapshot_of(connection: AsyncConnection, row: Row[Any], keyring: Keyring) -> CardSnapshot:
    """Return the snapshot of an evaluation that its card carries for a database that went back in time."""
    seen = await license_of(connection, row.license_id, keyring)
    mails = (await connection.execute(select(mail).where(mail.c.evaluation_id == row.id).order_by(mail.c.id))).all()
    targets = await _subjects(connection, row, keyring)
    hashes = [each for subject in targets for each in keyring.target_hashes(subject)]
    standing = select(do_not_contact).where(do_not_contact.c.target_key.in_(hashes), IS_ACTIVE)
    entries = await connection.execute(standing.order_by(do_not_contact.c.id))
    given = select(reminder).where(reminder.c.evaluation_id == row.id).order_by(reminder.c.at)
    reminders = (await connection.execute(given)).all()
    return CardSnapshot(
        app_key=seen.app_key,
        aliases=tuple(sorted(seen.aliases)),
        started=row.started,
        upgrade_to=row.upgrade_to,
        mails=tuple(_mail_snapshot(each) for each in mails if MailState(each.state).blocks_resend),
        entries=tuple(
            DncSnapshot(
                scope=DncScope(e.scope),
                key=e.target_key,
                reason=DncReason(e.reason),
                by=e.actor,
                at=e.at,
                until=e.until,
            )
            for e in entries
        ),
        reminders=tuple(ReminderSnapshot(step=each.step, owner=each.owner, at=each.at) for each in reminders),
        install=await early_install(connection, row.id) if row.state == State.EXPECTED else None,
    )


async def adopt_cards(
    connection: AsyncConnection, keyring: Keyring, posted: Sequence[PostedCard], *, at: datetime
) -> int:
    """Adopt cards from Slack and the records in their metadata. Return how many. The others wait until their trial is
    known.
    """
    taken = 0
    for each in oldest_first(posted):
        if each.evaluation_id is None:
            continue
        row = await _evaluation_of(connection, each)
        if row is None and each.trace is not None and each.trace.install is not None:
            row = await restore_early_card(connection, keyring, each.trace.install, channel=each.channel, at=at)
        is_new = row is not None and await _take_up(connection, keyring, row, each, at=at)
        taken += is_new
        is_here = row is not None and (row.channel, row.card_ts) == (each.channel, each.ts)
        if each.trace is not None and not is_new and not is_here:
            values = {"channel": each.channel, "ts": each.ts, "trace": pack(each.trace)}
            await insert_new(connection, orphan_card, values)
    return taken


async def adopt_orphans(
    connection: AsyncConnection, keyring: Keyring, names: Collection[tuple[str, str]], *, at: datetime
) -> None:
    """Adopt the cards of licenses that were just recorded with these names, each an app key and an alias."""
    for each in await _orphans(connection):
        trace = each.trace
        if trace is None or not any((trace.app_key, alias) in names for alias in trace.aliases):
            continue
        row = await _match(connection, trace)
        if row is not None and await _take_up(connection, keyring, row, each, at=at):
            this = (orphan_card.c.channel == each.channel) & (orphan_card.c.ts == each.ts)
            await connection.execute(delete(orphan_card).where(this))


async def orphan_at(connection: AsyncConnection, channel: str, ts: str) -> Row[Any] | CardSnapshot | None:
    """Return the evaluation of the orphan card at this place, its snapshot if no evaluation matches, or None without
    such a card.
    """
    this = (orphan_card.c.channel == channel) & (orphan_card.c.ts == ts)
    row = (await connection.execute(select(orphan_card).where(this))).first()
    trace = None if row is None else unpack(row.trace)
    if trace is None:
        return None
    return await _match(connection, trace) or trace


async def _orphans(connection: AsyncConnection) -> list[PostedCard]:
    rows = await connection.execute(select(orphan_card))
    return [PostedCard(channel=row.channel, ts=row.ts, trace=unpack(row.trace)) for row in rows]


async def _evaluation_of(connection: AsyncConnection, posted: PostedCard) -> Row[Any] | None:
    """Return the evaluation a card shows: the one recorded with it, the trial in its snapshot, or the one with its id.

    The id is last: a report that was read before the restore was detected may have given it to another trial.
    """
    placed = (evaluation.c.channel == posted.channel) & (evaluation.c.card_ts == posted.ts)
    row = (await connection.execute(select(evaluation).where(placed))).first()
    if row is not None:
        return row
    if posted.trace is not None:
        return await _match(connection, posted.trace)
    return (await connection.execute(select(evaluation).where(evaluation.c.id == posted.evaluation_id))).first()


async def _match(connection: AsyncConnection, trace: CardSnapshot) -> Row[Any] | None:
    """Return the evaluation that a snapshot names, or None."""
    named = (license_alias.c.app_key == trace.app_key) & license_alias.c.alias.in_(trace.aliases)
    licenses = select(license_alias.c.license_id).where(named)
    theirs = evaluation.c.license_id.in_(licenses) & evaluation.c.merged_into.is_(None)
    rows = (await connection.execute(select(evaluation).where(theirs).order_by(evaluation.c.id))).all()
    trials = [trial_from(row) for row in rows]
    found = same_trial(trace.trial, trials)
    return None if found is None else rows[trials.index(found)]


async def _take_up(
    connection: AsyncConnection, keyring: Keyring, row: Row[Any], posted: PostedCard, *, at: datetime
) -> bool:
    """Record what a card carries, and make it its evaluation's card unless that has one. Return whether it
    was made so.
    """
    live = await live_evaluation(connection, row.id) or row
    trace = posted.trace
    restored = (
        [await _restore_mail(connection, keyring, live.id, snapshot, at=at) for snapshot in trace.mails]
        if trace
        else []
    )
    if trace is not None and trace.entries:
        targets = await _subjects(connection, live, keyring)
        restored += [await _restore_entry(connection, keyring, targets, snapshot, at=at) for snapshot in trace.entries]
    for given in trace.reminders if trace else ():
        await _restore_reminder(connection, live, given)
    is_new = row.card_ts is None and row.merged_into is None
    if is_new:
        card = {"channel": posted.channel, "card_ts": posted.ts, "card_gone": None}
        await connection.execute(update(evaluation).where(evaluation.c.id == row.id).values(card))
        owed = (delivery.c.evaluation_id == row.id) & GOES_TO_CARD & (delivery.c.state == DeliveryState.DUE)
        await connection.execute(update(delivery).where(owed).values(channel=posted.channel))
    painted = await connection.scalar(select(delivery.c.id).where(delivery.c.id == posted.delivery_id))
    if is_new or any(restored) or painted is None:
        await enqueue_card_update(connection, [live.id, row.id], at=at)
    return is_new


async def _restore_mail(
    connection: AsyncConnection, keyring: Keyring, evaluation_id: int, snapshot: MailSnapshot, *, at: datetime
) -> bool:
    """Record an email that was or may have been sent; its content and address are lost.

    An email on record with an unknown outcome becomes sent if the card says so. Return whether anything changed.
    """
    state = MailState.SENT if snapshot.state is MailState.SENT else MailState.UNKNOWN
    values = {
        "id": snapshot.id,
        "evaluation_id": evaluation_id,
        "template": snapshot.template,
        "address_key": snapshot.address_key,
        "content": keyring.encrypt(""),
        "state": state,
        "message_id": snapshot.message_id,
        "actor": snapshot.by,
        "at": snapshot.at,
        "settled_at": snapshot.at,
    }
    if await insert_new(connection, mail, values) is None:
        return state is MailState.SENT and await settle_sent(
            connection, snapshot.id, snapshot.message_id, at=snapshot.at
        )
    if state is MailState.UNKNOWN:
        fact = MailEvent(
            kind=Kind.MAIL_UNKNOWN,
            template=snapshot.template,
            mail=snapshot.id,
            basis=LawfulBasis.TRIAL,
            error=BACK_IN_TIME,
        )
        await append_history(connection, evaluation_id, [Entry(at=at, actor=snapshot.by, fact=fact)])
    return True


async def _restore_entry(
    connection: AsyncConnection,
    keyring: Keyring,
    targets: Collection[DncTarget],
    snapshot: DncSnapshot,
    *,
    at: datetime,
) -> bool:
    """Record a do-not-contact entry that is not on record, not even a lifted one, on the target with its keyed hash.

    If none of the targets has it, only the hash of the address is recorded.
    """
    subject = next((each for each in targets if snapshot.key in keyring.target_hashes(each)), None)
    hashes = {snapshot.key, *(keyring.target_hashes(subject) if subject else ())}
    same = do_not_contact.c.target_key.in_(hashes) & (do_not_contact.c.reason == snapshot.reason)
    known = await connection.scalar(select(do_not_contact.c.id).where(same, do_not_contact.c.at == snapshot.at))
    if known is not None or (snapshot.until is not None and snapshot.until <= at):
        return False
    new = DncEntry(reason=snapshot.reason, by=snapshot.by, at=snapshot.at, until=snapshot.until)
    if subject is not None:
        return (await add_entry(connection, keyring, subject, new)).changed
    values: dict[str, Any] = {"scope": snapshot.scope, "target_key": snapshot.key, "target": keyring.seal_nothing()}
    values |= {"reason": snapshot.reason, "actor": snapshot.by, "at": snapshot.at, "until": snapshot.until}
    is_new = await insert_new(connection, do_not_contact, values) is not None
    await expedite_mail_to(connection, [snapshot.key], at=at)
    await enqueue_card_update(connection, await evaluations_with_address(connection, [snapshot.key]), at=at)
    return is_new


async def _restore_reminder(connection: AsyncConnection, live: Row[Any], given: ReminderSnapshot) -> None:
    """Record a reminder that was sent. Its message stays as it is."""
    key = {"evaluation_id": live.id, "step": given.step, "owner": given.owner}
    values = {"channel": given.owner or live.channel or "", "state": ReminderState.SETTLED, "at": given.at}
    await insert_new(connection, reminder, {**key, **values})


async def _subjects(connection: AsyncConnection, row: Row[Any], keyring: Keyring) -> frozenset[DncTarget]:
    """Return the targets that do-not-contact entries against an evaluation's contacts may have."""
    seen = await license_of(connection, row.license_id, keyring)
    emails = [contact.email for contact in seen.contacts if contact.email is not None]
    return frozenset(subject for email in emails for subject in targets_for(seen, email))


def _mail_snapshot(row: Row[Any]) -> MailSnapshot:
    return MailSnapshot(
        id=row.id,
        template=row.template,
        address_key=row.address_key,
        message_id=row.message_id,
        state=MailState(row.state),
        by=row.actor,
        at=row.settled_at or row.at,
    )
