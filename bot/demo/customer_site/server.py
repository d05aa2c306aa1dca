"""Serve the page of a customer's site, and tell the bot and the Marketplace what happens there."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Final

import aiohttp
from aiohttp import web

from bot.demo.scenario.sample_data import App, Customer
from bot.demo.signed_requests import signed_headers

LICENSE_AFTER_S: Final = 45.0
"""Atlassian takes hours; nobody waits that long for a demo."""
_FOLDER: Final = Path(__file__).parent


class CustomerSite:
    """One app on one site. `on_license` brings its license into the report."""

    def __init__(
        self,
        app: App,
        customer: Customer,
        *,
        bot_url: str,
        secret: str,
        on_license: Callable[[], None],
        license_after: float = LICENSE_AFTER_S,
    ) -> None:
        """`bot_url` is where the bot answers; `secret` signs what this site's app tells it."""
        self._app = app
        self._customer = customer
        self._bot_url = bot_url
        self._secret = secret
        self._on_license = on_license
        self._license_after = license_after
        self._license: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def serve(self, port: int) -> AsyncIterator[None]:
        """Answer on a port of this machine."""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_post("/{kind:installed|uninstalled}", self._tell)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield
        finally:
            if self._license is not None:
                self._license.cancel()
            await runner.cleanup()

    async def _page(self, _request: web.Request) -> web.Response:
        words = Template((_FOLDER / "index.html").read_text("utf-8")).substitute(
            app=self._app.name,
            key=self._app.key,
            company=self._customer.company,
            site=f"{self._customer.site}.atlassian.net",
            bot=self._bot_url,
        )
        policy = (
            f"default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline' {self._bot_url}"
        )
        headers = {"Content-Security-Policy": f"{policy}; connect-src 'self' {self._bot_url}"}
        return web.Response(text=words, content_type="text/html", headers=headers)

    async def _tell(self, request: web.Request) -> web.Response:
        """Send the signal, and after the first installation let the license follow. 503 if the bot does not answer."""
        kind = request.match_info["kind"]
        signal = {
            "type": kind,
            "app": self._app.key,
            "at": datetime.now(UTC).isoformat(),
            "site": f"{self._customer.site}.atlassian.net",
        }
        body = json.dumps(signal).encode()
        headers = {"content-type": "application/json", **signed_headers(self._secret, body, kind="signal")}
        url = f"{self._bot_url}/signals"
        try:
            async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
                answer.raise_for_status()
        except aiohttp.ClientError:  # the bot may be starting or stopping
            return web.Response(status=503)
        if kind == "installed" and self._license is None:
            self._license = asyncio.create_task(self._bring_license())
        return web.Response(status=204)

    async def _bring_license(self) -> None:
        await asyncio.sleep(self._license_after)
        self._on_license()
