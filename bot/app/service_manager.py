"""Tell systemd that the bot is ready, alive, or stopping; sd_notify(3)."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from bot.concurrency.heartbeats import Heartbeats
from bot.concurrency.tasks import cancel_and_wait
from bot.config.service_manager import ServiceManager

log = structlog.get_logger()


@asynccontextmanager
async def ready(manager: ServiceManager, heartbeats: Heartbeats) -> AsyncIterator[None]:
    """Report that the bot is ready, and at the end of the block that it stops. Without systemd, do nothing.

    The watchdog hears nothing while a worker stands still or the loop does, so that systemd restarts the bot.
    """
    if not manager.address:
        yield
        return
    _notify(manager, "READY=1")
    watchdog = manager.watchdog
    feeding = None if watchdog is None else asyncio.create_task(_feed(manager, heartbeats, watchdog))
    try:
        yield
    finally:
        if feeding is not None:
            await cancel_and_wait(feeding)
        _notify(manager, "STOPPING=1")


async def _feed(manager: ServiceManager, heartbeats: Heartbeats, watchdog: timedelta) -> None:
    """Give a sign of life twice in each interval, while every worker goes on."""
    while True:
        if still := heartbeats.still():
            log.error("watchdog_not_fed", workers=still)
        else:
            _notify(manager, "WATCHDOG=1")
        await asyncio.sleep(watchdog.total_seconds() / 2)


def _notify(manager: ServiceManager, state: str) -> None:
    """Send one datagram. A leading @ stands for the NUL of an abstract address."""
    address = manager.address.replace("@", "\0", 1) if manager.address.startswith("@") else manager.address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0)
        try:
            sender.sendto(state.encode(), address)
        except OSError as exc:
            log.warning("systemd_not_told", state=state, reason=exc.strerror)
