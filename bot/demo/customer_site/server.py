"""Serve the page of a customer's site, and tell the bot and the Marketplace what happens there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from string import Template
from typing import Final

from aiohttp import web

from bot.demo.app_signals import AppSignals
from bot.demo.scenario.sample_data import App, Customer

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
        signals: AppSignals,
        on_license: Callable[[], None],
        license_after: float = LICENSE_AFTER_S,
    ) -> None:
        """`bot_url` is where the bot answers, as each page is told; `signals` are what this site's app tells it."""
        self._app = app
        self._customer = customer
        self.bot_url = bot_url
        self._signals = signals
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
            bot=self.bot_url,
        )
        policy = (
            f"default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline' {self.bot_url}"
        )
        headers = {"Content-Security-Policy": f"{policy}; connect-src 'self' {self.bot_url}"}
        return web.Response(text=words, content_type="text/html", headers=headers)

    async def _tell(self, request: web.Request) -> web.Response:
        """Send the signal, and after the first installation let the license follow. 503 if the bot does not answer."""
        kind = request.match_info["kind"]
        if not await self._signals.send(kind, self._app, self._customer):
            return web.Response(status=503)
        if kind == "installed" and self._license is None:
            self._license = asyncio.create_task(self._bring_license())
        return web.Response(status=204)

    async def _bring_license(self) -> None:
        await asyncio.sleep(self._license_after)
        self._on_license()
