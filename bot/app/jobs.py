"""The jobs that run on a schedule."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from bot.app.context import Context
from bot.app.idle_job import IdleJob
from bot.app.scheduler import Run, Scheduler
from bot.services.operations.clock_watch import ClockWatch
from bot.services.operations.lock_alert import LockAlert
from bot.services.privacy import apply_retention, erase_again
from bot.services.slack_delivery.reconciler import Reconciler
from bot.services.team.digests import DigestSender
from bot.services.team.reminders import ReminderSender

log = structlog.get_logger()

_PAUSES_EVERY: Final = timedelta(hours=1)
"""How often do-not-contact pauses are checked for their end."""
_REMINDERS_PAUSE_S: Final = 2.0
"""The shortest time between two checks for reminders, and so how soon changed settings count."""
_DIGESTS_PAUSE_S: Final = 5.0
_SNOOZES_PAUSE_S: Final = 5.0
_SCOPES_EVERY: Final = timedelta(minutes=1)
_WATCH_EVERY: Final = timedelta(seconds=5)
_EARLY_CARDS_EVERY: Final = timedelta(minutes=1)
"""How often early cards are checked for a license that did not come."""
_MATCH_FEEDBACK_EVERY: Final = timedelta(minutes=1)
"""How often feedback that fits no license is matched again."""
_OWNERS_EVERY: Final = timedelta(minutes=1)
"""How often Slack is asked about new owners, so that tables have their email addresses."""
_LEAVERS_EVERY: Final = timedelta(hours=1)
_WIPE_EVERY: Final = timedelta(minutes=1)


def schedule_jobs(jobs: Scheduler, context: Context, *, elapsed: Callable[[], float]) -> None:
    """Schedule everything but polls, and what `send_reminders` does."""
    settings, components = context.settings, context.components
    watch = ClockWatch(components.store, clock=context.clock, elapsed=elapsed)
    lock = LockAlert(
        components.store.database, components.slack, admins=settings.slack_admins, channel=settings.slack_channel
    )

    async def retention() -> None:
        await erase_again(components.store, at=context.clock())
        if await watch.is_steady():
            await apply_retention(components.store, retention=settings.retention, at=context.clock())
        else:
            log.warning("retention_put_off")

    jobs.every(_WATCH_EVERY, "clock", watch.look)
    jobs.every(_WATCH_EVERY, "lock", lock.look)
    jobs.every(_SCOPES_EVERY, "scopes", lambda: components.alerts.check_scopes(context.identity.scopes_missing()))
    jobs.every(_PAUSES_EVERY, "pauses", context.dnc.end_pauses)
    jobs.every(_EARLY_CARDS_EVERY, "early_cards", context.signals.expire)
    jobs.every(_MATCH_FEEDBACK_EVERY, "feedback", context.feedback.match)
    jobs.every(_OWNERS_EVERY, "owners", context.owner_directory.update)
    jobs.every(_LEAVERS_EVERY, "leavers", context.rotation.release_of_leavers)
    jobs.every(_WIPE_EVERY, "wipe", components.store.personal_data.wipe)
    jobs.at_midnight(settings.timezone, "update_cards", context.cards.update_running)
    jobs.at_midnight(settings.timezone, "retention", retention)


async def begin_polls(jobs: Scheduler, context: Context, reconciler: Reconciler, poll: Run) -> None:
    """Schedule the polls once the reconciler has found out which ids may be assigned."""
    await reconciler.looked()
    jobs.every(context.settings.poll_every, "poll", poll)


async def send_reminders(context: Context, reconciler: Reconciler, *, elapsed: Callable[[], float]) -> None:
    """Send reminders and digests, and end snoozes, once the database has what only Slack knew, until this task is
    cancelled.
    """
    await reconciler.email_allowed()
    components, settings = context.components, context.settings
    digests = DigestSender(
        components.store,
        channel=settings.slack_channel,
        zone=settings.timezone,
        zone_of=context.follow_up.zone,
        outsider=context.permissions.outsider,
        clock=context.clock,
    )
    reminders = ReminderSender(
        components.store,
        zone=settings.timezone,
        zone_of=context.follow_up.zone,
        clock=context.clock,
        elapsed=elapsed,
    )
    digests.meter = reminders.meter = components.meter
    database, clock = components.store.database, context.clock
    async with asyncio.TaskGroup() as group:
        for name, work, pause in (
            ("digests", digests.send_due, _DIGESTS_PAUSE_S),
            ("reminders", reminders.send_due, _REMINDERS_PAUSE_S),
            ("snoozes", context.follow_up.remind, _SNOOZES_PAUSE_S),
        ):
            job = IdleJob(name, work, database=database, clock=clock)
            group.create_task(job.run(pause=pause))
