"""Deliver from Slack to the app: over a socket if one is open, else as a signed HTTP request."""

import asyncio
import itertools
import json
import secrets
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web
from slack_sdk.signature import SignatureVerifier

from bot.demo.fake_slack.models import APP, Json, NotAcknowledged, SlackSecrets

ACK_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Envelope:
    """One payload for the app; `kind` is interactive, slash_commands or events_api."""

    id: str
    kind: str
    payload: Json
    attempt: int = 0


class Delivery:
    """Delivers envelopes, each to one socket, and waits for the acknowledgement."""

    def __init__(
        self, keys: SlackSecrets, changed: Callable[[], None], *, signed_at: Callable[[], float] = time.time
    ) -> None:
        self.request_url: str | None = None
        self.ack_within = ACK_SECONDS
        self.greets = True
        """Whether a new socket gets a hello. Without it, nothing ever comes over it but pongs."""
        self.turns_away: str | None = None
        """The reason that a new socket hears in place of hello, such as `link_disabled`."""
        self.app_id = APP
        """The app that the hello names: another one than ours for an app-level token of another app."""
        self.sent: list[Envelope] = []
        self.acknowledged: set[str] = set()
        """The ids that the app has acknowledged, as far as Slack knows."""
        self._keys = keys
        self._changed = changed
        self._signed_at = signed_at
        self._ids = itertools.count(1)
        self._tickets: set[str] = set()
        self._sockets: deque[web.WebSocketResponse] = deque()
        self._silent: set[web.WebSocketResponse] = set()
        self._waiting: dict[str, asyncio.Future[Json]] = {}

    @property
    def sockets(self) -> int:
        """How many sockets are open for envelopes."""
        return len(self._sockets)

    def ticket(self) -> str:
        """Return a ticket that opens one socket, once."""
        ticket = secrets.token_hex(12)
        self._tickets.add(ticket)
        return ticket

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """Serve /link: say hello, then read pings and acknowledgements until the app hangs up."""
        if request.query.get("ticket") not in self._tickets:
            return web.json_response({"ok": False, "error": "link_used"}, status=403)
        self._tickets.discard(request.query["ticket"])
        socket = web.WebSocketResponse(heartbeat=10, autoping=False)
        await socket.prepare(request)
        if self.turns_away is not None:
            await socket.send_json({"type": "disconnect", "reason": self.turns_away, "debug_info": {}})
        elif self.greets:
            self._sockets.append(socket)
            hello = {"type": "hello", "num_connections": len(self._sockets), "connection_info": {"app_id": self.app_id}}
            await socket.send_json(hello)
            self._changed()
        try:
            async for message in socket:
                if socket in self._silent:
                    continue
                if message.type is WSMsgType.PING:
                    await socket.pong(message.data)
                elif message.type is WSMsgType.TEXT:
                    self._acknowledged(message.json())
        finally:
            self._retire(socket)
            self._silent.discard(socket)
        return socket

    async def disconnect_sockets(self, reason: str | None = "refresh_requested") -> None:
        """Ask the app to leave its sockets, as Slack does several times a day; without a reason just hang up."""
        for socket in tuple(self._sockets):
            self._retire(socket)
            with suppress(ConnectionError):
                if reason is None:
                    await socket.close()
                else:
                    await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {}})

    def silence_sockets(self) -> None:
        """Silence the open sockets, as after a broken network path: nothing comes, nothing is answered."""
        self._silent.update(self._sockets)

    async def deliver(self, kind: str, payload: Json) -> Json:
        """Deliver something new and return what came with the acknowledgement."""
        envelope = Envelope(f"E{next(self._ids):06}", kind, payload)
        self.sent.append(envelope)
        return await self._send(envelope)

    async def redeliver(self, envelope: Envelope | None = None) -> Json:
        """Deliver an envelope (the last one) again, as if its acknowledgement had been lost."""
        again = envelope or self.sent[-1]
        return await self._send(Envelope(again.id, again.kind, again.payload, again.attempt + 1))

    async def _send(self, envelope: Envelope) -> Json:
        if not self._sockets and self.request_url is None:
            raise NotAcknowledged("The app is not connected, so nobody can hear this. Is it running?")
        try:
            async with asyncio.timeout(self.ack_within):
                return await (self._by_socket(envelope) if self._sockets else self._by_http(envelope))
        except TimeoutError:
            raise NotAcknowledged(f"The app did not acknowledge this within {self.ack_within:g} seconds.") from None

    async def _by_socket(self, envelope: Envelope) -> Json:
        socket = self._sockets[0]
        self._sockets.rotate(-1)
        frame: Json = {
            "envelope_id": envelope.id,
            "type": envelope.kind,
            "payload": envelope.payload,
            "accepts_response_payload": envelope.kind != "events_api",
        }
        if envelope.attempt:
            frame |= {"retry_attempt": envelope.attempt, "retry_reason": "timeout"}
        acknowledged: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope.id] = acknowledged
        try:
            if socket not in self._silent:
                await socket.send_json(frame)
            return await acknowledged
        except ConnectionError:
            raise NotAcknowledged("The app hung up before it could hear this.") from None
        finally:
            del self._waiting[envelope.id]

    async def _by_http(self, envelope: Envelope) -> Json:
        kind, body = _form(envelope)
        stamp = str(int(self._signed_at()))
        signature = SignatureVerifier(self._keys.signing_secret).generate_signature(timestamp=stamp, body=body)
        headers = {
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": str(signature),
        }
        if envelope.attempt:
            headers |= {"X-Slack-Retry-Num": str(envelope.attempt), "X-Slack-Retry-Reason": "http_timeout"}
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(str(self.request_url), data=body, headers=headers) as answer,
            ):
                if answer.status != web.HTTPOk.status_code:
                    raise NotAcknowledged(f"The app answered with HTTP {answer.status}.")
                return _payload(await answer.text())
        except aiohttp.ClientError:
            raise NotAcknowledged("The app cannot be reached over HTTP.") from None

    def _acknowledged(self, frame: Json) -> None:
        self.acknowledged.add(str(frame.get("envelope_id")))
        waiting = self._waiting.get(str(frame.get("envelope_id")))
        if waiting is not None and not waiting.done():
            waiting.set_result(frame.get("payload") or {})

    def _retire(self, socket: web.WebSocketResponse) -> None:
        with suppress(ValueError):
            self._sockets.remove(socket)
        self._changed()


def _form(envelope: Envelope) -> tuple[str, str]:
    if envelope.kind == "events_api":
        return "application/json", json.dumps(envelope.payload)
    fields = envelope.payload if envelope.kind == "slash_commands" else {"payload": json.dumps(envelope.payload)}
    return "application/x-www-form-urlencoded", urlencode(fields)


def _payload(body: str) -> Json:
    if not body.startswith("{"):
        return {"text": body} if body else {}
    answer: Json = json.loads(body)
    return answer
