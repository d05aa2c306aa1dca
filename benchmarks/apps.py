"""What a vendor's apps see of the bot: signals at a steady rate, while the report is polled.

The bot runs in a process of its own; the apps and Slack are this process.
"""

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from tempfile import TemporaryDirectory
from typing import Any, Final

import aiohttp

from benchmarks.live import bot_at_work
from benchmarks.ours import given
from benchmarks.team import new_workspace, slack_settings, slow
from benchmarks.vendor import A_ROUND, NOON
from bot.demo.scenario.sample_data import LANTERNS
from bot.security.webhook_signature import sign, signing_key

_SIGNED_WITH: Final = "what the apps of the benchmark sign with"
_PATIENCE_S: Final = 60.0
_WARM_UP: Final = 100
"""Signals before those that count."""
_POLL_PAUSE_S: Final = 1.0
_CONNECTIONS: Final = 50
_FLOOR_S: Final = 10
"""Seconds for the floor, which does not get slower."""


class Apps:
    """Apps that say, each on a site of its own, that they were installed. `seconds` is how long each answer took."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.seconds: list[float] = []
        self.answers = Counter[int]()
        self._session = session
        self._url = url
        self._key = signing_key(_SIGNED_WITH)
        self._began = time.monotonic()

    async def send(self, *, first: int, count: int, a_second: int) -> None:
        """Send so many signals at a steady rate, however long the bot takes with each."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as sending:
            for number in range(count):
                due = began + number / a_second
                await asyncio.sleep(max(due - time.monotonic(), 0))
                sending.create_task(self._send(first + number, due))

    async def _send(self, number: int, due: float) -> None:
        at = NOON + timedelta(seconds=time.monotonic() - self._began)
        signal = {"type": "installed", "app": LANTERNS.key, "at": at.isoformat(), "cloud_id": f"cloud-{number}"}
        body, moment = json.dumps(signal).encode(), int(at.timestamp())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": f"msg_{number}",
            "webhook-timestamp": str(moment),
            "webhook-signature": sign(self._key, f"msg_{number}", moment, body),
        }
        async with self._session.post(self._url, data=body, headers=headers) as answer:
            self.answers[answer.status] += 1
        self.seconds.append(time.monotonic() - due)


async def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Send signals while the bot polls: measure how soon each one is acknowledged, and how soon by the floor."""
    return {"floor": await _floor(asked), **await _ours(asked)}


async def _floor(asked: argparse.Namespace) -> float:
    """Return how soon an endpoint acknowledges that does no more than it must."""
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    with _floor_endpoint() as url:
        async with aiohttp.ClientSession(connector=connector) as session:
            apps = Apps(session, url)
            await apps.send(first=0, count=asked.a_second * min(asked.seconds, _FLOOR_S), a_second=asked.a_second)
    return slow(apps.seconds)


@contextmanager
def _floor_endpoint() -> Iterator[str]:
    asked = [sys.executable, "-m", "benchmarks.acknowledge"]
    with (
        TemporaryDirectory() as folder,
        subprocess.Popen([*asked, f"{folder}/floor.db"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as floor,
    ):
        yield f"http://127.0.0.1:{int(next(iter(floor.stdout or ())))}/signals"
        # Leaving closes its standard input, and that ends it.


async def _ours(asked: argparse.Namespace) -> dict[str, Any]:
    workspace, port = new_workspace(rate_limits=True), _free_port()
    settings = given(asked.store, server=asked.server, rows=asked.rows)
    settings |= {"signals_secret": _SIGNED_WITH, "early_cards": "known", "http_port": port}
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    async with (
        workspace.serve(),
        bot_at_work(settings | slack_settings(workspace), "--noon") as ask,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        await workspace.until(lambda: workspace.sockets, within=_PATIENCE_S)
        apps = Apps(session, f"http://127.0.0.1:{port}/signals")
        await apps.send(first=0, count=_WARM_UP, a_second=asked.a_second)
        apps.seconds.clear()
        sending = asyncio.ensure_future(
            apps.send(first=_WARM_UP, count=asked.a_second * asked.seconds, a_second=asked.a_second)
        )
        polls = await _poll(ask, session, asked.server, until=sending)
        await sending
    refused = sum(count for status, count in apps.answers.items() if status != HTTPStatus.ACCEPTED)
    return {
        "signals": len(apps.seconds),
        "acknowledged": slow(apps.seconds),
        "slowest": max(apps.seconds),
        "refused": refused,
        "polls": polls,
    }


async def _poll(
    ask: Callable[[str], Awaitable[Any]], session: aiohttp.ClientSession, server: str, *, until: asyncio.Future[Any]
) -> int:
    """Let the bot poll again and again, each time with other changed licenses. Return how often."""
    polls = 0
    while not until.done():
        async with session.put(f"{server}/changed/{polls * A_ROUND}/{A_ROUND}"):
            pass
        await ask("poll")
        polls += 1
        await asyncio.sleep(_POLL_PAUSE_S)
    async with session.put(f"{server}/changed/0/0"):
        return polls


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def main() -> None:
    """Print what was measured as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--store", required=True)
    parser.add_argument("--rows", type=int, required=True, help="licenses of the vendor")
    parser.add_argument("--a-second", type=int, required=True, help="signals")
    parser.add_argument("--seconds", type=int, required=True)
    sys.stdout.write(json.dumps(asyncio.run(measure(parser.parse_args()))))


if __name__ == "__main__":
    main()
