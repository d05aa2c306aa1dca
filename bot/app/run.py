"""The composition root: build the bot from its settings, run it, stop it in order."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from bot.app.clock import utc_now
from bot.app.components import Components, open_components
from bot.app.context import Context, Timing
from bot.app.leader import TIMING, hold_lead
from bot.app.leaders_work import LONGEST_TURN, leaders_work
from bot.app.lifecycle import graceful_shutdown, recover_interrupted, wait_for_slack
from bot.app.metrics import metrics_sockets, show_metrics
from bot.app.service_manager import ready
from bot.app.slack import build_slack_app, build_socket
from bot.app.web import build_endpoints
from bot.app.webhooks import refuse_private_names, webhook_addresses
from bot.concurrency.heartbeats import Heartbeats
from bot.concurrency.supervisor import supervise
from bot.concurrency.tasks import cancel_and_wait, cancel_on_signals
from bot.config.service_manager import ServiceManager, read_service_manager
from bot.config.settings import Settings
from bot.web.server import listening, serve

log = structlog.get_logger()

_DEFAULT: Final = Timing()
_NO_MANAGER: Final = ServiceManager()
_GC_THRESHOLD: Final = 50_000
"""New objects between garbage collections. With Python's default of 700, a sweep spends a sixth of its time on them."""
_SWITCH_INTERVAL_S: Final = 0.0001
"""Seconds that one thread may compute while another waits. Writing rows switches threads after each statement."""


def tune_process() -> None:
    """Tune the whole process for long sweeps. Only the process that runs the bot may do so."""
    gc.set_threshold(_GC_THRESHOLD)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)


async def run(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> None:
    """Run the bot until SIGTERM or SIGINT, then finish work in progress within ten seconds.

    A second signal ends the process at once, which is as safe as a kill at any other moment. Raises DatabaseBusy if
    another copy has the SQLite file, and LeaseLost, after a graceful shutdown, if another copy took it over.
    """
    tune_process()
    cancel_on_signals(asyncio.get_running_loop(), asyncio.current_task())
    patience = timedelta(seconds=TIMING.patience)
    with suppress(asyncio.CancelledError):
        await refuse_private_names(settings)
        async with (
            open_components(settings, clock=clock, patience=patience) as components,
            run_components(settings, components, clock=clock, manager=read_service_manager()),
        ):
            await components.store.leases.until_lost()


@asynccontextmanager
async def run_components(
    settings: Settings,
    components: Components,
    *,
    clock: Callable[[], datetime] = utc_now,
    timing: Timing = _DEFAULT,
    manager: ServiceManager = _NO_MANAGER,
) -> AsyncIterator[int]:
    """Run the bot inside the block; at its end, take no new work and finish work in progress.

    Yields the port of the HTTP endpoints. A standby copy answers interactions, and begins to work once it leads.
    """
    settle = partial(
        recover_interrupted,
        components.store,
        channel=settings.slack_channel,
        webhooks=webhook_addresses(settings),
        clock=clock,
    )
    database, heartbeats = components.store.database, Heartbeats()
    beat = heartbeats.register("lease", within=LONGEST_TURN)
    async with AsyncExitStack() as stack:
        lead = await stack.enter_async_context(
            hold_lead(components.store, settle=settle, timing=timing.leader, beat=beat, meter=components.meter)
        )
        sockets = stack.enter_context(listening(host=settings.http_host, port=settings.http_port))
        own_sockets = stack.enter_context(metrics_sockets(settings))
        lead.begin()
        stack.push_async_callback(cancel_and_wait, asyncio.create_task(database.listen()))
        identity = await stack.enter_async_context(wait_for_slack(components.slack, within=timing.socket.identity))
        context = Context.build(settings, components, identity, heartbeats=heartbeats, clock=clock)
        app, middleware = build_slack_app(context)
        socket = build_socket(context, app, timeouts=timing.socket)
        leading = asyncio.create_task(lead.work(partial(leaders_work, context, timing, socket)))
        # The stack unwinds from the last line to the first: no new requests, finish, stop, release the store.
        stack.push_async_callback(middleware.cancel_all)
        stack.push_async_callback(graceful_shutdown, middleware, lead, leading, database)
        metrics = await stack.enter_async_context(show_metrics(context, own_sockets))
        port = await stack.enter_async_context(serve(build_endpoints(context, app, metrics), sockets))
        if socket is not None:
            context.health.line = socket.status
            stack.push_async_callback(cancel_and_wait, asyncio.create_task(supervise("socket", socket.run)))
        team = identity.known and identity.known.team
        log.info("running", team=team, channel=settings.slack_channel, port=port, http=socket is None)
        await stack.enter_async_context(ready(manager, heartbeats))
        yield port
