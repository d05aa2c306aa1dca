"""Find out whether the database went back in time, and take up what stands in Slack that it does not know."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Final

import structlog

from bot.domain.card_snapshot import LONGEST_TRIAL, PostedCard
from bot.domain.outbox import ApiMethod, Route
from bot.errors import SlackRefused
from bot.services.slack_delivery.outages import SlackOutages
from bot.slack.client.web_client import SlackClient, is_person
from bot.slack.views.alerts import went_back
from bot.store import Store
from bot.store.installation import WentBack

log = structlog.get_logger()

_EVERY_S: Final = 60.0


class Comparison(Enum):
    """What a comparison came to."""

    ALL = auto()
    """The database knows what stands in Slack."""
    NOTHING = auto()
    """Slack refused to show it, and nothing says that the database went back."""
    TOO_LITTLE = auto()
    """Slack refused to show it, and the database went back: no card may be posted, and no email sent."""


class Reconciler:
    """Compares the channels with the database. `us` waits for the bot's user id in Slack."""

    def __init__(
        self,
        store: Store,
        slack: SlackClient,
        *,
        us: Callable[[], Awaitable[str]],
        channel: str,
        admins: Sequence[str],
        outages: SlackOutages,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._slack = slack
        self._us = us
        self._channel = channel
        self._admins = tuple(admins)
        self._outages = outages
        self._clock = clock
        self.has_looked = asyncio.Event()
        """Set once it is known whether the database went back; until then no id may be given to anything new."""
        self.may_email = asyncio.Event()
        """Set once no card in Slack is known to tell of emails and noes that the database has forgotten."""
        self.has_compared = asyncio.Event()
        """Set once the database knows what the cards in Slack tell; until then their metadata has to stay."""
        self._refused_for: str | None = None

    async def looked(self) -> None:
        """Wait until trials may be taken in."""
        await self.has_looked.wait()

    async def email_allowed(self) -> None:
        """Wait until emails may be sent."""
        await self.may_email.wait()

    async def keep_looking(self) -> None:
        """Compare again, once a minute, while Slack refuses to show a channel."""
        while True:
            await asyncio.sleep(_EVERY_S)
            if not self.has_compared.is_set():
                await self.compare()

    async def compare(self) -> Comparison:
        """Compare the newest messages with the database, and all where it went back.

        One call a channel, unless the database went back. SlackUnavailable and SlackOutcomeUnknown pass through. Where
        Slack refuses to show the channel, the admins are told only if cards wait for it.
        """
        seen = await self._compare()
        if seen is Comparison.ALL:
            self.has_compared.set()
        if seen is not Comparison.TOO_LITTLE:
            self.may_email.set()
        self.has_looked.set()
        return seen

    async def _compare(self) -> Comparison:
        present = await self._store.installation.generation()
        found: WentBack | None = None
        try:
            if not present.must_look:
                newest = await self._newest()
                above = await self._store.installation.went_back(newest)
                if above is None:
                    await self._store.installation.compared(present.number, at=self._clock())
                    return Comparison.ALL
                found = await self._store.installation.go_back(at=self._clock(), above=above, instead_of=present.number)
                log.warning("database_went_back", mails=found.mails if found else 0)
            await self._adopt(found)
        except SlackRefused as exc:
            if self._refused_for != exc.code:
                log.warning("slack_not_compared", code=exc.code, reason=str(exc))
            self._refused_for = exc.code
            if (await self._store.installation.generation()).must_look:
                # Nothing is posted until then, which is worse than not to be able to look.
                await self._outages.refused(Route(ApiMethod.POST, self._channel), exc)
                return Comparison.TOO_LITTLE
            return Comparison.NOTHING
        await self._outages.recovered(Route(ApiMethod.POST, self._channel))
        return Comparison.ALL

    async def _newest(self) -> list[PostedCard]:
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
        claimed = await self._store.installation.adopt(posted, text=text, to=to, at=now)
        log.warning("cards_adopted", cards=claimed, messages=len(posted))

    async def _shown(self, channel: str, since: datetime | None) -> list[PostedCard]:
        """What stands in a channel; nothing in one of former times that Slack does not show any more."""
        try:
            if since is None:
                return await self._slack.newest(channel, us=await self._us())
            return await self._slack.posted(channel, us=await self._us(), since=since)
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
