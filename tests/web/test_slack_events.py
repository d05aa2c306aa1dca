"""The signed way in for what Slack brings over HTTP."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_sdk.signature import SignatureVerifier

from bot.concurrency.heartbeats import Heartbeats
from bot.log.setup import slack_logger
from bot.services.operations.health import Health
from bot.services.operations.probes import Probes
from bot.store import open_store
from bot.web.inbound.unsigned_requests import UnsignedRequests
from bot.web.server import endpoints, listening, serve
from bot.web.slack_events import PATH, SlackEvents
from tests.builders import NOON
from tests.web.conftest import SECRET, Clock, Site

SIGNING_SECRET = "what Slack signs with"
CHALLENGE = '{"type": "url_verification", "challenge": "3eZbrw1aBm2r"}'
PRIVATE = "text=Liv+Eksempel&command=%2Fevaluators"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def here(tmp_path: Path, clock: Clock, logged: Callable[[], str]) -> AsyncIterator[Site]:
    """The endpoint at work, before an app that knows one command."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T0DEMO", bot_token="xoxb-1")

    app = AsyncApp(signing_secret=SIGNING_SECRET, authorize=authorize, logger=slack_logger())

    async def command(args: AsyncArgs) -> None:
        await args.ack("done")

    app.command("/evaluators")(command)
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/web.db", secret_keys=[SECRET]) as store:
        health = Health(store, poll_every=timedelta(minutes=10), clock=lambda: NOON)
        served = endpoints(
            health, Probes(store, Heartbeats()), doors=[SlackEvents(app, secret=SIGNING_SECRET, clock=clock)]
        )
        with listening(host="127.0.0.1", port=0) as sockets:
            async with serve(served, sockets) as port, aiohttp.ClientSession() as session:
                yield Site(port, session)


async def post(here: Site, body: str | bytes, headers: dict[str, str]) -> tuple[int, str]:
    async with here.session.post(here.url(PATH), data=body, headers=headers) as answer:
        return answer.status, await answer.text()


def signed(body: str, at: str, *, secret: str = SIGNING_SECRET) -> dict[str, str]:
    signature = SignatureVerifier(secret).generate_signature(timestamp=at, body=body)
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature or "", "Content-Type": "application/json"}


async def test_what_slack_signed_is_answered(here: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slack_sdk.signature.Clock.now", lambda _: clock.now)
    assert await post(here, CHALLENGE, signed(CHALLENGE, str(int(clock.now)))) == (
        200,
        '{"challenge": "3eZbrw1aBm2r"}',
    )


def wrong(at: int) -> dict[str, dict[str, str]]:
    """Headers that do not sign `CHALLENGE` now."""
    good = signed(CHALLENGE, str(at))
    name, signature = "X-Slack-Request-Timestamp", "X-Slack-Signature"
    return {
        "none": {},
        "no time": {signature: good[signature]},
        "no signature": {name: good[name]},
        "another secret": signed(CHALLENGE, str(at), secret="another"),
        "another body": signed(CHALLENGE + " ", str(at)),
        "a signature in another script": good | {signature: "v0=ü"},
        "a signature in capitals": good | {signature: good[signature].upper()},
        "old": signed(CHALLENGE, str(at - 301)),
        "early": signed(CHALLENGE, str(at + 301)),
        **{
            f"time {time[:8]!r}": signed(CHALLENGE, time)
            for time in ("soon", "", " ", "nan", "inf", "1e9", f"-{at}", f"+{at}", f"{at}.5", "9" * 5000, f"{at}_0")
        },
        "time in digits of another script": signed(CHALLENGE, str(at).replace("1", "١")),
        "time in wide digits": signed(CHALLENGE, str(at).replace("1", "１")),
    }


@pytest.mark.parametrize("kind", sorted(wrong(int(Clock().now))))
async def test_what_is_not_signed_is_401_and_one_short_line(
    here: Site, clock: Clock, logged: Callable[[], str], kind: str
) -> None:
    headers = wrong(int(clock.now))[kind]

    assert await post(here, CHALLENGE, headers) == (401, '{"error": "invalid request"}')

    [line] = logged().splitlines()
    assert "requests_unsigned" in line
    assert len(line) < 200
    assert not [value for value in headers.values() if len(value) > 9 and value in line]
    assert "challenge" not in line


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff\xfe", b"payload=%7B", b"[1]", b"null", PRIVATE.encode()])
async def test_an_unsigned_body_is_not_even_read(here: Site, logged: Callable[[], str], body: bytes) -> None:
    for kind in ("application/json", FORM["Content-Type"], "text/plain; charset=nonsense", "\x01"):
        try:
            status, _ = await post(here, body, {"Content-Type": kind})
        except ValueError:  # no client sends this one
            continue
        assert status == 401
    assert "Traceback" not in logged()
    assert "Eksempel" not in logged()


async def test_a_flood_of_unsigned_requests_leaves_one_line_and_their_number(
    here: Site, logged: Callable[[], str]
) -> None:
    for _ in range(30):
        await post(here, PRIVATE, FORM)

    assert logged().count("\n") == 1


def test_the_log_tells_once_a_minute_how_many_there_were(logged: Callable[[], str], clock: Clock) -> None:
    unsigned = UnsignedRequests(clock=clock)
    for _ in range(5):
        unsigned.add(PATH)
    clock.now += 60
    unsigned.add(PATH)
    unsigned.add(PATH)
    unsigned.finish(PATH)
    unsigned.finish(PATH)

    counts = [line.partition("count=")[2].split()[0] for line in logged().splitlines()]
    assert counts == ["1", "5", "1"]


async def test_nothing_of_a_signed_request_reaches_the_log_whether_it_is_known_or_not(
    here: Site, clock: Clock, logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slack_sdk.signature.Clock.now", lambda _: clock.now)
    submission = '{"type": "dialog_submission", "callback_id": "x", "submission": {"body": "Liv Eksempel wrote"}}'
    suggestion = '{"type": "block_suggestion", "action_id": "x", "block_id": "y", "value": "Liv Eksempel wrote"}'
    attached = '{"type": "interactive_message", "callback_id": "x", "actions": [{"value": "Liv Eksempel wrote"}]}'
    for body in (submission, suggestion, attached, '{"type": "event_callback", "event": {"text": "Liv Eksempel"}}'):
        await post(here, body, signed(body, str(int(clock.now))))
    for text in (PRIVATE, PRIVATE.replace("evaluators", "nothing")):
        await post(here, text, signed(text, str(int(clock.now))) | FORM)

    assert "Eksempel" not in logged()
    assert "logger.info" not in logged()
