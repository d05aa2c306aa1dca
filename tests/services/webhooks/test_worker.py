"""The worker of an address, a real store, and a receiver over loopback that answers as it likes."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.webhook_address import WebhookAddress, read_addresses
from bot.domain.webhook_event_types import EventType
from bot.domain.webhook_events import WebhookStatus
from bot.errors import StoreUnavailable
from bot.metrics.meter import Meter, build_meter
from bot.security.webhook_signature import signing_key
from bot.services.operations.alerts import AdminAlerts
from bot.services.webhooks.worker import Naming, WebhookWorker, paused
from bot.store import IDLE_S, Store, open_store
from bot.webhooks.client import WebhookClient, open_webhook_client
from tests.builders import OPEN, contact, license_
from tests.machine import limit
from tests.store.steps import SECRET, bring, report
from tests.webhooks.sink import HANG, Sink, answer
from tests.webhooks.test_client import NEW
from tests.world import Clock

BROKEN = answer(500)


@dataclass(kw_only=True)
class Desk:
    """A store with an address, and what delivers to it."""

    store: Store
    client: WebhookClient
    sink: Sink
    clock: Clock = field(default_factory=Clock)
    meter: Meter = field(default_factory=lambda: build_meter(on=True))

    @property
    def address(self) -> WebhookAddress:
        """Where events go."""
        return read_addresses([self.sink.url], EventType)[0]

    def worker(
        self, address: WebhookAddress | None = None, *, learn: Callable[[], Awaitable[bool]] | None = None
    ) -> WebhookWorker:
        """A worker that starts again."""
        alerts = AdminAlerts(self.store, admins=["U0ADMIN"], channel=None, clock=self.clock)
        found = WebhookWorker(
            self.store,
            self.client,
            address or self.address,
            naming=Naming(rules=OPEN, contacts=False, learn_owners=learn),
            alerts=alerts,
            clock=self.clock,
        )
        found.chance = lambda: 0.5
        found.meter = self.meter
        return found

    @property
    def metrics(self) -> str:
        """What is counted."""
        assert self.meter.registry is not None
        return self.meter.registry.expose("").body.decode()

    async def trials(self, count: int) -> None:
        """So many trials begin."""
        people = (contact(email=f"ana@company{n}.example") for n in range(count))
        seen = (license_(aliases=frozenset({f"E-{n}"}), technical=each) for n, each in enumerate(people))
        await report(self.store, *seen)

    async def status(self) -> WebhookStatus:
        """How the address is doing."""
        [found] = await self.store.webhooks.list_addresses()
        return found

    async def alerted(self) -> list[str]:
        """What the admins are alerted."""
        return [line for line in await bring(self.store, at=self.clock.now) if line.startswith("say")]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    sink = Sink()
    async with (
        sink.serve(),
        open_store(f"sqlite+aiosqlite:///{tmp_path / 'evaluators.db'}", secret_keys=[SECRET]) as store,
        open_webhook_client(
            [signing_key(NEW)], is_private_allowed=True, proxy_for=lambda _: None, trust=None, timeout=limit(5)
        ) as client,
    ):
        found = Desk(store=store, client=client, sink=sink)
        await store.webhooks.register([found.address], forget_others=True)
        yield found


async def test_what_fails_is_sent_again_with_the_same_id(desk: Desk) -> None:
    await desk.trials(1)
    desk.sink.answers.extend([BROKEN, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nha"])
    worker = desk.worker()
    waits = []
    for seconds in (0, 5, 300, 1800):
        desk.clock.now += timedelta(seconds=seconds)
        await worker.deliver()
        waits.append(len(desk.sink.requests))
    assert waits == [1, 2, 3, 3]
    assert len(set(desk.sink.ids)) == 1
    assert (await desk.status()).waiting == 0
    assert await worker.deliver() == IDLE_S


async def test_the_start_of_an_evaluation_waits_for_the_link_to_its_card_but_not_for_long(desk: Desk) -> None:
    await desk.trials(2)

    async def learn() -> bool:
        await desk.store.team_members.record_workspace("https://vendor.slack.com/")
        return True

    worker = desk.worker(learn=learn)
    assert 0 < await worker.deliver() < 1
    await bring(desk.store, at=desk.clock.now)
    await worker.deliver()
    assert [json.loads(each.body)["data"]["card_url"] is not None for each in desk.sink.requests] == [True, True]

    await report(desk.store, license_(aliases=frozenset({"E-9"}), technical=contact(email="zoe@zoo.example")))
    assert 0 < await worker.deliver() < 1
    desk.clock.now += timedelta(seconds=11)
    await worker.deliver()
    assert json.loads(desk.sink.requests[-1].body)["data"]["card_url"] is None


async def test_nothing_is_sent_before_its_time(desk: Desk) -> None:
    await desk.trials(1)
    desk.sink.answers.append(BROKEN)
    worker = desk.worker()
    await worker.deliver()
    desk.clock.now += timedelta(seconds=4)
    assert await worker.deliver() == 1
    assert len(desk.sink.requests) == 1


async def test_a_refusal_is_tried_only_twice_more(desk: Desk) -> None:
    await desk.trials(1)
    desk.sink.answers.extend([answer(400)] * 9)
    for _ in range(5):
        await desk.worker().deliver()
        desk.clock.now += timedelta(hours=1)
    assert len(desk.sink.requests) == 3
    found = await desk.status()
    assert (found.waiting, found.given_up) == (0, 1)
    assert 'evaluator_bot_webhook_total{outcome="given_up"} 1.0' in desk.metrics
    assert 'evaluator_bot_webhook_total{outcome="retried"} 2.0' in desk.metrics


async def test_what_a_receiver_asks_for_holds_up_all_that_goes_there(desk: Desk) -> None:
    await desk.trials(4)
    desk.sink.answers.extend([answer(429, "Retry-After: 600")] * 2)
    worker = desk.worker()
    await worker.deliver()
    desk.clock.now += timedelta(seconds=599)
    await worker.deliver()
    assert len(desk.sink.requests) == 2
    desk.clock.now += timedelta(seconds=2)
    while (await desk.status()).waiting:
        await worker.deliver()
    assert len(set(desk.sink.ids)) == 4


async def test_a_receiver_that_is_gone_is_switched_off(desk: Desk) -> None:
    await desk.trials(3)
    desk.sink.answers.extend([answer(410)] * 2)
    worker = desk.worker()
    await worker.deliver()
    await worker.deliver()
    assert len(desk.sink.requests) <= 2
    found = await desk.status()
    assert (found.off_at, found.waiting) == (desk.clock.now, 0)
    [line] = await desk.alerted()
    assert "127.0.0.1 gets no more webhook events. It answered 410." in line
    assert "very-private" not in line


async def test_the_admins_hear_of_a_receiver_that_fails_and_of_its_end(desk: Desk) -> None:
    await desk.trials(1)
    desk.sink.answers.extend([BROKEN] * 12)
    alerted = list[str]()
    for _ in range(12):
        await desk.worker().deliver()
        desk.clock.now += timedelta(hours=29)
        alerted += await desk.alerted()
    assert len(alerted) == 2
    assert "has taken no webhook events for an hour. It answered 500." in alerted[0]
    assert "gets no more webhook events" in alerted[1]
    assert len(desk.sink.requests) == 6


async def test_a_receiver_that_works_again_is_said_once(desk: Desk) -> None:
    await desk.trials(1)
    desk.sink.answers.extend([BROKEN] * 4)
    alerted = list[str]()
    for _ in range(6):
        await desk.worker().deliver()
        desk.clock.now += timedelta(hours=3)
        alerted += await desk.alerted()
    assert ["takes webhook events again" in line for line in alerted] == [False, True]


async def test_a_slow_receiver_holds_up_only_itself(desk: Desk) -> None:
    other = Sink()
    async with other.serve():
        [slow, quick] = read_addresses([desk.sink.url, other.url], EventType)
        await desk.store.webhooks.register([slow, quick], forget_others=True)
        await desk.trials(5)
        desk.sink.answers.extend([HANG] * 9)
        runs = [asyncio.create_task(desk.worker(each).run()) for each in (slow, quick)]
        async with asyncio.timeout(limit(20)):
            while len(other.requests) < 5:
                other.came.clear()
                await other.came.wait()
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)
    assert desk.sink.most_at_once <= 2
    assert len(desk.sink.requests) <= 2
    assert other.most_at_once <= 2


async def test_what_ends_between_delivery_and_settling_repeats_the_same_id(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.trials(1)

    async def killed(*args: object, **kwargs: object) -> bool:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(desk.store.webhooks, "delivered", killed)
        with pytest.raises(StoreUnavailable):
            await desk.worker().deliver()
    await desk.worker().deliver()
    [first, second] = desk.sink.ids
    assert first == second
    assert (await desk.status()).waiting == 0


async def test_a_stop_waits_for_a_request_but_not_long(desk: Desk) -> None:
    await desk.trials(1)
    desk.sink.answers.append(HANG)
    worker = desk.worker()
    run = asyncio.create_task(worker.run())
    await desk.sink.came.wait()
    async with asyncio.timeout(limit(5)), paused([worker]):
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
    assert (await desk.status()).waiting == 1
    async with paused([worker]):
        assert worker.at_work.locked()
    assert not worker.at_work.locked()
