"""What Slack refuses in the content of messages or views."""

import json
from collections.abc import Iterable, Sequence
from itertools import islice

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.basic_objects import JsonObject
from slack_sdk.models.blocks import Block

from bot.demo.fake_slack.block_kit_rules import Text, problems, text_problems
from bot.demo.fake_slack.chart_rules import MOST_OF_KIND, say
from bot.demo.fake_slack.models import Json, Refusal, texts

LONGEST_TEXT = 40_000
LONGEST_UPDATE = 4_000
ALL_BLOCK_TEXT = 12_000
"""Undocumented: msg_blocks_too_long was reported from about here on (slackapi/bolt-js#2509)."""
LONGEST_METADATA = 8_000
LONGEST_PRIVATE_METADATA = 3_000
LONGEST_CALLBACK_ID = 255
LARGEST_VIEW = 250_000
"""Bytes of a view as JSON."""

VIEW_KEYS = {"type", "title", "submit", "close", "blocks", "private_metadata", "callback_id", "external_id"} | {
    "clear_on_close",
    "notify_on_close",
    "submit_disabled",
}


def check_message(content: Json, *, longest: int = LONGEST_TEXT) -> None:
    """Refuse what chat.postMessage refuses."""
    blocks = content.get("blocks")
    if not content.get("text") and not blocks:
        raise Refusal("no_text")
    if len(str(content.get("text") or "")) > longest:
        raise Refusal("msg_too_long")
    if blocks is not None:
        _refuse("invalid_blocks", block_problems(blocks, "message"))
        if sum(map(len, texts(blocks))) > ALL_BLOCK_TEXT:
            raise Refusal("msg_blocks_too_long")
    if content.get("metadata") is not None:
        _check_metadata(content["metadata"])


def check_view(view: object) -> Json:
    """Return the view, unless it is one that views.open refuses."""
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        raise Refusal("invalid_arguments", [say("must be a modal or home view", "/view/type")])
    found = [say("unexpected field", f"/view/{key}") for key in sorted(set(view) - VIEW_KEYS)]
    blocks = view.get("blocks")
    found += block_problems(blocks, view["type"])
    for name, limit in (("private_metadata", LONGEST_PRIVATE_METADATA), ("callback_id", LONGEST_CALLBACK_ID)):
        if len(str(view.get(name) or "")) > limit:
            found.append(say(f"must be less than {limit + 1} characters", f"/view/{name}"))
    has_input = isinstance(blocks, list) and any(
        isinstance(block, dict) and block.get("type") == "input" for block in blocks
    )
    if view["type"] == "modal":
        for name in ("title", "submit", "close"):
            found += text_problems(view.get(name), Text(24, required=name == "title"), f"/view/{name}")
        if has_input and not view.get("submit"):
            found.append(say("`submit` is required when there is an input block", "/view/submit"))
    _refuse("invalid_arguments", found)
    if len(json.dumps(view).encode()) > LARGEST_VIEW:
        raise Refusal("view_too_large")
    return view


def block_problems(blocks: object, surface: str) -> list[str]:
    """Return what is wrong by our table or, where that is content, by the models of Slack's SDK."""
    found = list(problems(blocks, surface))
    return found if found or not isinstance(blocks, list) else _sdk_problems(blocks)


def _sdk_problems(blocks: Sequence[Json]) -> list[str]:
    found = []
    for number, raw in enumerate(blocks):
        at = f"/blocks/{number}"
        if raw["type"] in MOST_OF_KIND:  # the SDK has no models for these
            continue
        try:
            block = Block.parse(raw)
            _validate(block)
            found += [say(f"unexpected field {key}", at) for key in sorted(_unknown(raw, block))]
        except (SlackObjectFormationError, TypeError, KeyError, AttributeError, ValueError) as exc:
            found.append(say(str(exc), at))
    return found


def _validate(part: object) -> None:
    if isinstance(part, JsonObject):
        part.to_dict()
        for value in vars(part).values():
            _validate(value)
    elif isinstance(part, list | tuple):
        for value in part:
            _validate(value)


def _unknown(raw: Json, parsed: object) -> set[str]:
    return set(raw) - parsed.attributes - {"type"} if isinstance(parsed, JsonObject) else set()


def _check_metadata(metadata: object) -> None:
    fits = (
        isinstance(metadata, dict)
        and isinstance(metadata.get("event_type"), str)
        and isinstance(metadata.get("event_payload"), dict)
        and set(metadata) == {"event_type", "event_payload"}
    )
    if not fits:
        raise Refusal("invalid_metadata_format")
    if len(json.dumps(metadata)) > LONGEST_METADATA:
        raise Refusal("metadata_too_large")


def _refuse(error: str, found: Iterable[str]) -> None:
    if messages := list(islice(found, 10)):
        raise Refusal(error, messages)
