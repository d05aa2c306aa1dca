"""Signals are written down together, and nobody waits long for the work on them."""

import asyncio
from datetime import datetime
from unittest.mock import AsyncMock

import pytest

from bot.domain.app_signal import AppSignal, EarlyCardPolicy, EarlyCards, SignalKind
from bot.errors import StoreError
from bot.services.inbound.app_signals import SignalIntake
from bot.store import Store
from bot.store.engine.database import Database
from bot.store.signal_tables import app_signal
from tests.builders import NOON
from tests.store.steps import CHANNEL, rows


def signals(count: int) -> list[AppSignal]:
    return [
        AppSignal(key=str(n), app_key="com.example.app", kind=SignalKind.INSTALLED, at=NOON, cloud_id=f"cloud-{n}")
        for n in range(count)
    ]


def clock() -> datetime:
    return NOON


async def test_signals_that_arrive_while_somebody_writes_share_the_next_transaction(store: Store) -> None:
    intake, before = SignalIntake(store, clock=clock), store.database.writes
    async with store.database.write():
        adding = [asyncio.create_task(intake.add(each)) for each in [*signals(200), *signals(1)]]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert await asyncio.gather(*adding) == [True] * 200 + [False]
    assert store.database.writes - before == 2
    assert len(await rows(store, app_signal)) == 200


async def test_no_signal_is_acknowledged_that_could_not_be_written(store: Store) -> None:
    intake = SignalIntake(store, clock=clock)
    async with store.database.write() as connection:
        await connection.run_sync(app_signal.drop)
    found = await asyncio.gather(*map(intake.add, signals(5)), return_exceptions=True)
    assert [type(each) for each in found] == [StoreError] * 5


async def test_who_waits_to_write_waits_for_the_work_on_one_signal_only(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = EarlyCardPolicy(mode=EarlyCards.ALL, channel=CHANNEL)
    await store.app_signals.add(signals(5), at=NOON)
    with monkeypatch.context() as patch:
        patch.setattr(Database, "is_awaited", AsyncMock(return_value=True))
        assert await store.app_signals.handle(policy, at=NOON) == 1
    assert await store.app_signals.handle(policy, at=NOON) == 4
