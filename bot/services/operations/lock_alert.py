"""Alert once when another program locks the database, and once when the lock is released."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

import structlog

from bot.errors import SlackError
from bot.slack.blocks import note_message
from bot.slack.client.web_client import MessageRef, SlackClient
from bot.slack.ids import Event
from bot.slack.views import alerts
from bot.store.engine.database import Database

log = structlog.get_logger()

_ALERT_AFTER: Final = timedelta(seconds=30)
"""A lock released within this time delayed nobody for long."""


class LockAlert:
    """Alerts the admins, or the channel if there are none.

    The outbox is in the locked database, so both messages go straight to Slack.
    """

    def __init__(
        self,
        database: Database,
        slack: SlackClient,
        *,
        admins: Sequence[str],
        channel: str,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._slack = slack
        self._to = tuple(admins) or (channel,)
        self._elapsed = elapsed
        self._announced: dict[str, float] = {}
        """Who has been told of the lock, with the time at which it began."""

    async def look(self) -> None:
        """Check the lock and send any alert that is due. Call it every few seconds."""
        since = self._database.locked_since
        if since is None:
            for each, then in list(self._announced.items()):
                if await self._say(alerts.database_free(timedelta(seconds=self._elapsed() - then)), each):
                    del self._announced[each]
        elif (length := timedelta(seconds=self._elapsed() - since)) >= _ALERT_AFTER:
            text = alerts.database_locked(length, by=self._database.writers())
            for each in self._to:
                if each not in self._announced and await self._say(text, each):
                    self._announced[each] = since

    async def _say(self, text: str, channel: str) -> bool:
        try:
            await self._slack.post(channel, note_message(text), MessageRef(event=Event.MESSAGE, number=0))
        except SlackError as exc:
            log.warning("lock_not_announced", reason=str(exc))
            return False
        return True
