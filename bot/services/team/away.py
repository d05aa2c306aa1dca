"""Who is away: they say so themselves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.services.team.permissions import Permissions
from bot.store import Store
from bot.store.absences import Absence


@dataclass(frozen=True, slots=True, kw_only=True)
class AwayNow:
    """Somebody is away from now on, and still owns so many running evaluations."""

    until: date | None
    owned: int


class Away:
    """Absences of the team."""

    def __init__(
        self, store: Store, permissions: Permissions, *, zone: ZoneInfo, clock: Callable[[], datetime]
    ) -> None:
        """`zone` is the team's time zone, for people whose own Slack does not say."""
        self._store = store
        self._permissions = permissions
        self._zone = zone
        self._clock = clock

    async def begin(self, user: str, *, until: date | None) -> AwayNow:
        """Record that somebody is away, through the day `until` in their own time zone."""
        ends = None if until is None else await self._end_of(until, user)
        await self._store.absences.begin(user, Absence(since=self._clock(), until=until, ends=ends))
        return AwayNow(until=until, owned=await self._store.rotation.count_owned(user))

    async def end(self, user: str) -> bool:
        """Record that somebody is back. Return False if they were not away."""
        return await self._store.absences.end(user, at=self._clock())

    async def hand_over(self, user: str, to: str) -> int:
        """Give all running evaluations of a person to another one. Return how many there were."""
        if user == to:
            return 0
        count = 0
        while given := await self._store.rotation.hand_over(user, to, by=user, at=self._clock()):
            count += given
        return count

    async def _end_of(self, day: date, user: str) -> datetime:
        try:
            zone = ZoneInfo(await self._permissions.zone(user))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            zone = self._zone
        return datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone).astimezone(UTC)
