"""One thread for calls that block, such as those of a library that knows no event loop."""

import asyncio
import concurrent.futures
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, TypeVar

T = TypeVar("T")

_LONGEST_S: Final = 2.0
"""Seconds that a call whose caller was cancelled may take to end. Then it is left alone."""


class OwnThread:
    """Runs one call after the other, in a thread that does not keep the process from ending."""

    def __init__(self, name: str, *, interrupt: Callable[[], None]) -> None:
        """`interrupt` makes the call under way end soon. It is called if its caller is cancelled."""
        self._interrupt = interrupt
        self._calls: SimpleQueue[tuple[concurrent.futures.Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)

    async def run(self, call: Callable[[], T]) -> T:
        """Run a call in the thread and return what it returns."""
        if not self._thread.is_alive():
            self._thread.start()
        done: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._calls.put((done, call))
        waiting = asyncio.wrap_future(done)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            self._interrupt()
            await asyncio.wait([waiting], timeout=_LONGEST_S)
            _ = not waiting.done() or waiting.cancelled() or waiting.exception()  # nobody is left to raise it to
            raise

    async def end(self, last: Callable[[], None]) -> None:
        """Interrupt the call under way, and let the thread end after one more."""
        self._interrupt()
        if self._thread.is_alive():
            with suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_S):
                    await self.run(last)
        self._calls.put(None)

    def _work(self) -> None:
        while (job := self._calls.get()) is not None:
            done, call = job
            try:
                found = call()
            except BaseException as exc:  # noqa: BLE001  the caller decides
                done.set_exception(exc)
            else:
                done.set_result(found)
