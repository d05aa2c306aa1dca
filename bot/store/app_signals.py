"""Signals of apps: write them down, and find out what each one means."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, bindparam, delete, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import interruptible, shielded
from bot.domain.app_signal import (
    AppSignal,
    AtPlace,
    EarlyCardPolicy,
    EarlyEnd,
    SignalKind,
    SignalOutcome,
    outcome_of,
)
from bot.domain.history import AppSignalled, Entry
from bot.domain.mail import Overtaken
from bot.errors import StoreError, StoreUnavailable
from bot.security.keyring import Keyring
from bot.store.early_cards import open_early_card
from bot.store.engine.database import Database
from bot.store.mail.repository import count_stopped, stop_queued
from bot.store.outbox.enqueue import append_history, enqueue_card_update
from bot.store.schema import evaluation
from bot.store.signal_lookup import INSTALLED, WAITS_EARLY, look_at_place
from bot.store.signal_tables import app_signal, signal_from, signal_values

_MAX_AT_ONCE: Final = 20
"""Signals that one transaction handles: a press must not wait for more."""
_KNOWN: Final = select(app_signal.c.key).where(app_signal.c.key.in_(bindparam("keys", expanding=True)))
_KEPT: Final = timedelta(days=90)


@dataclass(slots=True, eq=False)
class _Waiting:
    """Signals to be written down, and what became of that."""

    signals: Sequence[AppSignal]
    at: datetime
    are_new: list[bool] = field(default_factory=list)
    error: StoreError | None = None


@shielded
class AppSignals:
    """Signals, each handled once."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._waiting: list[_Waiting] = []
        self._adding = asyncio.Lock()

    async def add(self, signals: Sequence[AppSignal], *, at: datetime) -> list[bool]:
        """Write signals down. Return whether each one is new.

        All that wait when a transaction begins share it: none waits for more than one other writer.
        """
        these = _Waiting(signals, at)
        self._waiting.append(these)
        async with AsyncExitStack() as stack:
            with interruptible():
                await stack.enter_async_context(self._adding)
            if these in self._waiting:
                await self._write()
        if these.error is not None:
            raise these.error
        return these.are_new

    async def _write(self) -> None:
        taken = list[_Waiting]()
        try:
            async with self._database.write() as connection:
                taken, self._waiting = self._waiting, []
                new = await _insert(connection, taken)
        except BaseException as exc:
            # Otherwise each would wait for the same lock again, one after the other.
            for each in taken or self._waiting:
                each.error = exc if isinstance(exc, StoreError) else StoreUnavailable("The signal was not written.")
            self._waiting = [each for each in self._waiting if each.error is None]
            if not isinstance(exc, StoreError):
                raise
            return
        for each in taken:
            for one in each.signals:
                each.are_new.append(one.key in new)
                new.discard(one.key)

    async def changed(self, since: int, *, seconds: float) -> None:
        """Wait for a commit after `Database.writes` was `since` that adds signals, but no longer than this."""
        with interruptible():
            await self._database.written(since, seconds=seconds, to=(app_signal,))

    async def handle(self, policy: EarlyCardPolicy, *, at: datetime) -> int:
        """Handle some of the signals that wait, oldest first, and no further one if another task waits to write.

        Return how many.
        """
        to_do = select(app_signal).where(app_signal.c.outcome.is_(None)).order_by(app_signal.c.id).limit(_MAX_AT_ONCE)
        async with self._database.read() as connection:
            if (await connection.execute(to_do.limit(1))).first() is None:
                return 0
        async with self._database.write() as connection:
            handled = stopped = 0
            for row in (await connection.execute(to_do)).all():
                stopped += await self._handle(connection, row, policy, at=at)
                handled += 1
                if await self._database.is_awaited(connection):
                    break
        count_stopped(self._database.meter, Overtaken.LEFT, stopped)
        return handled

    async def expire(self, *, before: datetime, at: datetime) -> int:
        """Update the early cards of installations before then: no license followed. Return how many."""
        over = select(app_signal.c.id, app_signal.c.evaluation_id).where(
            WAITS_EARLY, app_signal.c.early_end.is_(None), app_signal.c.at < before
        )
        is_old = (app_signal.c.received_at < at - _KEPT) & app_signal.c.outcome.is_not(None)
        async with self._database.read() as connection:
            # A write transaction would wake every job that waits for one.
            if not await connection.scalar(select(or_(exists().where(is_old), over.exists()))):
                return 0
        async with self._database.write() as connection:
            await connection.execute(delete(app_signal).where(is_old))
            rows = (await connection.execute(over)).all()
            these = app_signal.c.id.in_([row.id for row in rows])
            await connection.execute(update(app_signal).where(these).values(early_end=EarlyEnd.NO_LICENSE))
            await enqueue_card_update(connection, [row.evaluation_id for row in rows], at=at)
            return len(rows)

    async def delays(self, *, since: datetime) -> list[tuple[str, timedelta]]:
        """Return the app and how long the report took to bring the license, for each installation since then."""
        lag = select(app_signal.c.app_key, app_signal.c.at, app_signal.c.license_at).where(
            INSTALLED, app_signal.c.license_at > app_signal.c.at, app_signal.c.received_at >= since
        )
        async with self._database.read() as connection:
            return [(row.app_key, row.license_at - row.at) for row in await connection.execute(lag)]

    async def _handle(
        self, connection: AsyncConnection, row: Row[Any], policy: EarlyCardPolicy, *, at: datetime
    ) -> int:
        """Handle a signal. Return how many emails are stopped because of it."""
        signal, stopped = signal_from(row), 0
        found = await look_at_place(connection, row.id, signal, policy)
        outcome = outcome_of(signal, found, policy.mode, now=at)
        values: dict[str, object] = {"outcome": outcome}
        match outcome:
            case SignalOutcome.EARLY:
                values["evaluation_id"] = await open_early_card(
                    connection, self._keyring, signal, channel=policy.channel, at=at
                )
            case SignalOutcome.MATCHED:
                values |= {"evaluation_id": found.announced, "license_at": await _first_seen(connection, found)}
            case SignalOutcome.LINE if found.latest is not None:
                values["evaluation_id"] = found.latest
                fact = AppSignalled(what=signal.kind, signalled_at=signal.at)
                await append_history(connection, found.latest, [Entry(at=at, fact=fact)])
                if signal.kind in {SignalKind.UNINSTALLED, SignalKind.DISABLED}:
                    stopped = await stop_queued(connection, found.latest, Overtaken.LEFT, at=at)
            case SignalOutcome.REPEATED if found.early is not None:
                values["evaluation_id"] = found.early
                await _update_early_card(connection, found.early, signal.kind, at=at)
            case _:
                pass
        await connection.execute(update(app_signal).where(app_signal.c.id == row.id).values(values))
        return stopped


async def _insert(connection: AsyncConnection, waiting: Sequence[_Waiting]) -> set[str]:
    """Insert signals. Return the keys of those that are new."""
    rows = {one.key: {**signal_values(one), "received_at": each.at} for each in waiting for one in each.signals}
    known = set(await connection.scalars(_KNOWN, {"keys": list(rows)}))
    new = [row for key, row in rows.items() if key not in known]
    if new:
        await connection.execute(insert(app_signal), new)
    return {row["key"] for row in new}


async def _update_early_card(connection: AsyncConnection, early: int, kind: SignalKind, *, at: datetime) -> None:
    """Update an early card: the app was removed, or is installed again."""
    ends = {SignalKind.UNINSTALLED: EarlyEnd.UNINSTALLED, SignalKind.INSTALLED: None}
    if kind in ends:
        its = (app_signal.c.evaluation_id == early) & WAITS_EARLY
        await connection.execute(update(app_signal).where(its).values(early_end=ends[kind]))
        await enqueue_card_update(connection, [early], at=at)


async def _first_seen(connection: AsyncConnection, found: AtPlace) -> datetime | None:
    at: datetime | None = await connection.scalar(
        select(evaluation.c.first_seen).where(evaluation.c.id == found.announced)
    )
    return at
