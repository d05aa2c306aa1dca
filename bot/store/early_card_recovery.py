"""Finds the evaluation of an early card that a database restored from a backup does not know, or makes it again."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.app_signal import EarlyInstall, SignalOutcome
from bot.security.keyring import Keyring
from bot.store.early_cards import open_early_card
from bot.store.mapping import insert_new, live_evaluation
from bot.store.signal_lookup import early_card_at, started_trial
from bot.store.signal_tables import app_signal, signal_values


async def restore_early_card(
    connection: AsyncConnection, keyring: Keyring, install: EarlyInstall, *, channel: str, at: datetime
) -> Row[Any] | None:
    """Return the evaluation that an early card in this channel stands for: the one at its place that is on record, or
    a new one, whose license may follow.

    The signal is recorded again, so that a repetition of it is recognized.
    """
    signal = install.signal
    await insert_new(connection, app_signal, {**signal_values(signal), "received_at": at})
    known = (await connection.execute(select(app_signal).where(app_signal.c.key == signal.key))).one()
    this = update(app_signal).where(app_signal.c.id == known.id)
    if known.evaluation_id is not None:
        return await live_evaluation(connection, known.evaluation_id)
    early = await early_card_at(connection, signal)
    if early is not None:
        await connection.execute(this.values(outcome=SignalOutcome.REPEATED, evaluation_id=early))
        return await live_evaluation(connection, early)
    trial = await started_trial(connection, signal)
    if trial is not None:
        found = {"outcome": SignalOutcome.MATCHED, "evaluation_id": trial.id, "license_at": trial.first_seen}
        await connection.execute(this.values(found))
        return trial
    made = await open_early_card(connection, keyring, signal, channel=channel, at=at)
    await connection.execute(this.values(outcome=SignalOutcome.EARLY, evaluation_id=made, early_end=install.end))
    return await live_evaluation(connection, made)
