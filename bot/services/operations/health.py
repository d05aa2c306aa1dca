"""Collect how the bot is doing from the store."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any, Final

from bot.concurrency.tasks import answer_within
from bot.domain.clock_skew import age, is_future
from bot.domain.health import HealthReport, MailboxStatus, SocketStatus, delays
from bot.domain.incidents import UNWIPED
from bot.errors import StoreError
from bot.services.operations.clock_watch import moved_by
from bot.services.slack_delivery.outages import describe_outages
from bot.store import Store
from bot.store.leases import LeaseStatus

_WEEK: Final = timedelta(days=7)
_MONTH: Final = timedelta(days=30)
_EXAMPLES: Final = 5
_TIMEOUT_S: Final = 5.0
_OUTDATED: Final = (
    "A newer version of Evaluator Bot has upgraded the database. This copy answers presses and does nothing else. "
    "Update it, too."
)


class Health:
    """Figures for people and for monitoring. None of them is personal."""

    def __init__(self, store: Store, *, poll_every: timedelta, clock: Callable[[], datetime]) -> None:
        self.line: Callable[[], SocketStatus | None] = lambda: None
        """Returns the state of the Socket Mode connection, once there is one."""
        self.mailbox: Callable[[], MailboxStatus | None] = lambda: None
        """Returns the state of the mailbox for replies, if this copy reads it."""
        self.problems: Callable[[], tuple[str, ...]] = tuple
        """Returns why Slack does not say who the bot is, or what the app's installation lacks; a sentence for each."""
        self._store = store
        self._poll_every = poll_every
        self._clock = clock

    async def report(self) -> HealthReport:
        """Return all figures of this moment. Delays are those of the last seven days."""
        now, polls = self._clock(), self._store.polls
        last, good, swept = await polls.last(), await polls.last_good(), await polls.last_good(is_full=True)
        open_incidents = await self._store.incidents.list_open()
        moved = moved_by(open_incidents)
        if moved is None and last is not None and is_future(last.started_at, now):
            moved = now - last.started_at
        return HealthReport(
            now=now,
            outcome=None if last is None else last.outcome,
            error=None if last is None else last.error,
            read_at=None if good is None else good.started_at,
            rows=None if good is None else good.stats.rows,
            swept_at=None if swept is None else swept.started_at,
            next_poll=None if last is None else min(last.started_at, now) + self._poll_every,
            delays=delays(await self._store.evaluations.delays(since=now - _WEEK)),
            licensed=delays([lag for _, lag in await self._store.app_signals.delays(since=now - _MONTH)]),
            quarantined=await polls.quarantined(),
            examples=tuple(await polls.set_aside(at_most=_EXAMPLES)),
            waiting=await self._store.outbox.waiting(),
            mails_waiting=await self._store.mails.waiting(),
            bounces_unclear=await self._store.bounces.count_unclear(since=now - _MONTH),
            closed=tuple(describe_outages(open_incidents)),
            given_up=await self._store.outbox.given_up(since=now - _WEEK),
            webhooks=tuple(await self._store.webhooks.list_addresses(since=now - _WEEK)),
            clock_moved=moved,
            locked=self._store.database.locked_for(),
            unwiped=any(each.incident == UNWIPED for each in open_incidents),
            line=self.line(),
            mailbox=self.mailbox(),
            problems=(*self.problems(), *([_OUTDATED] if self._store.leases.is_outdated else [])),
        )

    async def figures(self) -> dict[str, Any]:
        """Return the same figures for machines, with who leads. Ages and delays are in seconds; `problems` are
        sentences that say what to do. Without a database that answers, little else is known.
        """
        try:
            lease, rest = await answer_within(_TIMEOUT_S, self._now())
        except (StoreError, TimeoutError) as exc:
            problem = str(exc) or f"The database did not answer within {_TIMEOUT_S:.0f} seconds."
            lease, rest = self._store.leases.last_status(), {"problems": [problem, *self.problems()]}
        return {**asdict(lease), "version": version("evaluator-bot"), **rest}

    async def _now(self) -> tuple[LeaseStatus, dict[str, Any]]:
        return await self._store.leases.status(), await self._rest()

    async def _rest(self) -> dict[str, Any]:
        found = await self.report()
        late, line, mailbox = found.delays, found.line, found.mailbox
        return {
            "last_poll": found.outcome,
            "seconds_since_good_poll": _seconds(age(found.read_at, found.now)) if found.read_at else None,
            "seconds_since_sweep": _seconds(age(found.swept_at, found.now)) if found.swept_at else None,
            "rows_last_read": found.rows,
            "median_delay": _seconds(late.median) if late else None,
            "worst_delay": _seconds(late.worst) if late else None,
            "median_license_delay": _seconds(found.licensed.median) if found.licensed else None,
            "p90_license_delay": _seconds(found.licensed.p90) if found.licensed else None,
            "quarantined": found.quarantined,
            "waiting_for_slack": found.waiting,
            "mails_waiting": found.mails_waiting,
            "bounces_unclear": found.bounces_unclear,
            "closed_ways": len(found.closed),
            "given_up": found.given_up,
            "webhooks_waiting": sum(each.waiting for each in found.webhooks),
            "webhooks_failing": [each.name for each in found.webhooks if each.problem],
            "seconds_clock_moved": _seconds(found.clock_moved) if found.clock_moved else None,
            "seconds_database_locked": _seconds(found.locked) if found.locked is not None else None,
            "seconds_since_socket_heard": _seconds(line.heard) if line and line.heard is not None else None,
            "seconds_socket_down": _seconds(line.down) if line and line.down is not None else None,
            "seconds_since_mailbox_heard": _seconds(mailbox.heard) if mailbox and mailbox.heard is not None else None,
            "problems": [
                *found.closed,
                *found.problems,
                *(each.problem for each in found.webhooks if each.problem),
                *(each.problem for each in (line, mailbox) if each and each.problem),
            ],
        }


def _seconds(span: timedelta) -> int:
    return round(span.total_seconds())
