"""Proxies and certificate authorities between the bot and the world, by a real proxy on loopback."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.mail.conftest import Tls, tls  # noqa: F401  a fixture
from tests.proxy import Proxy, running_proxy, tls_before
from tests.scenarios.process import by_the_wall_clock, life
from tests.world import World

pytestmark = pytest.mark.slow

BEN = "U0BEN"


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    async with running_proxy() as running:
        yield running


async def _check(here: World, **changes: object) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bot", "check"],
        cwd=here.folder,
        env={"PATH": os.defpath, **here.environment(**changes)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


async def test_everything_goes_through_the_proxy(here: World, proxy: Proxy) -> None:
    by_the_wall_clock(here)
    address = proxy.url.replace("http://", "bot:p%40ss@")  # as curl takes it, without a scheme
    async with life(here, all_proxy=address):
        await here.workspace.command(BEN, "/evaluators help")
        await here.until(lambda: here.workspace.ephemerals(BEN))
        await here.until(lambda: any("/marketplace/" in asked for asked in proxy.asked))
    for path in ("/api/auth.test", "/link?ticket=", "/actions/", "/marketplace/"):
        assert any(path in asked for asked in proxy.asked), (path, proxy.asked)
    assert len(proxy.logins) == len(proxy.asked)


async def test_no_proxy_holds_for_every_way(here: World, proxy: Proxy) -> None:
    by_the_wall_clock(here)
    exempt = "localhost,127.0.0.1,[::1]"
    async with life(here, all_proxy=proxy.url, http_proxy=proxy.url, https_proxy=proxy.url, no_proxy=exempt):
        await here.workspace.command(BEN, "/evaluators help")
        await here.until(lambda: here.workspace.ephemerals(BEN))
    assert proxy.asked == []


async def test_over_tls_a_proxy_and_an_authority_of_ones_own_are_used(
    here: World,
    proxy: Proxy,
    tls: Tls,  # noqa: F811
) -> None:
    authority = here.folder / "authority.pem"
    authority.write_bytes(tls.pem)
    async with (
        tls_before(here.workspace.api_url, tls.server) as slack,
        tls_before(str(here.addresses["marketplace_api_url"]), tls.server) as marketplace,
    ):
        addresses = {"slack_api_url": slack, "marketplace_api_url": marketplace, "https_proxy": proxy.url}
        done = await _check(here, ssl_cert_file=authority, **addresses)
        distrusted = await _check(here, **addresses)
    assert (done.returncode, "✗" in done.stdout) == (0, False)
    assert {line.partition(" ")[2] for line in proxy.asked} == {urlsplit(url).netloc for url in (slack, marketplace)}
    assert all(line.startswith("CONNECT ") for line in proxy.asked)
    assert "✗ Slack bot token" in distrusted.stdout


async def test_a_file_may_name_the_proxy_and_where_it_ends(here: World, proxy: Proxy) -> None:
    Path(here.folder / ".env").write_text(f"HTTP_PROXY={proxy.url}\n")
    await _check(here)
    assert any("/api/auth.test" in asked for asked in proxy.asked)
    proxy.asked.clear()
    await _check(here, no_proxy="127.0.0.1")
    assert proxy.asked == []
