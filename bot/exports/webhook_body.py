"""Events as the bodies of webhooks. The keys of `data` are the columns of the tables for other programs."""

import json
from typing import Any, Final

from bot.domain.webhook_events import WebhookEvent
from bot.exports.records import record_values, write_time

_OF_FACT: Final = ("at", "kind", "actor", "details")
"""What a fact adds to the evaluation that it is about."""


def write_body(event: WebhookEvent, *, contacts: bool) -> bytes:
    """Return the body of an event; without `contacts`, it leaves out the contact."""
    body = {"type": event.type, "timestamp": event.at, "sequence": event.sequence, "data": _data(event, contacts)}
    return json.dumps(body, ensure_ascii=False, default=write_time).encode()


def _data(event: WebhookEvent, contacts: bool) -> dict[str, Any]:  # noqa: FBT001  passed on
    data: dict[str, Any] = {}
    if event.evaluation is not None:
        data |= record_values(event.evaluation, contacts=contacts)
    if event.fact is not None:
        values = record_values(event.fact, contacts=contacts)
        data |= {name: values[name] for name in _OF_FACT}
    return data | dict(event.details)
