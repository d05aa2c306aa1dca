"""`evaluator-bot demo` as a command: a port that is taken, the end by Ctrl-C, another start."""

import asyncio
import re
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

import bot.demo as bot_of_the_demo
from bot.config.loader import settings_of
from bot.config.settings import Settings
from bot.demo.environment import open_demo
from tests.machine import limit

pytestmark = pytest.mark.slow


async def _demo(folder: Path, port: int) -> tuple[list[str], str]:
    """Start it, open the page once a card is there, press Ctrl-C; what it printed, and the page's first message."""
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "demo", "--no-browser", "--port", str(port),
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert demo.stdout is not None
    lines: list[str] = []
    while not lines or "http://" not in lines[-1]:
        lines.append((await demo.stdout.readline()).decode())
    [url] = re.findall(r"http://[^\s]+", lines[-1])
    async with aiohttp.ClientSession() as session, session.get(f"{url}/demo/events?user=U0ANA") as events:
        first = ""
        while '"message"' not in first:
            first = (await events.content.readline()).decode()
    demo.send_signal(signal.SIGINT)
    rest, _ = await asyncio.wait_for(demo.communicate(), timeout=limit(10))
    assert demo.returncode == 0, rest.decode()
    return [*lines, *rest.decode().splitlines()], first


async def test_a_port_that_is_taken_is_said_and_another_is_used_and_a_second_start_works(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for _ in range(2):
            lines, first = await _demo(tmp_path, port)
            assert lines[0] == f"Port {port} is already in use, so the page uses a free one.\n"
            assert "Open http://127.0.0.1:" in lines[1]
            assert lines[2:] == []
            assert "for the first time" in first
    assert list(tmp_path.iterdir()) == []


async def test_it_leaves_no_setting_to_the_machine_it_runs_on() -> None:
    async with open_demo(port=0) as scene:
        assert scene.settings.keys() == Settings.model_fields.keys()
        settings = settings_of(**scene.settings)
    assert settings.public_url == f"http://127.0.0.1:{settings.http_port}"


def test_its_page_knows_every_emoji_that_the_bot_writes() -> None:
    bot = Path(bot_of_the_demo.__file__).parent.parent
    known = set(re.findall(r"^  (\w+):", (bot / "demo" / "page" / "emoji.js").read_text(), re.MULTILINE))
    written = {name for path in (bot / "slack").rglob("*.py") for name in re.findall(r":([a-z]\w+):", path.read_text())}
    assert {"email", "no_entry_sign"} <= written
    assert written <= known
