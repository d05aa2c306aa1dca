"""Socket Mode: the connection that brings interactions, replaced whenever it is in doubt."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from aiohttp import WSMessage
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.concurrency.backoff import Backoff
from bot.domain.health import SocketStatus
from bot.errors import SlackError, SlackUnavailable
from bot.slack.client.acknowledgement import sending
from bot.slack.client.errors import another_app
from bot.slack.client.payload import normalize
from bot.slack.client.socket_hello import NO_HELLO, app_of_hello, disconnect_reason

log = structlog.get_logger()

Address = Callable[[], Awaitable[str]]
"""Asks Slack for the address of a new connection, valid for one use. SlackError if there is none."""
_BACKOFF: Final = Backoff(base=1.0, maximum=300.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketTimeouts:
    """Timeouts of a connection, in seconds."""

    ping: float = 10.0
    """Between two of our pings."""
    silent_after: float = 45.0
    """Without a sign of life. The SDK and aiohttp would notice earlier, as long as all of their tasks run."""
    idle: float = 3600.0
    """Without any message beyond pongs. Connections have been seen that pong and deliver nothing (bolt-python 1529)."""
    opening: float = 10.0
    closing: float = 2.0
    steady: float = 60.0
    """A connection that lasted this long is replaced at once; after a shorter one there is a pause."""
    identity: float = 5.0
    """Seconds that the start waits to learn the bot's identity. After that, it is learnt while the bot works."""
    backoff: Backoff = _BACKOFF
    """After failed or short connections. `apps.connections.open` is Tier 1: about once a minute."""


SOCKET_TIMEOUTS: Final = SocketTimeouts()


class SocketMode:
    """Keeps one connection open until it is cancelled. No other part of the bot waits for it."""

    def __init__(  # noqa: PLR0913  its collaborators, one by one
        self,
        app: AsyncApp,
        address: Address,
        *,
        app_token: str,
        proxy_for: Callable[[str], str | None] = lambda _: None,
        own_app: Callable[[], str | None] = lambda: None,
        timeouts: SocketTimeouts = SOCKET_TIMEOUTS,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """`own_app` returns the id of the bot token's Slack app, once it is known."""
        self._app = app
        self._own_app = own_app
        self._address = address
        self._app_token = app_token
        self._proxy_for = proxy_for
        self._timeouts = timeouts
        self._elapsed = elapsed
        self._connection: _Connection | None = None
        self._failures = 0
        self._pause = 0.0
        self._down_since: float | None = elapsed()
        self._error = "It is not open yet."

    def status(self) -> SocketStatus:
        """Return the state of the connection at this moment."""
        now = self._elapsed()
        heard = None if self._connection is None else timedelta(seconds=now - self._connection.heard_at())
        if self._down_since is None:
            return SocketStatus(heard=heard)
        return SocketStatus(heard=heard, down=timedelta(seconds=now - self._down_since), problem=self._error)

    async def run(self) -> None:
        """Connect, and reconnect whenever the connection is over, until this task is cancelled.

        The new connection opens before the old one closes, so that no interaction is lost in between.
        """
        try:
            while True:
                await asyncio.sleep(self._pause)
                try:
                    fresh = await self._opened()
                except SlackError as exc:
                    self._refused(exc)
                    continue
                old, self._connection = self._connection, fresh
                if old is not None:
                    await old.close()
                self._down_since = None
                log.info("socket_connected")
                await self._watch(fresh)
        finally:
            await self._close()

    async def _opened(self) -> "_Connection":
        """Open a new connection. SlackError if Slack refuses."""
        address = await self._address()
        connection = _Connection(self._app, self._app_token, timeouts=self._timeouts, elapsed=self._elapsed)
        try:
            await connection.open(address, proxy=self._proxy_for(address))
        except BaseException:
            await connection.close()
            raise
        return connection

    def _refused(self, error: SlackError) -> None:
        self._down(str(error))
        self._wait_longer(at_least=error.retry_after if isinstance(error, SlackUnavailable) else 0.0)
        log.warning("socket_refused", reason=str(error), pause=self._pause)

    async def _watch(self, connection: "_Connection") -> None:
        """Wait until the connection is over, then pause unless it lasted."""
        since = self._elapsed()
        while (reason := self._another_app(connection) or connection.ended()) is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timeouts.ping / 10):
                    await connection.left.wait()
        self._down(reason)
        if self._elapsed() - since >= self._timeouts.steady:
            self._failures, self._pause = 0, 0.0
        else:
            self._wait_longer()
        log.warning("socket_disconnected", reason=reason, pause=self._pause)

    def _another_app(self, connection: "_Connection") -> str | None:
        """Return why no press can arrive over this connection if it belongs to another app, else None."""
        own = self._own_app()
        return another_app(connection.app_id, own) if own and connection.app_id and connection.app_id != own else None

    def _down(self, reason: str) -> None:
        self._error = reason
        if self._down_since is None:
            self._down_since = self._elapsed()

    def _wait_longer(self, *, at_least: float = 0.0) -> None:
        self._failures += 1
        self._pause = self._timeouts.backoff.after(self._failures, at_least=at_least)

    async def _close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()


class _Connection:
    """One connection of the SDK that never reconnects by itself. A new one shares nothing with it."""

    def __init__(
        self, app: AsyncApp, app_token: str, *, timeouts: SocketTimeouts, elapsed: Callable[[], float]
    ) -> None:
        self.left = asyncio.Event()
        self.app_id: str | None = None
        """The id of the Slack app that the connection belongs to, as in Slack's hello."""
        self._timeouts = timeouts
        self._elapsed = elapsed
        self._greeted = asyncio.Event()
        self._why = ""
        self._farewell: str | None = None
        self._handler = AsyncSocketModeHandler(app, app_token, ping_interval=timeouts.ping, logger=app.logger)
        self._client = self._handler.client
        self._client.socket_mode_request_listeners[:] = [self._hand_over]
        # Only TEXT frames arrive here: hello, envelopes, disconnect.
        self._client.on_message_listeners.append(self._said)
        # Everything that makes the SDK (3.47) reconnect calls this method: its pong monitor, a CLOSE frame, Slack's
        # `disconnect`. The SDK reconnects without pauses, and retries an address that is valid for one use.
        self._client.connect_to_new_endpoint = self._leave  # type: ignore[method-assign]
        self._pong: float | None = None
        self._ponged_at = self._spoke_at = elapsed()

    async def open(self, address: str, *, proxy: str | None) -> None:
        """Connect and wait for Slack's hello. SlackUnavailable if it does not come."""
        self._client.wss_uri = address
        self._client.proxy = proxy  # without one, the SDK takes that of the environment
        try:
            async with asyncio.timeout(self._timeouts.opening):
                await self._handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt's adapter has no types
                await self._greeted.wait()
        except TimeoutError as exc:
            raise SlackUnavailable(NO_HELLO, retry_after=0) from exc

    def heard_at(self) -> float:
        """Return when Slack gave its last sign of life."""
        # The SDK stores the time of its last answered ping by a clock that may jump, so only a change of it counts.
        # Before the first pong, the SDK may set it once by itself.
        if self._client.last_ping_pong_time not in {None, self._pong}:
            self._pong, self._ponged_at = self._client.last_ping_pong_time, self._elapsed()
        return max(self._ponged_at, self._spoke_at)

    def ended(self) -> str | None:
        """Return why this connection is no longer of use, or None while it is."""
        now, session = self._elapsed(), self._client.current_session
        if self.left.is_set():
            return self._why
        if session is None or session.closed or any(task.done() for task in self._tasks()):
            return "It was closed."
        if now - self.heard_at() > self._timeouts.silent_after:
            return "Slack stopped responding."
        if now - self._spoke_at > self._timeouts.idle:
            return "Only pongs arrived for a long time."
        return None

    async def close(self) -> None:
        """Close the connection within a limited time: after an outage the SDK's own close can hang and leak."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timeouts.closing):
                    await self._handler.close_async()  # type: ignore[no-untyped-call]  # as above
            self._client.closed = True
            tasks = self._tasks()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await self._client.aiohttp_client_session.close()

    def _tasks(self) -> "list[asyncio.Future[None]]":
        """Return the tasks that must run for an interaction to arrive."""
        client = self._client
        return [
            task
            for task in (client.message_receiver, client.message_processor, client.current_session_monitor)
            if task is not None
        ]

    async def _hand_over(self, _client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        with sending() as context:
            asked = AsyncBoltRequest(
                mode="socket_mode", body=normalize(request.payload), headers=build_headers(request), context=context
            )
            answer = await self._handler.app.async_dispatch(asked)
            await send_async_response(self._client, request, answer, time.time())

    async def _said(self, message: WSMessage) -> None:
        self._spoke_at = self._elapsed()
        self._farewell = disconnect_reason(message.data)
        if not self._greeted.is_set():
            self.app_id = app_of_hello(message.data)
            self._greeted.set()

    async def _leave(self, force: bool = False) -> None:  # noqa: FBT001, FBT002  as the SDK calls it
        self._why = self._farewell or ("Slack asked us to leave it." if force else "It was closed, or no pong came.")
        self.left.set()
