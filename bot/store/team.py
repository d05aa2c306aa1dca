"""The team's settings."""

from datetime import date, datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.team_settings import TeamSettings, differences, to_plain
from bot.domain.team_settings_reader import read_team_settings
from bot.store.engine.database import Database
from bot.store.schema import audit
from bot.store.team_tables import team_settings


async def load_team_settings(connection: AsyncConnection) -> TeamSettings:
    """Return what the team set."""
    content = await connection.scalar(select(team_settings.c.content))
    return read_team_settings(content or {}, today=date.min)[0]


@shielded
class Team:
    """What the team set about its day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settings(self) -> TeamSettings:
        """Return what the team set."""
        async with self._database.read() as connection:
            return await load_team_settings(connection)

    async def change_settings(self, settings: TeamSettings, *, by: str, at: datetime) -> dict[str, str]:
        """Replace all settings, and record in the audit log what changed. Return that, by key."""
        async with self._database.write() as connection:
            changes = differences(await load_team_settings(connection), settings)
            if changes:
                await connection.execute(delete(team_settings))
                await connection.execute(insert(team_settings).values(content=to_plain(settings), changed_at=at))
                await connection.execute(insert(audit).values(at=at, actor=by, action="team", details=changes))
            return changes
