"""Tell listeners when something in the workspace changes."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from bot.demo.fake_slack.models import Json

T = TypeVar("T")
LOOK_AGAIN_SECONDS = 0.05


class Broadcast:
    """Hands every event to those who listen."""

    def __init__(self) -> None:
        self._listeners: dict[asyncio.Queue[Json | None], str | None] = {}

    def send(self, event: Json, *, only_for: str | None = None) -> None:
        """Tell every page, or only the pages of one user. Everybody waiting in `until` is always told."""
        for queue, user in self._listeners.items():
            if user is None or only_for in (None, user):
                queue.put_nowait(event)

    def wake(self) -> None:
        """Make everybody waiting in `until` look again, for what no page shows."""
        for queue, user in self._listeners.items():
            if user is None:
                queue.put_nowait({})

    def end(self) -> None:
        """Tell every listener that nothing more will come."""
        for queue in self._listeners:
            queue.put_nowait(None)

    @contextmanager
    def listen(self, user: str | None = None) -> Iterator[asyncio.Queue[Json | None]]:
        """Yield a queue of the events that `user` can see (None: all); a None in it is the end."""
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self._listeners[queue] = user
        try:
            yield queue
        finally:
            del self._listeners[queue]

    async def until(self, condition: Callable[[], T], *, within: float = 3.0) -> T:
        """Wait until the condition holds and return its result; TimeoutError after `within` seconds."""
        with self.listen() as queue:
            async with asyncio.timeout(within):
                while not (found := condition()):
                    with suppress(TimeoutError):  # what changes outside the workspace tells nobody
                        await asyncio.wait_for(queue.get(), LOOK_AGAIN_SECONDS)
        return found
