"""What only the copy that leads does: poll, deliver, send emails, run the jobs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final

from bot.app.context import Context, Timing
from bot.app.heartbeat import watched_poll
from bot.app.jobs import begin_polls, schedule_jobs, send_reminders
from bot.app.lifecycle import finish_work, release_poller
from bot.app.scheduler import Scheduler
from bot.app.slack import build_outbox_worker, build_reconciler
from bot.app.webhooks import build_webhook_workers, open_client
from bot.app.workers import build_workers
from bot.slack.client.socket_mode import SocketMode

LONGEST_TURN: Final = timedelta(minutes=2)
"""The longest time between two renewals of the lease, or two checks of the schedule, if the database is locked."""
_LISTENS_EVERY: Final = timedelta(minutes=1)


@asynccontextmanager
async def leaders_work(
    context: Context, timing: Timing, socket: SocketMode | None
) -> AsyncIterator[Sequence[asyncio.Task[None]]]:
    """Do the leader's work inside the block. Yields the workers' tasks, which may be cancelled at any time.

    Everything is built again for each term, so that nothing is left from an earlier one. At the end, work in progress
    may finish if this copy still leads; otherwise it is cancelled.
    """
    components = context.components
    async with AsyncExitStack() as stack:
        stack.enter_context(context.heartbeats.while_they_work())
        reconciler = build_reconciler(context)
        outbox = build_outbox_worker(context, reconciler, limits=timing.limits)
        webhooks = build_webhook_workers(context, await stack.enter_async_context(open_client(context.settings)))
        workers = build_workers(context, reconciler, outbox, webhooks)
        jobs = Scheduler(beat=context.heartbeats.register("schedule", within=LONGEST_TURN))
        schedule_jobs(jobs, context, elapsed=timing.elapsed)
        if socket is not None:
            jobs.every(_LISTENS_EVERY, "listen", lambda: components.alerts.check_socket(socket.status()))
        poll = await stack.enter_async_context(watched_poll(context))
        remind = send_reminders(context, reconciler, elapsed=timing.elapsed)
        tasks = [*map(asyncio.create_task, (begin_polls(jobs, context, reconciler, poll), remind)), *workers.start()]
        jobs.start()
        # The stack unwinds from the last line to the first: no new jobs, finish, stop, release the store.
        stack.push_async_callback(release_poller, components.poller)
        stack.push_async_callback(jobs.shutdown)
        stack.push_async_callback(finish_work, workers.paused, tasks, components.store)
        stack.callback(jobs.pause)
        yield tasks
