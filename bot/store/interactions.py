"""The interactions of the last day, so that none is handled twice."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, update

from bot.concurrency.shield import shielded
from bot.store.engine.database import Database
from bot.store.mapping import insert_new
from bot.store.schema import interaction

_KEPT_FOR: Final = timedelta(days=1)
"""Slack retries for some minutes; a signed request can be replayed for five."""


@shielded
class Interactions:
    """Presses, commands and submissions that were received recently."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._under_way: set[str] = set()

    async def record(self, key: str, *, at: datetime) -> bool:
        """Record an interaction. Return whether it is the first time it is seen."""
        async with self._database.write() as connection:
            await connection.execute(
                delete(interaction).where((interaction.c.at < at - _KEPT_FOR) | (interaction.c.at > at + _KEPT_FOR))
            )
            is_new = await insert_new(connection, interaction, {"key": key, "at": at}) is not None
        if is_new:
            self._under_way.add(key)
        return is_new

    async def done(self, key: str) -> None:
        """Note that an interaction has been handled."""
        self._under_way.discard(key)
        async with self._database.write() as connection:
            await connection.execute(update(interaction).where(interaction.c.key == key).values(done=True))

    async def forget_interrupted(self) -> int:
        """Forget interactions that another process began and did not end, so that a retry is handled. Return how many
        there were.
        """
        of_others = ~interaction.c.done & interaction.c.key.not_in(self._under_way)
        async with self._database.write() as connection:
            return (await connection.execute(delete(interaction).where(of_others))).rowcount
