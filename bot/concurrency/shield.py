"""Run store methods to completion, even when their caller is cancelled."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any, Final, TypeVar
from weakref import WeakSet

T = TypeVar("T")

_waiting: Final[WeakSet[asyncio.Task[Any]]] = WeakSet()
"""Calls that have begun nothing in the database: they wait for their turn or for a lock held elsewhere."""
_POLL_INTERVAL_S: Final = 0.05
_LONGEST_S: Final = 4.0
"""Seconds that a cancelled call may take. Lock waits are split into shorter steps, so only a server that hangs takes
longer; then the call and its connection are abandoned.
"""


@contextmanager
def interruptible() -> Iterator[None]:
    """Mark a part of a public call in which nothing is begun, so that cancellation takes effect at once."""
    task = asyncio.current_task()
    if task is None:
        yield
        return
    _waiting.add(task)
    try:
        yield
    finally:
        _waiting.discard(task)


def shielded(noun: type[T]) -> type[T]:
    """Shield the public coroutines of a class from cancellation; CancelledError is raised after they end.

    A driver cancelled between BEGIN and COMMIT leaves a connection that nobody can use and that may hold the lock of
    the only writer. A call that has begun nothing is cancelled at once: a locked database must not keep the bot from
    stopping.
    """
    for name, method in list(vars(noun).items()):
        if inspect.iscoroutinefunction(method) and not name.startswith("_"):
            setattr(noun, name, _shield(method))
    return noun


def _shield(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(method)
    async def run(*args: object, **kwargs: object) -> Any:  # noqa: ANN401  as the method says
        task = asyncio.ensure_future(method(*args, **kwargs))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await _finish(task)
            # The caller is gone: nobody is left to raise an error to, and a warning about it would be noise.
            _ = task.cancelled() or task.exception()
            raise

    return run


async def _finish(task: asyncio.Future[Any]) -> None:
    """Wait for a call whose caller was cancelled to end."""
    ends = time.monotonic() + _LONGEST_S
    while not task.done():
        if task in _waiting or time.monotonic() >= ends:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task}, timeout=_POLL_INTERVAL_S)
