"""Remind of evaluations that wait too long, each step once."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from bot.domain.reminders import Candidate, Reminder, decide
from bot.domain.team_settings import Reminders, TeamSettings
from bot.domain.working_time import WorkingCalendar
from bot.store import Store

log = structlog.get_logger()

_PAUSE_EACH_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 60.0
"""Seconds until the next look, by the number of evaluations that run: it costs some 0.1 ms for each."""


class ReminderSender:
    """Decides which reminders go now. Off until the team sets after how much working time each comes."""

    def __init__(
        self,
        store: Store,
        *,
        zone: ZoneInfo,
        zone_of: Callable[[str], Awaitable[ZoneInfo]],
        clock: Callable[[], datetime],
        elapsed: Callable[[], float],
    ) -> None:
        """`zone` is the team's; `zone_of` returns a person's. `elapsed` returns the seconds of a clock that nobody
        sets.
        """
        self._elapsed = elapsed
        self._next_look = elapsed()
        self._store = store
        self._zone = zone
        self._zone_of = zone_of
        self._clock = clock

    async def send_due(self) -> None:
        """Settle what is done, and enqueue what is due. Call it every few seconds.

        With many evaluations, it looks for what is due less often: once a minute at least.
        """
        now = self._clock()
        settings = await self._store.team.settings()
        settled = await self._store.reminders.settle(now=now)
        is_time = _is_on(settings.reminders) and self._elapsed() >= self._next_look
        decided = await self._decide(settings, now) if is_time else []
        midnight = datetime.combine(now.astimezone(self._zone).date(), time.min, tzinfo=self._zone)
        sent = 0
        if decided:
            sent = await self._store.reminders.record(decided, at=now, day_began=midnight.astimezone(UTC))
        if settled or decided:
            log.info("reminders_decided", decided=len(decided), sent=sent, settled=settled)

    async def _decide(self, settings: TeamSettings, now: datetime) -> list[Reminder]:
        candidates = await self._store.reminders.candidates(now=now)
        self._next_look = self._elapsed() + min(len(candidates) * _PAUSE_EACH_S, _LONGEST_PAUSE_S)
        team = settings.calendar(self._zone)
        calendars = await self._calendars(settings, candidates)
        decided = list[Reminder]()
        for each in candidates:
            own = calendars.get(each.owner or "", team)
            decided += decide(each, settings.reminders, team=team, own=own, now=now)
        return decided

    async def _calendars(self, settings: TeamSettings, candidates: list[Candidate]) -> dict[str, WorkingCalendar]:
        """Return the calendar of each owner, in their own time zone."""
        owners = {each.owner for each in candidates if each.owner}
        return {owner: settings.calendar(await self._zone_of(owner)) for owner in sorted(owners)}


def _is_on(reminders: Reminders) -> bool:
    return any((reminders.unclaimed, reminders.untouched, reminders.escalated, reminders.ending))
