"""Know when the acknowledgement of an interaction has left for Slack.

Bolt looks every ten milliseconds whether a listener has acknowledged, and sends it then. A listener that changes a
modal before that is overtaken by its own acknowledgement, if that shows something in the modal.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

_SENT: Final = "acknowledgement_sent"
_LONGEST_S: Final = 3.0
"""Slack waits no longer for an acknowledgement."""


@contextmanager
def sending() -> Iterator[dict[str, Any]]:
    """Yield a context for Bolt. The end of the block is when the acknowledgement has left, or never will."""
    sent = asyncio.Event()
    try:
        yield {_SENT: sent}
    finally:
        sent.set()


async def acknowledgement_sent(context: Mapping[str, Any]) -> None:
    """Wait until the acknowledgement of this context's interaction has left."""
    sent = context.get(_SENT)
    if isinstance(sent, asyncio.Event):
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_S):
                await sent.wait()
