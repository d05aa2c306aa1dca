"""What the metadata of a message of ours says, written and read in one place.

Anybody in the channel may post a message with such metadata: what cannot be read is none of ours.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bot.domain.card_snapshot import PostedCard, unpack
from bot.domain.history import Entry
from bot.slack.ids import Event


def fact(entry: Entry) -> str | None:
    """Return what tells a line about the report from the other lines of a thread; None for what a person did."""
    if entry.actor is not None:
        return None
    said = json.dumps([entry.kind, sorted(entry.details.items())])
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def read(channel: str, message: Mapping[str, Any], *, us: str) -> PostedCard | None:
    """Return the message of a channel's history if it is one of ours; `us` is the bot's user id."""
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
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
