"""A team's day while copies of the bot come and go: each digest and each reminder comes once."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import time, timedelta
from time import monotonic
from typing import Any, Final

from bot.demo.fake_slack import Message
from bot.demo.scenario.sample_data import LANTERNS, Customer, license_record
from bot.domain.team_settings import DigestTimes, Reminders, TeamSettings
from bot.domain.working_time import WorkingDuration, WorkingHours
from bot.errors import StoreError
from bot.store import open_store
from tests.machine import limit
from tests.store.steps import SECRET
from tests.world import World

_HOURS: Final = WorkingHours.read("mon-sun 00:00-23:59")
_NUMBERED_FROM: Final = 9_000
UNCLAIMED: Final = """
SELECT card_ts FROM evaluation
WHERE owner IS NULL AND card_ts IS NOT NULL AND merged_into IS NULL
  AND first_seen < clock_timestamp() - interval '{seconds} seconds'
"""


class TeamDay:
    """Apps with a channel each, in which a digest is due once the team sets that channel, and reminders of what nobody
    claims.
    """

    def __init__(self, here: World, database: str, *, apps: int, unclaimed: str) -> None:
        self.here = here
        self.unclaimed = WorkingDuration.read(unclaimed)
        self._database = database
        self._apps = [replace(LANTERNS, key=f"example.team-day.app-{number:02}") for number in range(apps)]
        self._channels = {app.key: f"C0DAY{number:02}" for number, app in enumerate(self._apps)}

    async def begin(self) -> None:
        """Let a trial of each app start, whose card is in the app's channel."""
        for channel in self._channels.values():
            self.here.workspace.add_channel(channel, channel.lower())
        await self._set(self._channels)
        for number, app in enumerate(self._apps):
            name = f"day-{number:04}"
            firm = Customer(f"Day {number:04} Test", "Canada", "Americas", name, f"Kim {number:04}", f"kim@{name}.test")
            self.here.marketplace.add(license_record(_NUMBERED_FROM + number, app, firm, self.here.clock.today()))
        await self.here.workspace.until(lambda: len(self._cards()) >= len(self._apps), within=limit(120))

    async def go_on(self, *, until: float) -> None:
        """Let one digest after the other be due, at a steady pace, and the last of them before a moment."""
        # It is due for four hours, so that a copy whose clock is an hour wrong is in between, too.
        daily = (self.here.clock() - timedelta(hours=2)).time().replace(second=0, microsecond=0)
        pause = (until - monotonic()) / (len(self._channels) + 1)
        for number in range(1, len(self._channels) + 1):
            await asyncio.sleep(max(0.0, pause))
            await self._set(dict(list(self._channels.items())[:number]), daily)

    def missing(self, unclaimed: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return what did not come yet: the digest of each channel, and a reminder of each of these trials."""
        digests, reminders = self._digests(), self._reminders()
        return [where for where, number in digests.items() if not number] + [
            row["card_ts"] for row in unclaimed if not reminders[row["card_ts"]]
        ]

    def nothing_came_twice(self) -> None:
        """Check that each digest came once, and each reminder once at most."""
        assert set(self._digests().values()) == {1}, self._digests()
        assert set(self._reminders().values()) <= {0, 1}, self._reminders()

    def _digests(self) -> dict[str, int]:
        """Return how many there are in each channel."""
        messages = self.here.workspace.messages
        return {each: sum(_is_digest(message) for message in messages(each)) for each in self._channels.values()}

    def _cards(self) -> list[Message]:
        messages = self.here.workspace.messages
        return [each for channel in self._channels.values() for each in messages(channel) if not _is_digest(each)]

    def _reminders(self) -> dict[str, int]:
        """Return how many there are under each card, by its timestamp."""
        cards = [*self._cards(), *self.here.workspace.messages()]
        return {card.ts: sum(":alarm_clock:" in line for line in self.here.thread(card)) for card in cards}

    async def _set(self, channels: Mapping[str, str], daily: time | None = None) -> None:
        """Change the team's settings, however often the database is away."""
        wanted = TeamSettings(
            working_hours=_HOURS,
            channels=tuple(sorted(channels.items())),
            digest=DigestTimes(daily=daily),
            reminders=Reminders(unclaimed=self.unclaimed),
        )
        async with asyncio.timeout(limit(60)):
            while True:
                with suppress(StoreError):
                    async with open_store(self._database, secret_keys=[SECRET]) as store:
                        await store.team.change_settings(wanted, by="U0ANA", at=self.here.clock())
                        return
                await asyncio.sleep(0.5)


def _is_digest(message: Message) -> bool:
    return message.text.startswith("Digest of")
