"""`evaluator-bot webhook`, and the running bot that delivers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from bot.app.components import open_components
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.domain.webhook_address import read_addresses
from bot.domain.webhook_event_types import EventType
from tests.cli.conftest import Run, RunBeside
from tests.machine import limit
from tests.webhooks.sink import Sink, answer
from tests.webhooks.test_client import NEW
from tests.world import NOON, TODAY, World


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    found = Sink()
    async with found.serve():
        yield found


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:9000/very-private", "127.0.0.1 is not a public address"),
        ("http://crm.example/very-private", "crm.example should begin with https://"),
        ("https://me:pw@crm.example/very-private", "crm.example has a user name"),
    ],
)
def test_an_address_that_may_not_be_called_is_refused_and_named(run: Run, url: str, says: str) -> None:
    for command in (("run",), ("webhook", "ping")):
        done = run(*command, env={"WEBHOOK_URLS": url, "WEBHOOK_SECRET": NEW})
        assert (done.code, says in done.err) == (2, True)
        assert "very-private" not in done.err


def test_a_name_that_leads_to_a_private_address_is_refused_and_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.1.2.3", 443))])
    done = run("run", env={"WEBHOOK_URLS": "https://crm.example/very-private", "WEBHOOK_SECRET": NEW})
    assert (done.code, "crm.example leads to a private address" in done.err) == (2, True)


def test_webhooks_need_a_secret_and_an_address(run: Run) -> None:
    done = run("webhook", "ping", env={"WEBHOOK_URLS": "https://crm.example/"})
    assert (done.code, "WEBHOOK_SECRET is missing" in done.err) == (2, True)
    assert run("webhook", "ping").code == run("webhook", "resend", "--since", "2026-11-01").code == 1
    assert run("webhook", "list").err.startswith("No address.")


async def test_events_arrive_signed_and_are_sent_again(here: World, beside: RunBeside, sink: Sink) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    given = {"webhook_urls": sink.url, "webhook_secret": NEW, "webhook_private": True}
    async with here.bot(**given):
        card = await here.card(NORTHWIND.company)
        await here.workspace.press("U0ANA", card, "evaluation.claim")
        async with asyncio.timeout(limit(20)):
            while len(sink.requests) < 2:
                sink.came.clear()
                await sink.came.wait()
            for request in sink.requests:
                at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
                signed = Webhook(NEW).sign(request.headers["webhook-id"], at, request.body.decode())
                assert request.headers["webhook-signature"] == signed
            assert sink.types == ["evaluation.started", "evaluation.owner_changed"]
            assert {each.json["data"]["evaluation_id"] for each in sink.requests} == {1}
            done = await beside("webhook", "resend", "--since", f"{TODAY}", **given)
            assert (done.code, done.err) == (0, "2 deliveries queued. The running bot makes them.\n")
            while len(sink.requests) < 4:
                sink.came.clear()
                await sink.came.wait()
        assert len(set(sink.ids)) == 2
    assert (await beside("webhook", "list", **given)).out.startswith("127.0.0.1: on, 0 waiting, 0 given up")


async def test_a_ping_says_what_came_of_it_and_switches_an_address_on(
    here: World, beside: RunBeside, sink: Sink
) -> None:
    given = {"webhook_urls": sink.url, "webhook_secret": NEW, "webhook_private": True}
    [address] = read_addresses([sink.url], EventType)
    async with open_components(here.settings(**given)) as parts:
        await parts.store.webhooks.register([address], forget_others=True)
        await parts.store.webhooks.switch_off(address.key, error="It answered 410.", at=NOON)
    sink.answers.append(answer(503))
    failed = await beside("webhook", "ping", **given)
    assert (failed.code, failed.out) == (1, "✗ 127.0.0.1: It answered 503.\n")
    done = await beside("webhook", "ping", **given)
    assert done.code == 0
    assert "--since 2026-11-23` sends what it missed" in done.out
    assert sink.types == ["ping", "ping"]
    Webhook(NEW).verify(sink.requests[1].body, sink.requests[1].headers)
    assert (await beside("webhook", "list", **given)).out.startswith("127.0.0.1: on")
