"""Keep figures for Prometheus, and show them, if METRICS or METRICS_PORT says so."""

import asyncio
import platform
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib.metadata import version

from bot.app.context import Context
from bot.concurrency.loop_lag import watch_loop
from bot.concurrency.tasks import cancel_and_wait
from bot.config.settings import Settings
from bot.metrics.catalog import BUILD_INFO, LOOP_LAG
from bot.metrics.labels import Version
from bot.services.operations.readings import Readings
from bot.web.metrics import MetricsEndpoint, application
from bot.web.server import listening, serve


@contextmanager
def metrics_sockets(settings: Settings) -> Iterator[Sequence[socket.socket]]:
    """Open METRICS_PORT, if it is set. Raises SettingsWrong if it cannot be opened."""
    if settings.metrics_port is None:
        yield ()
        return
    with listening(host=settings.http_host, port=settings.metrics_port, setting="METRICS_PORT") as sockets:
        yield sockets


@asynccontextmanager
async def show_metrics(context: Context, sockets: Sequence[socket.socket]) -> AsyncIterator[MetricsEndpoint | None]:
    """Yield the endpoint, which is served on sockets of its own if there are any; None if metrics are off."""
    meter, store = context.components.meter, context.components.store
    if meter.registry is None:
        yield None
        return
    database = Version("postgresql" if store.database.is_server else "sqlite")
    meter.set(BUILD_INFO, Version(version("evaluator-bot")), Version(platform.python_version()), database, to=1)
    readings = Readings(store, meter, health=context.health, clock=context.clock)
    endpoint = MetricsEndpoint(meter.registry, refresh=readings.refresh)
    async with AsyncExitStack() as stack:
        watch = asyncio.create_task(watch_loop(lambda lag: meter.observe(LOOP_LAG, seconds=lag)))
        stack.push_async_callback(cancel_and_wait, watch)
        if sockets:
            await stack.enter_async_context(serve(application(endpoint), sockets))
        yield endpoint
