"""A task may be cancelled at any moment; the store is whole and usable afterwards."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from bot.domain.outbox import ApiMethod
from bot.store import Store
from bot.store.schema import delivery, evaluation, history, license_, license_alias, mail
from tests.builders import NOON
from tests.builders import license_ as a_license
from tests.examples import drawn, examples
from tests.machine import limit
from tests.store.steps import ask, order, report, rows, take

pytestmark = [pytest.mark.slow, drawn]

ROUNDS = examples(1000, many=3000)

Act = Callable[[Store, int], Awaitable[object]]


async def _report(store: Store, number: int) -> None:
    await report(store, a_license(aliases=frozenset({f"E-{number}", f"id-{number}"}), site=f"s{number}"))


async def _assign(store: Store, number: int) -> None:
    await store.evaluations.assign(1, f"U{number}", instead_of=None, by="U0ANA", at=NOON)


async def _take(store: Store, _number: int) -> None:
    await store.outbox.claim(ApiMethod.POST, now=NOON)


async def _claim(store: Store, number: int) -> None:
    await ask(store, order(1, number, template=f"template {number % 40}"))
    await take(store)


async def _card(store: Store, _number: int) -> None:
    await store.evaluations.card(1)


@pytest.mark.timeout(60)
async def test_tasks_cancelled_at_random_leave_the_store_usable_and_nothing_half_done(
    store: Store,
) -> None:
    dice = random.Random(20261123)  # noqa: S311  a seed, so that a failure comes again
    await report(store, a_license())
    acts: tuple[Act, ...] = (_report, _assign, _take, _claim, _card)
    cancelled = 0
    for number in range(0, ROUNDS, 10):
        tasks = [asyncio.ensure_future(dice.choice(acts)(store, number + n)) for n in range(10)]
        for task in tasks:
            # The driver works in threads, so only real time brings a task to a random place.
            await asyncio.wait(tasks, timeout=dice.uniform(0, 0.004))
            task.cancel()
        await asyncio.wait(tasks)
        cancelled += sum(task.cancelled() for task in tasks)
    assert cancelled > ROUNDS / 10
    async with asyncio.timeout(limit(5)):
        await _report(store, ROUNDS)
    licenses = {row.id for row in await rows(store, license_)}
    aliases = [row.license_id for row in await rows(store, license_alias)]
    evaluations = {row.id: row for row in await rows(store, evaluation)}
    assert {row.license_id for row in evaluations.values()} == licenses == set(aliases)
    assert {row.evaluation_id for row in await rows(store, delivery) if row.kind == "card"} == set(evaluations)
    taken = {row.history_id for row in await rows(store, delivery) if row.kind == "note"}
    reported = {row.id for row in await rows(store, history) if row.kind != "started"}
    assert taken == reported
    assert len({row.message_id for row in await rows(store, mail)}) == len(await rows(store, mail))
