"""Write one change of a trial to its evaluation, with what follows from it."""

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.changes import Change, Confirmed, Converted, Corrected, Ended, Refreshed, Started
from bot.domain.license_update import LicenseUpdate
from bot.domain.reported_entries import entry_of
from bot.store.licenses.bulk_update import IS_TRIAL
from bot.store.mapping import insert_new, report_values, trial_values
from bot.store.outbox.enqueue import append_history, enqueue_card_update
from bot.store.schema import evaluation
from bot.store.snoozes import end_snoozes

_EVALUATION: Final = select(evaluation.c.id).where(*IS_TRIAL)
_UPDATE_EVALUATION: Final = update(evaluation).where(evaluation.c.id == bindparam("known_id"))
_ANNOUNCE: Final = _UPDATE_EVALUATION.where(evaluation.c.channel.is_(None))
"""A card stays in its channel, whatever channel is set today."""


async def apply_change(
    connection: AsyncConnection,
    license_id: int,
    change: Change,
    license_update: LicenseUpdate,
    *,
    channel: str,
    at: datetime,
) -> bool:
    """Apply a change to its evaluation and enqueue what follows. False if there is no such evaluation."""
    evaluation_id = await _evaluation(connection, license_id, change, license_update, channel=channel, at=at)
    if evaluation_id is None:
        return False
    entry = entry_of(change, license_update.seen, at=at)
    if isinstance(change, Converted | Ended):
        await end_snoozes(connection, evaluation_id)
    if entry is not None:
        await append_history(connection, evaluation_id, [entry])
    elif not isinstance(change, Confirmed):
        await enqueue_card_update(connection, [evaluation_id], at=at)
    return True


async def _evaluation(
    connection: AsyncConnection,
    license_id: int,
    change: Change,
    license_update: LicenseUpdate,
    *,
    channel: str,
    at: datetime,
) -> int | None:
    """Return the id of the evaluation that a change is about, created or updated. None if there is none."""
    values = trial_values(change.trial)
    is_announced = change in license_update.announced
    if isinstance(change, Started):
        row = {
            **values,
            **report_values(license_update.seen),
            "license_id": license_id,
            "first_seen": at,
            "channel": channel if is_announced else None,
        }
        return await insert_new(connection, evaluation, row)
    was = change.was if isinstance(change, Corrected) else change.trial
    of_trial = {"known_license_id": license_id, "known_started": was.started, "known_upgrade_to": was.upgrade_to or ""}
    found: int | None = await connection.scalar(_EVALUATION, of_trial)
    if found is not None and not isinstance(change, Refreshed):
        await connection.execute(_UPDATE_EVALUATION, {"known_id": found, **values})
        if is_announced:
            await connection.execute(_ANNOUNCE, {"known_id": found, "channel": channel})
    return found
