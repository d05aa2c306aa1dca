"""Tell the bot what an app says of itself."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Final

import aiohttp

from bot.demo.scenario.sample_data import App, Customer
from bot.demo.signed_requests import signed_headers

_ATTEMPTS: Final = 30
_PAUSE_S: Final = 1.0


class AppSignals:
    """What the apps of the demo's vendor send: signed with `secret`, to the bot at `bot_url`."""

    def __init__(self, *, bot_url: str, secret: str) -> None:
        self._url = f"{bot_url}/signals"
        self._secret = secret

    async def send(self, kind: str, app: App, customer: Customer) -> bool:
        """Send a signal. Return whether the bot took it: it may be starting or stopping."""
        signal = {
            "type": kind,
            "app": app.key,
            "at": datetime.now(UTC).isoformat(),
            "site": f"{customer.site}.atlassian.net",
        }
        body = json.dumps(signal).encode()
        headers = {"content-type": "application/json", **signed_headers(self._secret, body, kind="signal")}
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(self._url, data=body, headers=headers) as answer,
            ):
                answer.raise_for_status()
        except aiohttp.ClientError:
            return False
        return True

    async def install(self, app: App, customer: Customer) -> None:
        """Say that an app was installed, again until the bot takes it."""
        for _ in range(_ATTEMPTS):
            if await self.send("installed", app, customer):
                return
            await asyncio.sleep(_PAUSE_S)
