"""Find out whether the database went back in time, and take up what stands in Slack that it does not know."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from bot.domain.trace import LONGEST_TRIAL, Posted
from bot.errors import SlackRefused
from bot.services.closed import ClosedWays
from bot.slack.poster import Poster, is_person
from bot.slack.reports import went_back
from bot.store import Store
from bot.store.installation import WentBack
from bot.store.queue import Lane, Way

log = structlog.get_logger()

_EVERY_S: Final = 60.0


class Reconciler:
    """Compares the channels with the database. `us` waits for the bot's user id in Slack."""

    def __init__(
        self,
        store: Store,
        poster: Poster,
        *,
        us: Callable[[], Awaitable[str]],
        channel: str,
        admins: Sequence[str],
        closed: ClosedWays,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._poster = poster
        self._us = us
        self._channel = channel
        self._admins = tuple(admins)
        self._closed = closed
        self._clock = clock
        self.has_compared = asyncio.Event()
        """Set once Slack was compared for the first time since the start."""

    async def compared(self) -> None:
        """Wait until Slack was compared for the first time: only then are trials taken in, and emails sent."""
        await self.has_compared.wait()

    async def keep_looking(self) -> None:
        """Compare again, once a minute, while cards wait for it as Slack would not show a channel."""
        while True:
            await asyncio.sleep(_EVERY_S)
            if (await self._store.installation.generation()).must_look:
                await self.compare()

    async def compare(self) -> bool:
        """Compare the newest messages with the database, and all where it went back; whether cards may be posted.

        One call a channel, unless the database went back. SlackUnavailable and SlackOutcomeUnknown pass through. Where
        Slack refuses to show the channel, the admins are told only if cards wait for it.
        """
        may_post = await self._compare()
        self.has_compared.set()
        return may_post

    async def _compare(self) -> bool:
        present = await self._store.installation.generation()
        found: WentBack | None = None
        try:
            if not present.must_look:
                newest = await self._newest()
                above = await self._store.installation.went_back(newest)
                if above is None:
                    await self._store.installation.compared(present.number, at=self._clock())
                    return True
                found = await self._store.installation.go_back(at=self._clock(), above=above, instead_of=present.number)
                log.warning("database_went_back", mails=found.mails if found else 0)
            await self._adopt(found)
        except SlackRefused as exc:
            log.warning("slack_not_compared", code=exc.code, reason=str(exc))
            if (await self._store.installation.generation()).must_look:
                # Nothing is posted until then, which is worse than not to be able to look.
                await self._closed.refused(Way(Lane.POST, self._channel), exc)
                return False
            return True
        await self._closed.passed(Way(Lane.POST, self._channel))
        return True

    async def _newest(self) -> list[Posted]:
        found = []
        for channel in await self._channels():
            found += await self._shown(channel, None)
        return found

    async def _adopt(self, found: WentBack | None) -> None:
        now = self._clock()
        present = await self._store.installation.generation()
        posted = []
        for channel in await self._channels():
            posted += await self._shown(channel, min(present.look_since or now, now) - LONGEST_TRIAL)
        text = went_back(present.look_since or now, mails=found.mails if found else None)
        to = self._admins or (self._channel,)
        taken = await self._store.installation.adopt(posted, text=text, to=to, at=now)
        log.warning("cards_adopted", cards=taken, messages=len(posted))

    async def _shown(self, channel: str, since: datetime | None) -> list[Posted]:
        """What stands in a channel; nothing in one of former times that Slack does not show any more."""
        try:
            if since is None:
                return await self._poster.newest(channel, us=await self._us())
            return await self._poster.posted(channel, us=await self._us(), since=since)
        except SlackRefused as exc:
            if channel == self._channel:
                raise
            log.warning("channel_not_compared", channel=channel, code=exc.code)
            return []

    async def _channels(self) -> list[str]:
        """The channel of today first, then those of former times."""
        others = await self._store.installation.channels()
        every = dict.fromkeys([self._channel, *others])
        return [channel for channel in every if not is_person(channel)]
