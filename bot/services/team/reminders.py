"""Remind of evaluations that wait too long, each step once."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from bot.domain.reminders import Candidate, Reminder, ReminderState, decide, is_channel, next_due
from bot.domain.team_settings import Reminders, TeamSettings
from bot.domain.working_time import WorkingCalendar
from bot.metrics.catalog import NUDGES
from bot.metrics.meter import OFF, Meter
from bot.store import Store

log = structlog.get_logger()

_PAUSE_EACH_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 60.0
"""Seconds until the next look, by the number of evaluations that run: it costs some 0.1 ms for each."""
_WAITING_PAUSE_S: Final = 10.0
"""The least pause while only people who wait are looked for: their time is hours."""


class ReminderSender:
    """Decides which reminders go now. Off until the team sets after how much working time each comes, but for people
    who wait for an answer.
    """

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
        self.meter: Meter = OFF
        self._elapsed = elapsed
        self._next_look = elapsed()
        self._next_due: datetime | None = None
        self._known: TeamSettings | None = None
        self._store = store
        self._zone = zone
        self._zone_of = zone_of
        self._clock = clock

    async def send_due(self) -> datetime | None:
        """Settle what is done, and enqueue what is due. Return when the next reminder is due, if that is within a
        minute. Call it then, at each full minute, and when something was written.

        With many evaluations, it looks for what is due less often, but once a minute at least, and when the settings
        have changed.
        """
        now = self._clock()
        settings = await self._store.team.settings()
        settled = await self._store.reminders.settle(now=now)
        is_new, self._known = settings != self._known, settings
        is_on = _has_steps(settings.reminders) or settings.reminders.waiting is not None
        if not is_on:
            self._next_due = None
        is_time = is_on and (is_new or self._elapsed() >= self._next_look)
        decided = await self._decide(settings, now) if is_time else []
        recorded = list[Reminder]()
        if decided:
            recorded = await self._store.reminders.record(decided, at=now, day_began=await self._days(decided, now))
        if settled or decided:
            sent = sum(each.state is ReminderState.SENT for each in recorded)
            log.info("reminders_decided", decided=len(decided), sent=sent, settled=len(settled))
        for each in recorded:
            self.meter.count(NUDGES, each.step, each.state)
        for step in settled:
            self.meter.count(NUDGES, step, ReminderState.SETTLED)
        return self._next_due

    async def _decide(self, settings: TeamSettings, now: datetime) -> list[Reminder]:
        only_waiting = not _has_steps(settings.reminders)
        candidates = await self._store.reminders.candidates(now=now, only_waiting=only_waiting)
        least = _WAITING_PAUSE_S if only_waiting else 0.0
        self._next_look = self._elapsed() + max(least, min(len(candidates) * _PAUSE_EACH_S, _LONGEST_PAUSE_S))
        away = await self._store.absences.away(at=now)
        team = settings.calendar(self._zone)
        calendars = await self._calendars(settings, candidates)
        decided, due = list[Reminder](), list[datetime]()
        for each in candidates:
            own = calendars.get(each.owner or "", team)
            due += next_due(each, settings.reminders, own if each.owner else team, now=now)
            found = decide(each, settings.reminders, team=team, own=own, now=now, away=away)
            if all(calendars.get(one.to, team).is_open(now) for one in found):
                decided += found
        self._next_due = min(due, default=None)
        return decided

    async def _calendars(self, settings: TeamSettings, candidates: list[Candidate]) -> dict[str, WorkingCalendar]:
        """Return the calendar of everybody who may get a reminder, in their own time zone."""
        boss = settings.reminders.escalate_to
        people = {each.owner for each in candidates if each.owner}
        people |= {boss} if boss and not is_channel(boss) else set()
        return {user: settings.calendar(await self._zone_of(user)) for user in sorted(people)}

    async def _days(self, decided: list[Reminder], now: datetime) -> dict[str, datetime]:
        """Return when the present day began for each person who gets a reminder."""
        began = dict[str, datetime]()
        for user in sorted({each.to for each in decided if not is_channel(each.to)}):
            zone = await self._zone_of(user)
            today = datetime.combine(now.astimezone(zone).date(), time.min, tzinfo=zone)
            began[user] = today.astimezone(UTC)
        return began


def _has_steps(reminders: Reminders) -> bool:
    """Return whether the team wants to be reminded of more than people who wait for an answer."""
    return any((reminders.unclaimed, reminders.untouched, reminders.escalated, reminders.ending))
