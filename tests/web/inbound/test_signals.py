"""The doors for signals when too many come, when the database cannot be written, and when Forge's keys are away."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import jwt
import pytest

from bot.errors import ForgeKeysUnavailable
from bot.metrics.labels import InboundSource
from bot.security.webhook_signature import sign
from bot.services.inbound import app_signals
from bot.services.inbound.app_signals import SignalIntake
from bot.services.inbound.forge_keys import FetchedKeys, ForgeKeys
from bot.store import Store, open_store
from bot.store.signal_tables import app_signal
from bot.web.inbound.doors import Door, ForgeRequests, SignedRequests
from bot.web.inbound.signals import FORGE_PATH, PATH, ForgeSignalEndpoint, SignalWebhook
from tests.builders import NOON
from tests.scenarios.test_early_cards import KEY, KID
from tests.store.steps import rows
from tests.web.conftest import SECRET, Site, site

SIGNING = "what the vendor's backend signs with"


@dataclass
class Doors:
    """The endpoints, and where they write to."""

    site: Site
    store: Store

    async def send(self, number: int) -> tuple[int, str | None]:
        """Send a signal. Return the status, and after how many seconds to come again."""
        body = {"type": "installed", "app": "com.example.app", "at": NOON.isoformat(), "cloud_id": f"cloud-{number}"}
        raw, at = json.dumps(body).encode(), int(NOON.timestamp())
        signature = sign(SIGNING.encode(), f"msg_{number}", at, raw)
        headers = {"webhook-id": f"msg_{number}", "webhook-timestamp": str(at), "webhook-signature": signature}
        return await self.post(PATH, raw, headers)

    async def post(self, path: str, raw: bytes, headers: dict[str, str]) -> tuple[int, str | None]:
        """Send a request."""
        given = {"Content-Type": "application/json", **headers}
        async with self.site.session.post(self.site.url(path), data=raw, headers=given) as answer:
            return answer.status, answer.headers.get("Retry-After")


async def _away() -> FetchedKeys:
    raise ForgeKeysUnavailable("FORGE_JWKS_URL answered 500.")


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Doors]:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/signals.db", secret_keys=[SECRET]) as store:
        intake = SignalIntake(store, clock=lambda: NOON)
        source = InboundSource.SIGNAL
        signed = SignedRequests(SIGNING, path=PATH, source=source, help_at="docs", clock=NOON.timestamp)
        forge = ForgeRequests(
            ForgeKeys(_away, elapsed=lambda: 0.0),
            apps={},
            environments=frozenset(),
            path=FORGE_PATH,
            source=source,
            clock=lambda: NOON,
        )
        doors: list[Door] = [
            SignalWebhook(intake, signed, clock=lambda: NOON),
            ForgeSignalEndpoint(intake, forge, clock=lambda: NOON),
        ]
        async with site(tmp_path, doors=doors) as found:
            yield Doors(found, store)


async def test_too_many_at_once_are_asked_to_come_again_and_the_log_says_so_once(
    here: Doors, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
) -> None:
    monkeypatch.setattr(app_signals, "_MOST_WAITING", 2)
    async with here.store.database.write():
        sending = [asyncio.create_task(here.send(number)) for number in range(6)]
        for each in islice(asyncio.as_completed(sending), 4):  # the two others wait
            assert await each == (429, "10")
    answers = await asyncio.gather(*sending)
    assert sorted(answers, key=lambda each: each[0]) == [(202, None)] * 2 + [(429, "10")] * 4
    assert len(await rows(here.store, app_signal)) == 2
    assert logged().count("signals_refused") == 1


async def test_what_cannot_be_written_is_not_acknowledged_and_taken_when_it_is_sent_again(here: Doors) -> None:
    async with here.store.database.write() as connection:
        await connection.run_sync(app_signal.drop)
    assert await here.send(1) == (503, "5")
    async with here.store.database.write() as connection:
        await connection.run_sync(app_signal.create)
    assert [await here.send(1), await here.send(1)] == [(202, None), (204, None)]


async def test_while_the_keys_of_forge_are_away_it_is_asked_to_come_again(
    here: Doors, logged: Callable[[], str]
) -> None:
    token = jwt.encode({"iss": "forge/invocation-token"}, KEY, algorithm="RS256", headers={"kid": KID})
    answers = [await here.post(FORGE_PATH, b"{}", {"Authorization": f"Bearer {token}"}) for _ in range(2)]
    assert answers == [(503, "5")] * 2
    assert logged().count("forge_keys_unavailable") == 1
    assert token[:30] not in logged()
