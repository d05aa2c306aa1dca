"""One request to a receiver: signed, within limits, never to a private address unless that is allowed."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from bot.domain.webhook_events import Outcome, WebhookResponse
from bot.security.webhook_signature import signing_key
from bot.webhooks.client import WebhookClient, open_webhook_client
from bot.webhooks.resolver import leads_to_private
from tests.machine import limit
from tests.webhooks.sink import HANG, Sink, answer

OLD, NEW = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD3MaHNbA5H2U="
BODY = '{"type":"ping","data":{"company":"Müller"}}'.encode()


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    found = Sink()
    async with found.serve():
        yield found


@asynccontextmanager
async def client(
    secrets: Sequence[str] = (NEW,), *, private: bool = True, patience: float | None = None, proxy: str | None = None
) -> AsyncIterator[WebhookClient]:
    async with open_webhook_client(
        [signing_key(secret) for secret in secrets],
        is_private_allowed=private,
        proxy_for=lambda _: proxy,
        trust=None,
        timeout=patience or limit(5),
    ) as found:
        yield found


async def post(to: str, secrets: Sequence[str] = (NEW,), *, private: bool = True) -> WebhookResponse:
    async with client(secrets, private=private) as found:
        return await found.post(to, BODY, message_id="msg_7", at=datetime.now(UTC))


async def test_another_library_verifies_the_signature(sink: Sink) -> None:
    assert (await post(sink.url)).outcome is Outcome.DELIVERED
    [request] = sink.requests
    Webhook(NEW).verify(request.body, request.headers)
    assert request.headers["content-type"] == "application/json"
    for changed in (request.body + b" ", request.body.replace(b"ping", b"pong")):
        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(changed, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(request.body, request.headers)


async def test_while_a_secret_is_replaced_both_verify(sink: Sink) -> None:
    await post(sink.url, [NEW, OLD])
    for secret in (NEW, OLD):
        Webhook(secret).verify(sink.requests[0].body, sink.requests[0].headers)


@pytest.mark.parametrize(
    ("reply", "outcome", "says"),
    [
        pytest.param(answer(204), Outcome.DELIVERED, "", id="no content"),
        pytest.param(answer(200, body=b"x" * 1_000_000), Outcome.DELIVERED, "", id="a long answer"),
        pytest.param(answer(500), Outcome.FAILED, "It answered 500.", id="500"),
        pytest.param(answer(400), Outcome.REJECTED, "It answered 400.", id="400"),
        pytest.param(answer(408), Outcome.FAILED, "It answered 408.", id="408"),
        pytest.param(answer(410), Outcome.GONE, "It answered 410.", id="410"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nha", Outcome.FAILED, "too early", id="closes"),
        pytest.param(b" ", Outcome.FAILED, "cannot be reached", id="no HTTP"),
    ],
)
async def test_only_a_complete_2xx_counts_as_taken(sink: Sink, reply: bytes, outcome: Outcome, says: str) -> None:
    sink.answers.append(reply)
    found = await post(sink.url)
    assert found.outcome is outcome
    assert says in found.error
    assert bool(found.error) is (outcome is not Outcome.DELIVERED)
    assert "very-private" not in found.error


async def test_a_redirect_is_not_followed(sink: Sink) -> None:
    sink.answers.append(answer(302, f"Location: http://127.0.0.1:{sink.port}/inside"))
    found = await post(sink.url)
    assert found.outcome is Outcome.FAILED
    assert "redirects are not followed" in found.error
    assert len(sink.requests) == 1


@pytest.mark.parametrize(
    ("line", "wait"),
    [
        ("Retry-After: 90", timedelta(seconds=90)),
        ("Retry-After: soon", timedelta(0)),
        ("Retry-After: Mon, 30 Nov 2009 12:00:00 GMT", timedelta(0)),
        ("X: y", timedelta(0)),
    ],
)
async def test_a_receiver_may_say_how_long_to_wait(sink: Sink, line: str, wait: timedelta) -> None:
    sink.answers.append(answer(429, line))
    found = await post(sink.url)
    assert (found.outcome, found.retry_after) == (Outcome.FAILED, wait)


async def test_a_receiver_that_hangs_holds_nobody(sink: Sink) -> None:
    sink.answers.append(HANG)
    async with client(patience=0.05) as found:
        response = await found.post(sink.url, BODY, message_id="msg_7", at=datetime.now(UTC))
    assert response.error == "It did not answer in time."


async def test_nothing_goes_to_a_private_address(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in (sink.url, f"https://127.0.0.1:{sink.port}/", "https://[::ffff:10.0.0.1]/", "https://localhost/"):
        assert "not a public address" in (await post(url, private=False)).error

    def inside(*args: object, **kwargs: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", sink.port))]

    monkeypatch.setattr("socket.getaddrinfo", inside)  # what a name in somebody else's DNS may say
    assert "leads to a private address" in (await post("https://rebound.example:8443/", private=False)).error
    assert await leads_to_private("rebound.example")
    async with client(private=False, proxy=sink.url) as found:
        sent = await found.post("https://rebound.example/", BODY, message_id="msg_7", at=datetime.now(UTC))
        assert "leads to a private address" in sent.error
        assert "leads to a private address" in await found.try_connection("https://rebound.example/")
    assert sink.requests == []
    assert sink.requests == []


async def test_a_name_that_nobody_knows_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    assert (await post("https://crm.example/", private=False)).error == "Its name is not known in the DNS."
    assert not await leads_to_private("crm.example")
    async with client(private=False) as found:
        assert await found.try_connection("https://crm.example/") == "Its name is not known in the DNS."


async def test_a_check_connects_and_sends_nothing(sink: Sink) -> None:
    async with client() as found:
        assert await found.try_connection(sink.url) == ""
        assert "too early" in await found.try_connection(sink.url.replace("http:", "https:"))
    assert sink.requests == []
    async with client(private=False) as found:
        assert "not a public address" in await found.try_connection(sink.url)
