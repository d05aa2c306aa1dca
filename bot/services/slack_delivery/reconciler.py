"""Detects a database that was restored from a backup, and adopts the cards in Slack that it does not know."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Final

import structlog

from bot.domain.card_snapshot import LONGEST_TRIAL, PostedCard
from bot.domain.outbox import ApiMethod, Route
from bot.errors import SlackRefused
from bot.services.privacy import erase_again
from bot.services.slack_delivery.outages import SlackOutages
from bot.slack.client.web_client import SlackClient, is_person
from bot.slack.views.alerts import went_back
from bot.store import Store
from bot.store.installation import WentBack

log = structlog.get_logger()

_EVERY_S: Final = 60.0


class Comparison(Enum):
    """The result of a comparison."""

    ALL = auto()
    """The database knows every message of the bot in Slack."""
    NOTHING = auto()
    """Slack refused to show the messages, but nothing indicates that the database went back in time."""
    TOO_LITTLE = auto()
    """Slack refused to show the messages, and the database went back in time: no card may be posted and no
    email sent.
    """


class Reconciler:
    """Compares the channels with the database. `us` waits for the bot's user id in Slack."""

    def __init__(  # noqa: PLR0913  its collaborators, one by one
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
        """Set once it is known whether the database went back in time. Until then no new record may be given an id."""
        self.may_email = asyncio.Event()
        """Set once no message in Slack is known to hold emails, do-not-contact entries, reminders or digests that the
        database lost.
        """
        self.has_compared = asyncio.Event()
        """Set once the database holds everything recorded on the cards in Slack. Until then their metadata
        must stay.
        """
        self._refused_for: str | None = None

    async def looked(self) -> None:
        """Wait until new trials may be recorded."""
        await self.has_looked.wait()

    async def email_allowed(self) -> None:
        """Wait until emails, reminders and digests may be sent."""
        await self.may_email.wait()

    async def keep_looking(self) -> None:
        """Repeat the comparison once a minute while Slack refuses to show a channel."""
        while True:
            await asyncio.sleep(_EVERY_S)
            if not self.has_compared.is_set():
                await self.compare()

    async def compare(self) -> Comparison:
        """Compare the newest messages with the database, or all messages if the database went back in time.

        This takes one call for each channel, unless the database went back. SlackUnavailable and SlackOutcomeUnknown
        pass through. If Slack refuses to show the channel, the admins are alerted only if cards wait for it.
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
                # No card is posted until the channel can be read, which is worse than a lookup that fails.
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
        await erase_again(self._store, at=now)  # a card tells who was erased since the backup

    async def _shown(self, channel: str, since: datetime | None) -> list[PostedCard]:
        """Return the bot's messages in a channel. A former channel that Slack no longer shows yields none."""
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
        """Return the current channel first, then the former ones."""
        others = await self._store.installation.channels()
        every = dict.fromkeys([self._channel, *others])
        return [channel for channel in every if not is_person(channel)]
