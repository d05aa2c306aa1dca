"""Let what the store has begun come to its end, even when whoever asked for it is cancelled."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")


def whole(noun: type[T]) -> type[T]:
    """A class whose public coroutines cannot be cut in the middle; the cancellation is raised after their end.

    A driver that is cancelled between BEGIN and COMMIT leaves a connection that nobody can use and that may hold
    the lock of the only writer.
    """
    for name, method in list(vars(noun).items()):
        if inspect.iscoroutinefunction(method) and not name.startswith("_"):
            setattr(noun, name, _to_its_end(method))
    return noun


def _to_its_end(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(method)
    async def run(*args: object, **kwargs: object) -> Any:  # noqa: ANN401  as the method says
        task = asyncio.ensure_future(method(*args, **kwargs))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            while not task.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({task})
            # Whoever asked is gone; an error has nobody to go to, and a warning about it would be noise.
            _ = task.cancelled() or task.exception()
            raise

    return run
