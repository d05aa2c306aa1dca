"""Let admins edit the team's settings in Slack, as the text of the team file."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.errors import TeamFileWrong
from bot.exports.team_toml import read_team_toml, write_team_toml
from bot.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamFile:
    """The team's settings as text, with a mark that changes when they do."""

    text: str
    version: str


class TeamFileEditor:
    """Reads and replaces the team's settings."""

    def __init__(self, store: Store, *, channel: str, admins: Sequence[str], clock: Callable[[], datetime]) -> None:
        """`channel` is where the cards of apps go that have no channel of their own. Only `admins` may edit."""
        self._store = store
        self._channel = channel
        self._admins = frozenset(admins)
        self._clock = clock

    def may_edit(self, user: str) -> bool:
        """Return whether a person is an admin."""
        return user in self._admins

    async def read(self) -> TeamFile:
        """Return what is set now."""
        text = write_team_toml(await self._store.team.settings())
        return TeamFile(text=text, version=hashlib.sha256(text.encode()).hexdigest()[:16])

    async def is_current(self, version: str) -> bool:
        """Return whether nobody has changed the settings since `version`."""
        return (await self.read()).version == version

    def problems(self, text: str) -> tuple[str, ...]:
        """Return everything that is wrong with a text, each with its line."""
        try:
            read_team_toml(text, today=self._clock().date())
        except TeamFileWrong as exc:
            return exc.problems
        return ()

    async def replace(self, text: str, *, version: str, by: str) -> dict[str, str] | None:
        """Replace the settings, unless somebody changed them since `version`: then return None.

        Otherwise return what changed, by key. Raises TeamFileWrong if the text cannot be used.
        """
        now = self._clock()
        wanted = read_team_toml(text, today=now.date())
        if not await self.is_current(version):
            return None
        changes = await self._store.team.change_settings(wanted, by=by, at=now)
        await self._store.outbox.move(self._channel)
        return changes
