"""The manifest is Slack's view of the code, and says neither more nor less than the code does."""

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.app.components import open_components
from bot.demo.fake_slack import Workspace
from bot.domain.commands import Word
from bot.errors import SlackRefused
from bot.slack import ids
from bot.slack.blocks import note_message
from bot.slack.client.errors import REACTIONS_SCOPE, SCOPES
from bot.slack.client.payload import EVENTS
from bot.slack.client.users import SlackUsers
from bot.slack.client.web_client import MessageRef, SlackClient
from bot.slack.ids import Event
from tests.world import NOON, World

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """The manifest as Slack reads it."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())
    return found


def test_it_passes_slacks_own_schema(manifest: dict[str, Any]) -> None:
    schema = json.loads((Path(__file__).parent / "fixtures" / "manifest.schema.1.0.0.json").read_text())
    jsonschema.Draft7Validator(schema).validate(manifest)


def test_its_commands_are_the_ones_that_are_listened_to(manifest: dict[str, Any]) -> None:
    assert [command["command"] for command in manifest["features"]["slash_commands"]] == [ids.COMMAND]


def test_its_hint_names_the_words_that_are_read(manifest: dict[str, Any]) -> None:
    [command] = manifest["features"]["slash_commands"]
    assert command["usage_hint"].split(" | ") == list(Word)


def test_its_shortcuts_are_the_ones_that_are_listened_to_and_that_the_demo_offers(manifest: dict[str, Any]) -> None:
    shortcuts = manifest["features"]["shortcuts"]
    assert [each["callback_id"] for each in shortcuts] == list(ids.Shortcut)
    described = [{key: each[key] for key in ("type", "callback_id", "name")} for each in shortcuts]
    assert described == Workspace().shortcuts


def test_its_scopes_are_the_ones_that_check_asks_for(manifest: dict[str, Any]) -> None:
    asked_for = SCOPES | {REACTIONS_SCOPE}
    assert sorted(manifest["oauth_config"]["scopes"]["bot"]) == sorted(asked_for)


EMAIL = "users:read.email"
CALLS: dict[str, Callable[[SlackClient, SlackUsers], Awaitable[object]]] = {
    "chat:write": lambda manifest, _: manifest.post_ephemeral("C0EVALS", "U0ANA", note_message("Hello")),
    "users:read": lambda _, directory: directory.user("U0ANA"),
    "usergroups:read": lambda _, directory: directory.group("S0SALES"),
    "channels:read": lambda manifest, _: manifest.channel_name("C0EVALS"),
    "groups:read": lambda manifest, _: manifest.channel_name("G0PRIVATE"),
    "channels:history": lambda manifest, _: manifest.find_message(
        "C0EVALS", MessageRef(event=Event.CARD, number=1), since=NOON
    ),
    "groups:history": lambda manifest, _: manifest.find_message(
        "G0PRIVATE", MessageRef(event=Event.CARD, number=1), since=NOON
    ),
}


async def test_addresses_of_colleagues_are_seen_with_their_scope_alone(here: World) -> None:
    async with open_components(here.settings()) as parts:
        directory = SlackUsers(parts.client)
        seen = await directory.user("U0BEN")
        here.workspace.keys.scopes.remove(EMAIL)
        unseen = await directory.user("U0BEN")
    assert (seen.email, unseen.email) == ("ben@vendor.example", None)
    assert seen.title == unseen.title == "Customer success"


@pytest.mark.parametrize("scope", sorted(SCOPES - {"app_mentions:read", "commands", EMAIL}))
async def test_each_scope_is_needed_for_something_the_bot_does(here: World, scope: str) -> None:
    here.workspace.add_channel("G0PRIVATE", "private", private=True)
    here.workspace.groups["S0SALES"] = ["U0ANA"]
    here.workspace.keys.scopes = set(SCOPES)
    async with open_components(here.settings()) as parts:
        await CALLS[scope](parts.slack, SlackUsers(parts.client))
        here.workspace.keys.scopes.remove(scope)
        with pytest.raises(SlackRefused) as refused:
            await CALLS[scope](parts.slack, SlackUsers(parts.client))
    assert refused.value.code == "missing_scope"


def test_buttons_and_modals_work_and_the_events_are_the_ones_that_are_listened_to(manifest: dict[str, Any]) -> None:
    listened = {
        name for path in (ROOT / "bot").rglob("*.py") for name in re.findall(r"app\.event\(\"(\w+)\"", path.read_text())
    }
    assert manifest["settings"]["interactivity"]["is_enabled"]
    assert manifest["settings"]["socket_mode_enabled"]
    assert set(manifest["settings"].get("event_subscriptions", {}).get("bot_events", [])) == listened


def test_it_subscribes_to_the_events_that_are_listened_to(manifest: dict[str, Any]) -> None:
    assert tuple(manifest["settings"]["event_subscriptions"]["bot_events"]) == EVENTS
    assert manifest["features"]["app_home"]["home_tab_enabled"]
