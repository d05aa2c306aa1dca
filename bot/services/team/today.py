"""What happened on a day, in the team's time zone."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.listing import EvaluationRow, Page
from bot.store import Store


class TodayList:
    """The list of a day."""

    def __init__(self, store: Store, *, zone: ZoneInfo, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._zone = zone
        self._clock = clock

    def today(self) -> date:
        """Return today's date in the team's time zone."""
        return self._clock().astimezone(self._zone).date()

    async def on(self, day: date, *, page: int) -> Page[EvaluationRow]:
        """Return a page of what started on this day by the report, or was announced on it by the team's clock."""
        begins = datetime.combine(day, time.min, tzinfo=self._zone)
        ends = datetime.combine(day + timedelta(days=1), time.min, tzinfo=self._zone)
        return await self._store.evaluations.of_day(day, begins=begins, ends=ends, page=page)
