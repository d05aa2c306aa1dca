"""What vendors copy into their Forge app: it holds together, and its signals are taken."""

import asyncio
import json
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.metrics.labels import InboundSource
from bot.services.inbound.app_signals import SignalIntake
from bot.store import open_store
from bot.store.signal_tables import app_signal
from bot.web.inbound.doors import SignedRequests
from bot.web.inbound.signals import FORGE_PATH, PATH, SignalWebhook
from tests.store.steps import rows
from tests.web.conftest import SECRET, site

RECIPES = Path(__file__).parents[3] / "docs/forge"
NODE = shutil.which("node")
SIGNING = "what the vendor's app signs with, long enough"
_LONGEST_KEY = 23
"""Letters of a remote's key, as Forge takes it."""
CALL = """
import { run } from './tellEvaluatorBot.mjs';
for (const each of JSON.parse(process.argv[2])) await run(each);
"""
FORGE = "export const fetch = globalThis.fetch;"


def manifest(recipe: str) -> dict[str, Any]:
    """The entries of a recipe."""
    found = yaml.safe_load((RECIPES / recipe / "manifest.yml").read_text())
    assert isinstance(found, dict)
    return found


def test_what_a_manifest_refers_to_is_in_the_recipe() -> None:
    remote, function, feedback = map(manifest, ("remote", "function", "feedback"))
    [endpoint] = remote["modules"]["endpoint"]
    assert [each["endpoint"] for each in remote["modules"]["trigger"]] == [endpoint["key"]]
    assert [each["key"] for each in remote["remotes"]] == [endpoint["remote"]]
    assert endpoint["route"]["path"] == FORGE_PATH
    [named] = function["modules"]["function"]
    assert [each["function"] for each in function["modules"]["trigger"]] == [named["key"]]
    file, _, run = named["handler"].partition(".")
    script = (RECIPES / "function" / f"{file}.js").read_text()
    assert f"export async function {run}(" in script
    for event in (*remote["modules"]["trigger"][0]["events"], *function["modules"]["trigger"][0]["events"]):
        assert f"'{event}'" in script
    [fed_back] = feedback["remotes"]
    assert f"invokeRemote('{fed_back['key']}'" in (RECIPES / "feedback/resolver.js").read_text()
    assert max(len(each["key"]) for each in (fed_back, *remote["remotes"])) <= _LONGEST_KEY


@pytest.mark.skipif(NODE is None, reason="needs Node.js")
async def test_the_function_sends_signals_that_are_taken(tmp_path: Path) -> None:
    api = tmp_path / "node_modules/@forge/api"
    api.mkdir(parents=True)
    (api / "package.json").write_text(json.dumps({"name": "@forge/api", "type": "module", "main": "index.js"}))
    (api / "index.js").write_text(FORGE)
    (tmp_path / "tellEvaluatorBot.mjs").write_text((RECIPES / "function/tellEvaluatorBot.js").read_text())
    (tmp_path / "call.mjs").write_text(CALL)
    event = {"eventType": "avi:forge:installed:app", "context": "ari:cloud:jira::site/6f1d0c52-2222"}
    events = [
        event,
        {**event, "eventType": "avi:forge:uninstalled:app"},
        {**event, "eventType": "avi:forge:upgraded:app"},
    ]
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/signals.db", secret_keys=[SECRET]) as store:
        requests = SignedRequests(SIGNING, path=PATH, source=InboundSource.SIGNAL, help_at="docs", clock=time.time)
        intake = SignalIntake(store, clock=lambda: datetime.now(UTC))
        async with site(tmp_path, doors=[SignalWebhook(intake, requests, clock=lambda: datetime.now(UTC))]) as here:
            given = {"SIGNALS_SECRET": SIGNING, "SIGNALS_URL": here.url(PATH), "APP_KEY": "com.example.app"}
            node = await asyncio.create_subprocess_exec(
                str(NODE), "call.mjs", json.dumps(events), cwd=tmp_path, env={**os.environ, **given}
            )
            assert await node.wait() == 0
        kept = [(row.app_key, row.kind, row.cloud_id) for row in await rows(store, app_signal)]
    assert kept == [("com.example.app", kind, "6f1d0c52-2222") for kind in ("installed", "uninstalled")]
