"""The keys of Forge: rotated, slow, away."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from bot.app import inbound
from bot.app.inbound import check_signals, fetch_forge_keys
from bot.config.loader import settings_of
from bot.config.network import Network
from bot.errors import ForgeKeysUnavailable
from bot.services.inbound.forge_keys import FetchedKeys, ForgeKeys
from tests.builders import ids
from tests.config.test_settings import NEEDED

GIVEN = {name.lower(): value for name, value in NEEDED.items()}
KEY = {"kid": "one", "kty": "RSA"}


@dataclass
class Atlassian:
    """A server of keys, and a clock."""

    keys: set[str] = field(default_factory=lambda: {"one"})
    max_age: float | None = None
    is_away: bool = False
    now: float = 0.0
    asked: int = 0
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answers.set()
        self.cache = ForgeKeys(self.fetch, elapsed=lambda: self.now)

    async def fetch(self) -> FetchedKeys:
        self.asked += 1
        await self.answers.wait()
        if self.is_away:
            raise ForgeKeysUnavailable("FORGE_JWKS_URL answered 500.")
        return FetchedKeys(keys={name: {"kid": name} for name in self.keys}, max_age=self.max_age)

    async def knows(self, name: str) -> bool:
        return await self.cache.find(name) is not None


async def test_a_rotated_key_is_found_and_an_unknown_one_asks_once_a_minute() -> None:
    there = Atlassian()
    assert await there.knows("one")
    there.keys, there.now = {"two"}, 60
    assert [await there.knows(name) for name in ("two", "two", "three", "one")] == [True, True, False, False]
    assert there.asked == 2
    there.now = 120
    assert not await there.knows("three")
    assert there.asked == 3


@pytest.mark.parametrize(("said", "kept"), [(None, 3_600), (10, 300), (1_000, 1_000), (10**9, 24 * 3_600)])
async def test_keys_are_kept_as_long_as_it_is_said_within_reason(said: float | None, kept: float) -> None:
    there = Atlassian(max_age=said)
    assert await there.knows("one")
    there.now = kept - 1
    assert await there.knows("one")
    assert there.asked == 1
    there.now = kept
    assert await there.knows("one")
    assert there.asked == 2


async def test_while_the_server_is_away_known_keys_work_for_a_day(logged: Callable[[], str]) -> None:
    there = Atlassian()
    assert await there.knows("one")
    there.is_away = True
    for hour in range(1, 24):
        there.now = hour * 3_600
        assert await there.knows("one")
    there.now = 24 * 3_600
    with pytest.raises(ForgeKeysUnavailable):
        await there.knows("one")
    assert logged().count("forge_keys_unavailable") == 1
    there.is_away, there.now = False, there.now + 5
    assert await there.knows("one")


async def test_after_a_failure_the_next_attempt_of_forge_asks_again() -> None:
    there = Atlassian(is_away=True)
    for now, asked in ((0, 1), (4, 1), (5, 2)):
        there.now = now
        with pytest.raises(ForgeKeysUnavailable):
            await there.knows("one")
        assert there.asked == asked


async def test_while_the_server_takes_its_time_a_known_key_waits_for_nothing() -> None:
    there = Atlassian()
    assert await there.knows("one")
    there.now = 60
    there.answers.clear()
    unknown = [asyncio.create_task(there.knows("two")) for _ in range(3)]
    await asyncio.sleep(0)
    assert await there.knows("one")
    there.keys.add("two")
    there.answers.set()
    assert await asyncio.gather(*unknown) == [True] * 3
    assert there.asked == 2


@asynccontextmanager
async def server(answer: web.Response) -> AsyncIterator[str]:
    """The keys over a real socket."""

    async def handle(_request: web.Request) -> web.Response:
        return answer

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_what_the_server_says_of_its_age_is_read() -> None:
    headers = {"Cache-Control": "public, max-age=900"}
    async with server(web.json_response({"keys": [KEY, {"kty": "EC"}, 5]}, headers=headers)) as url:
        found = await fetch_forge_keys(url, Network())
    assert found == FetchedKeys(keys={"one": KEY}, max_age=900, at=found.at)


WRONG = {
    "an error": (lambda: web.Response(status=503), "answered 503"),
    "no keys": (lambda: web.json_response([]), "no set of keys"),
    "too long": (lambda: web.Response(body=b" " * 100_001), "far too long"),
}


@pytest.mark.parametrize(("answer", "sentence"), ids(WRONG))
async def test_an_answer_without_keys_says_what_is_wrong(answer: Callable[[], web.Response], sentence: str) -> None:
    async with server(answer()) as url:
        with pytest.raises(ForgeKeysUnavailable, match=sentence):
            await fetch_forge_keys(url, Network())


async def test_a_server_that_says_nothing_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound, "_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ForgeKeysUnavailable, match="did not answer"):
        await fetch_forge_keys(f"http://127.0.0.1:{silent.getsockname()[1]}/", Network())


def _dated(*, behind: float = 0, age: int | None = None, keys: Sequence[object] = (KEY,)) -> web.Response:
    """Keys from a server whose clock is so many seconds behind this one's, or from a cache that had them so long."""
    date = format_datetime(datetime.now(UTC) - timedelta(seconds=behind), usegmt=True)
    headers = {"Date": date} | ({} if age is None else {"Age": str(age)})
    return web.json_response({"keys": list(keys)}, headers=headers)


CHECKED = {
    "all is well": (_dated, "1 key of Forge can be read, and the clock agrees with Atlassian's"),
    "from a cache": (lambda: _dated(behind=3_600, age=3_600), "the clock agrees"),
    "ahead": (lambda: _dated(behind=61), r"6\d s ahead of Atlassian's.*timedatectl"),
    "behind": (lambda: _dated(behind=-3_600), r"3,[56]\d\d s behind Atlassian's.*timedatectl"),
    "no date": (lambda: web.json_response({"keys": [KEY]}, headers={"Date": "today"}), "the clock was not compared"),
    "no key that signs": (lambda: _dated(keys=[{"kid": "one", "kty": "EC"}]), "has no key.*Leave it out"),
    "no page": (lambda: web.Response(status=404), "answered 404. Check the address"),
}


@pytest.mark.parametrize(("answer", "sentence"), ids(CHECKED))
async def test_the_check_reads_the_keys_and_compares_the_clock(
    answer: Callable[[], web.Response], sentence: str
) -> None:
    async with server(answer()) as url:
        settings = settings_of(**GIVEN, forge_apps=(("ari", "app"),), forge_jwks_url=url)
        try:
            said = await check_signals(settings)
        except ForgeKeysUnavailable as exc:
            said = str(exc)
    assert re.search(sentence, said), said


async def test_the_check_needs_no_keys_unless_an_app_is_set() -> None:
    assert "not set" in await check_signals(settings_of(**GIVEN))
