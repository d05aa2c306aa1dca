"""Send the digests that are due, each exactly once."""

from collections.abc import Awaitable, Callable
from datetime import datetime, time
from zoneinfo import ZoneInfo

import structlog

from bot.domain.digest import DigestPeriod, due_digests, due_own_digests, own_time
from bot.domain.team_settings import TeamSettings
from bot.errors import SlackError
from bot.metrics.catalog import DIGESTS
from bot.metrics.labels import DigestOutcome
from bot.metrics.meter import OFF, Meter
from bot.services.team.permissions import Outsider
from bot.store import Store

log = structlog.get_logger()


class DigestSender:
    """Enqueues the digest of each channel that has cards, and of each person who switched theirs on."""

    def __init__(
        self,
        store: Store,
        *,
        channel: str,
        zone: ZoneInfo,
        zone_of: Callable[[str], Awaitable[ZoneInfo]],
        outsider: Callable[[str], Awaitable[Outsider | None]],
        clock: Callable[[], datetime],
    ) -> None:
        """`channel` is where the cards of apps go that have no channel of their own. `zone` is the team's, `zone_of`
        returns a person's, and `outsider` says why somebody is no member of the team.
        """
        self.meter: Meter = OFF
        self._store = store
        self._channel = channel
        self._zone = zone
        self._zone_of = zone_of
        self._outsider = outsider
        self._clock = clock

    async def send_due(self) -> None:
        """Enqueue what is due now. If there is nothing to say, it is left out. Call it at each full minute, and when
        something was written.
        """
        now = self._clock()
        settings = await self._store.team.settings()
        for period in due_digests(settings.digest, settings.calendar(self._zone), now):
            for channel in dict.fromkeys([self._channel, *(own for _, own in settings.channels)]):
                await self._send(period, channel, now)
        try:
            await self._send_own(settings, now)
        except SlackError as exc:
            log.info("own_digests_wait", reason=str(exc))

    async def _send_own(self, settings: TeamSettings, now: datetime) -> None:
        """Enqueue each person's own digest. Nobody who is away gets one, nor somebody who left the team."""
        people = await self._store.digests.people()
        away = await self._store.absences.away(at=now) if people else {}
        for user in sorted(people.keys() - away.keys()):
            for period in due_own_digests(settings.digest, settings.calendar(await self._zone_of(user)), now):
                if period.until < people[user] or await self._store.digests.has_begun(period, user):
                    continue
                if await self._outsider(user) is not None:
                    await self._store.digests.switch_own(user, on=False, at=now)
                else:
                    await self._send(period, user, now, is_wanted=not await self._may_have_come(period))

    async def _send(self, period: DigestPeriod, channel: str, now: datetime, *, is_wanted: bool = True) -> None:
        if await self._store.digests.has_begun(period, channel):
            return
        sends = is_wanted and not (await self._store.digests.read(period, channel)).is_empty
        if await self._store.digests.begin(period, channel, sends=sends, at=now):
            self.meter.count(DIGESTS, period.kind, DigestOutcome.SENT if sends else DigestOutcome.EMPTY)
            log.info("digest_decided", kind=period.kind, day=str(period.day), sent=sends)

    async def _may_have_come(self, period: DigestPeriod) -> bool:
        """Return whether a direct message may have been sent before the database was restored from a backup: the bot
        cannot read those.
        """
        generation = await self._store.installation.generation()
        return generation.since is not None and period.until <= generation.since


class OwnDigests:
    """Lets people switch on a digest of their own."""

    def __init__(self, store: Store, *, zone: ZoneInfo, clock: Callable[[], datetime]) -> None:
        """`zone` is the team's."""
        self._store = store
        self._zone = zone
        self._clock = clock

    async def switch(self, user: str, *, on: bool) -> time | None:
        """Switch somebody's digest on or off. Return the local time at which it comes, or None if it is off."""
        await self._store.digests.switch_own(user, on=on, at=self._clock())
        settings = await self._store.team.settings()
        return own_time(settings.digest, settings.calendar(self._zone)) if on else None
