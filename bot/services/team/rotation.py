"""Give new evaluations an owner, and take them from people who left."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from bot.concurrency.ttl_cache import TTLCache
from bot.domain.rotation import Unavailable
from bot.errors import SlackError, SlackOutcomeUnknown, SlackRefused, SlackUnavailable
from bot.services.team.permissions import FRESH, Outsider, Permissions
from bot.slack.client.web_client import SlackClient
from bot.store import IDLE_S, Store
from bot.store.rotation import Seat

log = structlog.get_logger()

_RETRY_S: Final = 5.0
"""Seconds until the next attempt while Slack cannot say who is there."""
_UNAVAILABLE: Final = {
    Outsider.BOT: Unavailable.BOT,
    Outsider.GONE: Unavailable.GONE,
    Outsider.ELSEWHERE: Unavailable.ELSEWHERE,
    Outsider.GUEST: Unavailable.GUEST,
    Outsider.UNKNOWN: Unavailable.GONE,
}


class OwnerRotation:
    """Chooses owners by the rotation that the team set."""

    def __init__(
        self, store: Store, slack: SlackClient, permissions: Permissions, *, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._permissions = permissions
        self._clock = clock
        self._members = TTLCache(slack.channel_members, ttl=FRESH, clock=clock)

    async def run(self) -> None:
        """Choose owners until this task is cancelled."""
        while True:
            moment = self._store.database.writes
            is_done = await self.assign()
            await self._store.rotation.changed(moment, seconds=IDLE_S if is_done else _RETRY_S)

    async def assign(self) -> bool:
        """Choose an owner for each evaluation that waits for one, and return whether none waits any more. While Slack
        cannot say who is there, they wait.
        """
        while (seats := await self._store.rotation.seats()) is not None:
            try:
                available = {seat: await self._unavailable(seat) for seat in seats}
            except (SlackUnavailable, SlackOutcomeUnknown) as exc:
                log.info("rotation_waits", reason=str(exc))
                return False
            assigned = await self._store.rotation.assign(available, at=self._clock())
            log.info("owners_assigned", evaluations=assigned)
        return True

    async def release_of_leavers(self) -> None:
        """Take the running evaluations from everybody whose account was deactivated."""
        for owner in await self._store.rotation.owners():
            try:
                is_gone = await self._permissions.outsider(owner) is Outsider.GONE
            except SlackError as exc:
                log.info("rotation_waits", reason=str(exc))
                return
            if is_gone:
                await self.release_all(owner)

    async def release_all(self, owner: str) -> None:
        """Take all running evaluations from somebody who left."""
        while released := await self._store.rotation.hand_over(owner, None, by=None, at=self._clock()):
            log.info("evaluations_released", evaluations=released)

    async def _unavailable(self, seat: Seat) -> Unavailable | None:
        """Return why somebody gets no evaluation in a channel. What Slack refuses to say counts as no reason."""
        try:
            outsider = await self._permissions.outsider(seat.user)
            if outsider is not None:
                return _UNAVAILABLE[outsider]
            return None if seat.user in await self._members(seat.channel) else Unavailable.NOT_IN_CHANNEL
        except SlackRefused as exc:
            log.warning("availability_unknown", code=exc.code)
            return None
