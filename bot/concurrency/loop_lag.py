"""Notice that the event loop is held up."""

import asyncio
from collections.abc import Callable
from typing import Final

_INTERVAL_S: Final = 1.0


async def watch_loop(observe: Callable[[float], None]) -> None:
    """Call `observe` each second with how many seconds too late the loop came back, until this task is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        await asyncio.sleep(_INTERVAL_S)
        observe(loop.time() - began - _INTERVAL_S)
