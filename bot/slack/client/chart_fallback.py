"""Send a message once more without charts and tables, where Slack does not take them (yet)."""

import json
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from bot.errors import SlackRefused
from bot.slack.blocks import Message
from bot.slack.charts import without_charts

log = structlog.get_logger()

T = TypeVar("T")

_REFUSED: Final = frozenset({"invalid_blocks", "invalid_blocks_format", "invalid_arguments"})
"""Slack's error codes for blocks that it does not take."""


async def send_with_fallback(send: Callable[[Message], Awaitable[T]], message: Message) -> T:
    """Send a message; if Slack refuses its blocks, send it once more without charts and tables."""
    try:
        return await send(message)
    except SlackRefused as exc:
        simpler = simpler_version(message, exc.code)
        if simpler is None:
            raise
    return await send(simpler)


def simpler_version(message: Message, code: str) -> Message | None:
    """Return what to send after Slack refused a message with this error code, or None if nothing simpler would help."""
    simpler = without_charts(message) if code in _REFUSED else None
    if simpler is not None:
        log.info("charts_refused", code=code)
    return simpler


def error_code(body: str) -> str:
    """Return the error code in the answer of a response URL, which is a word or JSON."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return body.strip()
    return str(said.get("error")) if isinstance(said, dict) else ""
