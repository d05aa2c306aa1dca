"""What is known of the app at the place of a signal."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.announcement import is_own_site
from bot.domain.app_signal import (
    FIRST_START,
    NO_LICENSE_YET,
    REPEATED_WITHIN,
    AppSignal,
    AtPlace,
    EarlyCardPolicy,
    EarlyCards,
    SignalKind,
    SignalOutcome,
    may_start,
)
from bot.domain.evaluation import State
from bot.store.columns import without_index
from bot.store.licenses.places import licenses_at
from bot.store.schema import evaluation, license_
from bot.store.signal_tables import app_signal

INSTALLED: Final = app_signal.c.kind == SignalKind.INSTALLED
WAITS_EARLY: Final = (app_signal.c.outcome == SignalOutcome.EARLY) & app_signal.c.license_at.is_(None)
"""The signals whose early cards wait for a license."""


async def look_at_place(
    connection: AsyncConnection, number: int, signal: AppSignal, policy: EarlyCardPolicy
) -> AtPlace:
    """Return what is known at the place of a signal."""
    licenses = await licenses_at(connection, signal)
    trials = await _trials_of(connection, licenses)
    announced = next((each.id for each in trials if may_start(each.started, signal.at)), None)
    counted = select(app_signal.c.id).where(INSTALLED, app_signal.c.evaluation_id == announced)
    known = exists().where(license_.c.app_key == signal.app_key, license_.c.status != NO_LICENSE_YET)
    return AtPlace(
        is_repeated=await _is_repeated(connection, number, signal),
        early=await early_card_at(connection, signal),
        announced=announced,
        was_installed=announced is not None and (await connection.execute(counted)).first() is not None,
        latest=next((each.id for each in trials if each.channel is not None), None),
        is_live=any(each.state == State.RUNNING for each in trials)
        or any(each.status == "active" and not each.license_type.endswith("EVALUATION") for each in licenses),
        is_own_site=signal.site is not None and is_own_site(signal.site, policy.own_sites),
        # Beside many early cards, it takes long to find out that the report names no license.
        is_known_app=policy.mode is EarlyCards.KNOWN and bool(await connection.scalar(select(known))),
    )


async def started_trial(connection: AsyncConnection, signal: AppSignal) -> Row[Any] | None:
    """Return the trial in the report that an installation may be the start of, or None."""
    trials = await _trials_of(connection, await licenses_at(connection, signal))
    return next((each for each in trials if may_start(each.started, signal.at)), None)


async def _trials_of(connection: AsyncConnection, licenses: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    theirs = evaluation.c.license_id.in_([each.id for each in licenses]) & evaluation.c.merged_into.is_(None)
    return (await connection.execute(select(evaluation).where(theirs).order_by(evaluation.c.started.desc()))).all()


def _is_here(signal: AppSignal) -> ColumnElement[bool]:
    is_app = without_index(app_signal.c.app_key) == signal.app_key
    same = [(app_signal.c.app_key == signal.app_key) & (app_signal.c.place == signal.place)]
    same += [is_app & (app_signal.c.cloud_id == signal.cloud_id)] if signal.cloud_id else []
    same += [is_app & (app_signal.c.site == signal.site)] if signal.site else []
    return or_(*same)


async def _is_repeated(connection: AsyncConnection, number: int, signal: AppSignal) -> bool:
    """Return whether the latest signal before this one said the same, within minutes."""
    near = app_signal.c.at.between(signal.at - REPEATED_WITHIN, signal.at + REPEATED_WITHIN)
    before = select(app_signal.c.kind).where(_is_here(signal), app_signal.c.id < number, near)
    last = await connection.scalar(before.order_by(app_signal.c.id.desc()).limit(1))
    return last == signal.kind


async def early_card_at(connection: AsyncConnection, signal: AppSignal) -> int | None:
    """Return the evaluation whose early card waits for the license of this app at this place."""
    waits = select(app_signal.c.evaluation_id).where(
        _is_here(signal), WAITS_EARLY, app_signal.c.at >= signal.at - FIRST_START
    )
    found: int | None = await connection.scalar(waits.order_by(app_signal.c.id.desc()).limit(1))
    return found
