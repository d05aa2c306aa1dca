"""An app says that it was installed, and the same message becomes the card once the report has the license."""

import base64
import hmac
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import aiohttp
import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.demo.fake_slack.models import elements
from bot.demo.scenario import sample_data
from bot.security.webhook_signature import sign
from tests.log_watch import WATCH
from tests.world import World, world

SECRET: Final = "a secret for signals that is long enough"
ARI: Final = "ari:cloud:ecosystem::app/0e6f4f1c-9c86-4e2e-8a3a-6f2d5a3c1b2a"
KID: Final = "forge/invocation-token/wf-1"
KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC: Final = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@asynccontextmanager
async def key_server() -> AsyncIterator[str]:
    """The keys of Forge, over a real socket."""
    jwk = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())), "kid": KID, "alg": "RS256"}

    async def keys(_request: web.Request) -> web.Response:
        return web.json_response({"keys": [jwk]})

    app = web.Application()
    app.router.add_get("/jwks.json", keys)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/jwks.json"
    await runner.cleanup()


def token(here: World, *, key: rsa.RSAPrivateKey = KEY, kid: str = KID, **changes: object) -> str:
    now = here.clock().timestamp()
    app = {"id": ARI, "environment": {"type": changes.pop("environment", "PRODUCTION")}, "installationId": "one"}
    claims = {"iss": "forge/invocation-token", "aud": ARI, "iat": now, "nbf": now, "exp": now + 25, "jti": "1"}
    made = jwt.encode({**claims, "app": app, **changes}, key, algorithm="RS256", headers={"kid": kid})
    WATCH.keep_private("a token", [made, made[:60]])
    return made


def public_key_as_secret(here: World) -> str:
    """A token signed with HS256 and the public key, which the library itself would not sign."""
    head = {"alg": "HS256", "typ": "JWT", "kid": KID}
    claims = token(here).split(".")[1]
    begin = base64.urlsafe_b64encode(json.dumps(head).encode()).rstrip(b"=").decode() + "." + claims
    mac = base64.urlsafe_b64encode(hmac.digest(PUBLIC.encode(), begin.encode(), "sha256")).rstrip(b"=").decode()
    return f"{begin}.{mac}"


async def forge(here: World, made: str, *, cloud_id: str, kind: str = "installed") -> int:
    event = {
        "id": f"ari:cloud:ecosystem::installation/{cloud_id}",
        "eventType": f"avi:forge:{kind}:app",
        "context": f"ari:cloud:jira::site/{cloud_id}",
        "installerAccountId": "557058:someone",
        "app": {"id": ARI, "version": "2.0.0"},
    }
    return await post(here, "/signals/forge", event, {"Authorization": f"Bearer {made}"})


async def post(here: World, path: str, body: object, headers: dict[str, str], *, port: int | None = None) -> int:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"http://127.0.0.1:{port or here.port}{path}",
            data=raw,
            headers={"Content-Type": "application/json", **headers},
        ) as answer,
    ):
        return answer.status


async def signed(
    here: World,
    body: object,
    *,
    number: str = "msg_1",
    headers: Mapping[str, str] = MappingProxyType({}),
    port: int | None = None,
) -> int:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = int(here.clock().timestamp())
    signature = sign(SECRET.encode(), number, at, raw)
    names = {"webhook-id": number, "webhook-timestamp": str(at), "webhook-signature": signature}
    return await post(here, "/signals", raw, {**names, **headers}, port=port)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as found:
        yield found


def trial(here: World) -> dict[str, Any]:
    """Cedar starts to evaluate today."""
    return sample_data.license_record(1, sample_data.LANTERNS, sample_data.CEDAR, here.clock.today())


async def test_a_signed_signal_becomes_a_card_and_the_card_the_evaluation(here: World) -> None:
    record = trial(here)
    body = {
        "type": "installed",
        "app": record["addonKey"],
        "at": here.clock().isoformat(),
        "cloud_id": record["cloudId"],
        "site": record["cloudSiteHostname"],
    }
    async with here.bot(early_cards="all", signals_secret=SECRET, reactions="on") as parts:
        assert await signed(here, body) == 202
        card = await here.card("the license follows")
        assert record["cloudSiteHostname"] in card.shown
        assert [each["action_id"] for _, each in elements(card.blocks)] == ["evaluation.claim"]
        for reaction in ("white_check_mark", "no_bell"):
            await here.workspace.react("U0ANA", card, reaction)
            await here.notified("U0ANA", "the report doesn't have this license yet")
            here.workspace.clear_answers()
        assert here.thread(card) == []
        await here.workspace.press("U0BEN", card, "evaluation.claim")
        await here.hides("Claim", card)
        here.marketplace.add(record)
        await parts.poller.poll()
        await here.shows("Email", card)
        await here.noted("The report has the license now", card)
        await here.at_rest(parts)
        assert len([m for m in here.workspace.messages() if record["cloudSiteHostname"] in m.shown]) == 1
        assert "<@U0BEN>" in (await here.shows("Owner", card)).shown

        again = await signed(here, body)
        refused = [
            await signed(here, {**body, "installerAccountId": "someone"}, number="msg_2"),
            await signed(here, {**body, "at": "yesterday"}, number="msg_3"),
            await signed(here, b"[" * 9_000, number="msg_4"),
            await signed(here, b"x" * 16_385, number="msg_5"),
            await signed(here, {**body, "about": "x" * 16_000}, number="msg_6", headers={"Content-Type": "text/plain"}),
            await post(here, "/signals", body, {}),
            await post(here, "/signals/forge", body, {}),
        ]
    assert again == 204
    assert refused == [400, 400, 400, 413, 415, 401, 404]


async def test_after_a_restore_the_early_card_still_becomes_the_evaluation(here: World) -> None:
    record = trial(here)
    body = {"type": "installed", "app": record["addonKey"], "at": here.clock().isoformat()}
    settings = {"early_cards": "all", "signals_secret": SECRET}
    async with here.bot(**settings) as parts:
        await here.at_rest(parts)
    saved = here.folder / "saved"
    saved.mkdir()
    for each in here.folder.glob("evaluators.db*"):
        shutil.copy(each, saved)
    async with here.bot(**settings) as parts:
        assert await signed(here, {**body, "cloud_id": record["cloudId"]}) == 202
        card = await here.card("the license follows")
        await here.at_rest(parts)
    for each in here.folder.glob("evaluators.db*"):
        each.unlink()
    for each in saved.iterdir():
        shutil.copy(each, here.folder)
    async with here.bot(**settings) as parts:
        again = {**body, "cloud_id": record["cloudId"], "site": record["cloudSiteHostname"]}
        assert await signed(here, again, number="msg_2") == 202
        await here.at_rest(parts)
        here.marketplace.add(record)
        await parts.poller.poll()
        await here.shows("Email", card)
        await here.at_rest(parts)
    assert [m.ts for m in here.workspace.messages() if record["cloudSiteHostname"] in m.shown] == [card.ts]


async def test_only_forge_itself_speaks_for_an_app(here: World) -> None:
    record = trial(here)
    later, long_ago = here.clock().timestamp() + 60, here.clock().timestamp() - 60
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    async with (
        key_server() as url,
        here.bot(
            early_cards="all", forge_apps=f"{ARI}={record['addonKey']}", forge_jwks_url=url, signals_secret=None
        ) as parts,
    ):
        wrong = {
            "no signature": jwt.encode({"aud": ARI}, "", algorithm="none", headers={"kid": KID}),
            "the public key as a secret": public_key_as_secret(here),
            "another app": token(here, aud=ARI[:-1] + "b"),
            "another issuer": token(here, iss="somebody"),
            "expired": token(here, iat=long_ago, nbf=long_ago, exp=long_ago + 25),
            "not yet": token(here, iat=later, nbf=later, exp=later + 25),
            "an unknown key": token(here, kid="forge/invocation-token/wf-2"),
            "another key": token(here, key=other),
        }
        cloud_id = record["cloudId"]
        answers = {name: await forge(here, made, cloud_id=cloud_id) for name, made in wrong.items()}
        assert answers == dict.fromkeys(wrong, 401)
        assert await forge(here, token(here, environment="STAGING"), cloud_id=cloud_id) == 204
        large = token(here, context={"siteUrl": f"https://{record['cloudSiteHostname']}", "more": "x" * 15_000})
        assert 20_000 < len(large) < 32_000
        assert await forge(here, large, cloud_id=cloud_id) == 202
        assert await forge(here, large, cloud_id=cloud_id) == 204
        card = await here.card("the license follows")
        assert await forge(here, token(here), cloud_id=cloud_id, kind="uninstalled") == 202
        await here.shows("uninstalled", card)
        assert await forge(here, token(here), cloud_id=cloud_id, kind="upgraded") == 204
        await here.at_rest(parts)
