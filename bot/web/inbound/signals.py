"""`/signals` and `/signals/forge`, where apps say that they were installed or removed."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from bot.domain.app_signal import AppSignal
from bot.domain.app_signal_reader import read_lifecycle_event, read_signal
from bot.domain.place_reader import RequestInvalid, read_host
from bot.errors import StoreError
from bot.metrics.catalog import INBOUND
from bot.metrics.labels import InboundResult
from bot.services.inbound.app_signals import SignalIntake
from bot.web.inbound.doors import ForgeRequests, SignedRequests, parse_json, read_body, try_later

log = structlog.get_logger()

PATH: Final = "/signals"
FORGE_PATH: Final = "/signals/forge"
_RETRY_S: Final = 10


class SignalWebhook:
    """Takes signals that a vendor's own backend signs."""

    def __init__(self, intake: SignalIntake, requests: SignedRequests, *, clock: Callable[[], datetime]) -> None:
        self.path = requests.path
        self.unsigned = requests.unsigned
        self._requests = requests
        self._intake = intake
        self._clock = clock

    async def take(self, request: web.Request) -> web.Response:
        """Answer 202 once a signal is written down, 204 to a repetition."""
        body = await read_body(request)
        message_id = self._requests.verify(request, body)
        try:
            found = read_signal(parse_json(request, body), message_id=message_id, now=self._clock())
        except (RequestInvalid, RecursionError) as exc:
            raise web.HTTPBadRequest(text=f"{exc}\n") from None
        if found.unknown:
            log.info("signal_fields_unknown", app=found.signal.app_key, fields=found.unknown)
        return await _written(self._intake, found.signal, self._requests)


class ForgeSignalEndpoint:
    """Takes lifecycle events as Forge sends them."""

    def __init__(self, intake: SignalIntake, requests: ForgeRequests, *, clock: Callable[[], datetime]) -> None:
        self.path = requests.path
        self.unsigned = requests.unsigned
        self._requests = requests
        self._intake = intake
        self._clock = clock

    async def take(self, request: web.Request) -> web.Response:
        """Answer 202 once an event is written down, 204 if it is known or of no interest. Forge tries five times."""
        body = await read_body(request)
        claims = await self._requests.verify(request)
        try:
            signal = read_lifecycle_event(
                parse_json(request, body),
                app_key=claims.app_key,
                installation=claims.installation,
                cloud_id=claims.cloud_id,
                site=read_host(claims.site_url),
                now=min(claims.issued_at, self._clock()),
            )
        except RequestInvalid as exc:
            raise web.HTTPBadRequest(text=f"{exc}\n") from None
        if signal is None:
            return web.Response(status=HTTPStatus.NO_CONTENT)
        return await _written(self._intake, signal, self._requests)


async def _written(intake: SignalIntake, signal: AppSignal, requests: SignedRequests | ForgeRequests) -> web.Response:
    if not intake.has_room():
        requests.meter.count(INBOUND, requests.source, InboundResult.FAILED)
        raise web.HTTPTooManyRequests(
            text="Too many signals wait to be written down.\n", headers={"Retry-After": str(_RETRY_S)}
        )
    try:
        is_new = await intake.add(signal)
    except StoreError:
        requests.meter.count(INBOUND, requests.source, InboundResult.FAILED)
        try_later("The database cannot be written now.")
    requests.meter.count(INBOUND, requests.source, InboundResult.HANDLED if is_new else InboundResult.IGNORED)
    if not is_new:
        return web.Response(status=HTTPStatus.NO_CONTENT)
    log.info("signal_received", app=signal.app_key, kind=signal.kind)
    return web.Response(status=HTTPStatus.ACCEPTED)
