"""Signals of apps: write them down, and find out what each one means."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import interruptible, shielded
from bot.domain.announcement import is_own_site
from bot.domain.app_signal import (
    FIRST_START,
    NO_LICENSE_YET,
    REPEATED_WITHIN,
    AppSignal,
    AtPlace,
    EarlyCardPolicy,
    EarlyEnd,
    SignalKind,
    SignalOutcome,
    may_start,
    outcome_of,
)
from bot.domain.evaluation import State
from bot.domain.history import AppSignalled, Entry
from bot.domain.mail import Overtaken
from bot.security.keyring import Keyring
from bot.store.early_cards import open_early_card
from bot.store.engine.database import Database
from bot.store.licenses.places import licenses_at
from bot.store.mail.repository import stop_queued
from bot.store.outbox.enqueue import append_history, enqueue_card_update
from bot.store.schema import evaluation, license_
from bot.store.signal_tables import app_signal

_MAX_AT_ONCE: Final = 20
"""Signals that one transaction handles: a press must not wait for more."""
_KEPT: Final = timedelta(days=90)
_INSTALLED: Final = app_signal.c.kind == SignalKind.INSTALLED
_WAITS: Final = (app_signal.c.outcome == SignalOutcome.EARLY) & app_signal.c.license_at.is_(None)


@shielded
class AppSignals:
    """Signals, each handled once."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def add(self, signals: Sequence[AppSignal], *, at: datetime) -> list[bool]:
        """Write signals down. Return whether each one is new."""
        rows = [
            {
                **{name: getattr(each, name) for name in ("key", "app_key", "kind", "at", "place", "cloud_id", "site")},
                "aliases": " ".join(each.aliases),
                "received_at": at,
            }
            for each in {each.key: each for each in signals}.values()
        ]
        keys = [row["key"] for row in rows]
        async with self._database.write() as connection:
            known = set(await connection.scalars(select(app_signal.c.key).where(app_signal.c.key.in_(keys))))
            new = [row for row in rows if row["key"] not in known]
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            if new:
                await connection.execute(dialect.insert(app_signal).on_conflict_do_nothing(), new)
        first = {each.key: number for number, each in reversed(list(enumerate(signals)))}
        return [each.key not in known and first[each.key] == number for number, each in enumerate(signals)]

    async def changed(self, since: int, *, seconds: float) -> None:
        """Wait for a commit after `Database.writes` was `since` that adds signals, but no longer than this."""
        with interruptible():
            await self._database.written(since, seconds=seconds, to=(app_signal,))

    async def handle(self, policy: EarlyCardPolicy, *, at: datetime) -> int:
        """Handle some of the signals that wait, oldest first. Return how many."""
        to_do = select(app_signal).where(app_signal.c.outcome.is_(None)).order_by(app_signal.c.id).limit(_MAX_AT_ONCE)
        async with self._database.read() as connection:
            if (await connection.execute(to_do.limit(1))).first() is None:
                return 0
        async with self._database.write() as connection:
            rows = (await connection.execute(to_do)).all()
            for row in rows:
                await self._handle(connection, row, policy, at=at)
            return len(rows)

    async def expire(self, *, before: datetime, at: datetime) -> int:
        """Let the early cards of installations before then say that no license followed. Return how many."""
        over = select(app_signal.c.id, app_signal.c.evaluation_id).where(
            _WAITS, app_signal.c.early_end.is_(None), app_signal.c.at < before
        )
        async with self._database.write() as connection:
            await connection.execute(
                delete(app_signal).where(app_signal.c.received_at < at - _KEPT, app_signal.c.outcome.is_not(None))
            )
            rows = (await connection.execute(over)).all()
            these = app_signal.c.id.in_([row.id for row in rows])
            await connection.execute(update(app_signal).where(these).values(early_end=EarlyEnd.NO_LICENSE))
            await enqueue_card_update(connection, [row.evaluation_id for row in rows], at=at)
            return len(rows)

    async def delays(self, *, since: datetime) -> list[tuple[str, timedelta]]:
        """Return the app and how long the report took to bring the license, for each installation since then."""
        lag = select(app_signal.c.app_key, app_signal.c.at, app_signal.c.license_at).where(
            _INSTALLED, app_signal.c.license_at > app_signal.c.at, app_signal.c.received_at >= since
        )
        async with self._database.read() as connection:
            return [(row.app_key, row.license_at - row.at) for row in await connection.execute(lag)]

    async def _handle(
        self, connection: AsyncConnection, row: Row[Any], policy: EarlyCardPolicy, *, at: datetime
    ) -> None:
        signal = AppSignal(
            key=row.key,
            app_key=row.app_key,
            kind=SignalKind(row.kind),
            at=row.at,
            cloud_id=row.cloud_id,
            site=row.site,
            aliases=tuple(row.aliases.split()),
        )
        found = await _look(connection, row.id, signal, policy)
        outcome = outcome_of(signal, found, policy.mode, now=at)
        values: dict[str, object] = {"outcome": outcome}
        match outcome:
            case SignalOutcome.EARLY:
                values["evaluation_id"] = await open_early_card(
                    connection, self._keyring, signal, number=row.id, channel=policy.channel, at=at
                )
            case SignalOutcome.MATCHED:
                values |= {"evaluation_id": found.announced, "license_at": await _first_seen(connection, found)}
            case SignalOutcome.LINE if found.latest is not None:
                values["evaluation_id"] = found.latest
                fact = AppSignalled(what=signal.kind, signalled_at=signal.at)
                await append_history(connection, found.latest, [Entry(at=at, fact=fact)])
                if signal.kind in {SignalKind.UNINSTALLED, SignalKind.DISABLED}:
                    await stop_queued(connection, found.latest, Overtaken.LEFT, at=at)
            case SignalOutcome.REPEATED if found.early is not None:
                values["evaluation_id"] = found.early
                await _update_early_card(connection, found.early, signal.kind, at=at)
            case _:
                pass
        await connection.execute(update(app_signal).where(app_signal.c.id == row.id).values(values))


async def _look(connection: AsyncConnection, number: int, signal: AppSignal, policy: EarlyCardPolicy) -> AtPlace:
    """Return what is known at the place of a signal."""
    licenses = await licenses_at(connection, signal)
    theirs = evaluation.c.license_id.in_([each.id for each in licenses]) & evaluation.c.merged_into.is_(None)
    trials = (await connection.execute(select(evaluation).where(theirs).order_by(evaluation.c.started.desc()))).all()
    announced = next((each.id for each in trials if may_start(each.started, signal.at)), None)
    counted = select(app_signal.c.id).where(_INSTALLED, app_signal.c.evaluation_id == announced)
    known = exists().where(license_.c.app_key == signal.app_key, license_.c.status != NO_LICENSE_YET)
    return AtPlace(
        is_repeated=await _is_repeated(connection, number, signal),
        early=await _early_card_at(connection, signal),
        announced=announced,
        was_installed=announced is not None and (await connection.execute(counted)).first() is not None,
        latest=next((each.id for each in trials if each.channel is not None), None),
        is_live=any(each.state == State.RUNNING for each in trials)
        or any(each.status == "active" and not each.license_type.endswith("EVALUATION") for each in licenses),
        is_own_site=signal.site is not None and is_own_site(signal.site, policy.own_sites),
        is_known_app=bool(await connection.scalar(select(known))),
    )


def _is_here(signal: AppSignal) -> Any:  # noqa: ANN401  a condition
    same = [app_signal.c.place == signal.place]
    same += [app_signal.c.cloud_id == signal.cloud_id] if signal.cloud_id else []
    same += [app_signal.c.site == signal.site] if signal.site else []
    return (app_signal.c.app_key == signal.app_key) & or_(*same)


async def _is_repeated(connection: AsyncConnection, number: int, signal: AppSignal) -> bool:
    """Return whether the latest signal before this one said the same, within minutes."""
    near = app_signal.c.at.between(signal.at - REPEATED_WITHIN, signal.at + REPEATED_WITHIN)
    before = select(app_signal.c.kind).where(_is_here(signal), app_signal.c.id < number, near)
    last = await connection.scalar(before.order_by(app_signal.c.id.desc()).limit(1))
    return last == signal.kind


async def _early_card_at(connection: AsyncConnection, signal: AppSignal) -> int | None:
    """Return the evaluation whose early card waits for the license of this app at this place."""
    waits = select(app_signal.c.evaluation_id).where(
        _is_here(signal), _WAITS, app_signal.c.at >= signal.at - FIRST_START
    )
    found: int | None = await connection.scalar(waits.order_by(app_signal.c.id.desc()).limit(1))
    return found


async def _update_early_card(connection: AsyncConnection, early: int, kind: SignalKind, *, at: datetime) -> None:
    """Let an early card say that the app was removed, or that it is there again."""
    ends = {SignalKind.UNINSTALLED: EarlyEnd.UNINSTALLED, SignalKind.INSTALLED: None}
    if kind in ends:
        its = (app_signal.c.evaluation_id == early) & _WAITS
        await connection.execute(update(app_signal).where(its).values(early_end=ends[kind]))
        await enqueue_card_update(connection, [early], at=at)


async def _first_seen(connection: AsyncConnection, found: AtPlace) -> datetime | None:
    at: datetime | None = await connection.scalar(
        select(evaluation.c.first_seen).where(evaluation.c.id == found.announced)
    )
    return at
