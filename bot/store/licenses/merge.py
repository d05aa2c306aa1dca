"""Merge two licenses that turn out to be one: nothing is lost, one card stays."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.history import Entry, Merged
from bot.domain.identity import group_by_trial
from bot.domain.mail import MailState
from bot.domain.outbox import BEGUN, DeliveryKind, DeliveryState
from bot.security.keyring import Keyring
from bot.store.feedback_tables import feedback
from bot.store.mapping import trial_from, trial_values
from bot.store.outbox.enqueue import append_history, enqueue_card_update, supersede
from bot.store.outbox.selection import GOES_TO_CARD
from bot.store.reply_tables import reply
from bot.store.schema import delivery, evaluation, history, license_, license_alias, mail, note
from bot.store.team_tables import reminder, snooze

_LIVE: Final = [state for state in MailState if state.blocks_resend]
_BY_THE_TEAM: Final = (
    ("owner", "owned_at"),
    ("done_at", "done_by"),
    ("not_for_us_at", "not_for_us_by", "not_for_us_reason"),
    ("waiting_since",),
)
"""Columns that belong together; the first one says whether they are set."""


async def merge_licenses(
    connection: AsyncConnection, keep: int, others: Sequence[int], keyring: Keyring, *, at: datetime
) -> None:
    """Move everything from `others` to `keep`. Of evaluations that are the same, the one with a card stays."""
    if not others:
        return
    for other in others:
        await connection.execute(
            update(license_alias).where(license_alias.c.license_id == other).values(license_id=keep)
        )
        # A record that is never reported again would keep its people forever; a company may be named after a person.
        people = {"contacts": keyring.encrypt("[null, null]"), "technical_key": None, "billing_key": None}
        company = {"company": None, "company_key": None, "domain": None}
        await connection.execute(
            update(license_).where(license_.c.id == other).values(merged_into=keep, **people, **company)
        )
    theirs = evaluation.c.license_id.in_([keep, *others]) & evaluation.c.merged_into.is_(None)
    rows = (await connection.execute(select(evaluation).where(theirs).order_by(evaluation.c.id))).all()
    for group in group_by_trial(rows, trial_from):
        winner = max(group, key=_weight)
        for loser in group:
            if loser is not winner:
                await _join(connection, winner, loser, at=at)
        values = {**trial_values(trial_from(group[-1])), "license_id": keep, **_shared(winner, group)}
        await connection.execute(update(evaluation).where(evaluation.c.id == winner.id).values(values))


def _weight(row: Row[Any]) -> tuple[bool, bool, int]:
    """Weigh an evaluation: people know one with a card, then one that will get a card, then the older one."""
    return (row.card_ts is not None, row.channel is not None, -row.id)


def _shared(winner: Row[Any], group: Sequence[Row[Any]]) -> dict[str, Any]:
    """Return what the winner takes from the others: what the team did that it lacks, and the earliest discovery."""
    taken: dict[str, Any] = {}
    for first, *rest in _BY_THE_TEAM:
        source = next((row for row in (winner, *group) if getattr(row, first) is not None), winner)
        taken |= {name: getattr(source, name) for name in (first, *rest)}
    return {**taken, "first_seen": min(row.first_seen for row in group)}


async def _join(connection: AsyncConnection, winner: Row[Any], loser: Row[Any], *, at: datetime) -> None:
    await connection.execute(update(evaluation).where(evaluation.c.id == loser.id).values(merged_into=winner.id))
    await connection.execute(update(history).where(history.c.evaluation_id == loser.id).values(evaluation_id=winner.id))
    taken = select(mail.c.template).where(mail.c.evaluation_id == winner.id, mail.c.state.in_(_LIVE))
    movable = or_(mail.c.state.not_in(_LIVE), mail.c.template.not_in(taken.scalar_subquery()))
    await connection.execute(
        update(mail).where(mail.c.evaluation_id == loser.id, movable).values(evaluation_id=winner.id)
    )
    await _move_words_and_snoozes(connection, winner, loser)
    await _move_reminders(connection, winner, loser)
    await _move_deliveries(connection, winner, loser)
    await append_history(connection, winner.id, [Entry(at=at, fact=Merged())])
    await enqueue_card_update(connection, [loser.id], at=at)


async def _move_words_and_snoozes(connection: AsyncConnection, winner: Row[Any], loser: Row[Any]) -> None:
    """Move notes, replies, feedback and snoozes to the winner. Of two snoozes of one person, the winner's stays."""
    for table in (note, reply, feedback):
        await connection.execute(update(table).where(table.c.evaluation_id == loser.id).values(evaluation_id=winner.id))
    theirs = snooze.c.evaluation_id == loser.id
    has_one = select(snooze.c.user_id).where(snooze.c.evaluation_id == winner.id).scalar_subquery()
    await connection.execute(
        update(snooze).where(theirs, snooze.c.user_id.not_in(has_one)).values(evaluation_id=winner.id)
    )
    await connection.execute(delete(snooze).where(theirs))


async def _move_reminders(connection: AsyncConnection, winner: Row[Any], loser: Row[Any]) -> None:
    """Move them to the winner, so that nobody gets a step twice. Of two for one step and owner, the winner's stays."""
    given = reminder.alias("given")
    has_one = exists().where(
        given.c.evaluation_id == winner.id, given.c.step == reminder.c.step, given.c.owner == reminder.c.owner
    )
    theirs = reminder.c.evaluation_id == loser.id
    await connection.execute(update(reminder).where(theirs, ~has_one).values(evaluation_id=winner.id))
    await connection.execute(delete(reminder).where(theirs))


async def _move_deliveries(connection: AsyncConnection, winner: Row[Any], loser: Row[Any]) -> None:
    """Move waiting notes to the winner's card. The loser's own card is not posted unless its post has begun."""
    theirs = (delivery.c.evaluation_id == loser.id) & GOES_TO_CARD
    waiting = theirs & (delivery.c.state == DeliveryState.DUE)
    await connection.execute(
        update(delivery)
        .where(waiting, delivery.c.kind == DeliveryKind.NOTE)
        .values(evaluation_id=winner.id, channel=winner.channel)
    )
    started_trials = select(delivery.c.id).where(
        theirs, delivery.c.kind == DeliveryKind.CARD, delivery.c.state.in_(BEGUN)
    )
    if loser.card_ts is None and (await connection.execute(started_trials)).first() is None:
        await supersede(connection, waiting)
        await connection.execute(update(evaluation).where(evaluation.c.id == loser.id).values(channel=None))
