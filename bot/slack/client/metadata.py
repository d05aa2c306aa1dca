"""The metadata of the bot's messages, written and read in one place.

Anybody in the channel may post a message with such metadata. A message whose metadata cannot be read is not one of the
bot's.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bot.domain.card_snapshot import PostedCard, unpack
from bot.domain.history import Entry
from bot.domain.history_details import pack
from bot.slack.ids import Event


def fact(entry: Entry) -> str | None:
    """Return a hash that distinguishes a line about the report from other lines of a thread, or None for a person's
    action.
    """
    if entry.actor is not None:
        return None
    said = json.dumps([entry.kind, sorted(pack(entry.fact).items())])
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def read(channel: str, message: Mapping[str, Any], *, us: str) -> PostedCard | None:
    """Return a message of a channel's history if it is one of the bot's, or None. `us` is the bot's user id."""
    metadata = message.get("metadata")
    if message.get("user") != us or not isinstance(metadata, dict):
        return None
    payload = metadata.get("event_payload")
    if metadata.get("event_type") not in set(Event) or not isinstance(payload, dict):
        return None
    return PostedCard(
        channel=channel,
        ts=str(message["ts"]),
        delivery_id=_number(payload.get("delivery")),
        evaluation_id=_number(payload.get("evaluation")),
        trace=unpack(payload) if "app" in payload else None,
        digest=payload["digest"] if isinstance(payload.get("digest"), str) else None,
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
