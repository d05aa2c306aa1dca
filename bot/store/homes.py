"""Who opened their Home tab, and what it shows in Slack."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, select, update

from bot.concurrency.shield import interruptible, shielded
from bot.domain.home import PublishedHome
from bot.store.engine.database import Database
from bot.store.engine.upsert import insert_or
from bot.store.schema import do_not_contact, evaluation, license_, mail, poll
from bot.store.team_tables import absence, home, own_digest, snooze

_SHOWN_TABLES: Final = (evaluation, license_, mail, do_not_contact, snooze, poll, absence, own_digest)
"""The tables that a Home tab shows something of."""


@shielded
class Homes:
    """Home tabs, by Slack user id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def opened(self, user: str, *, at: datetime) -> PublishedHome:
        """Record that somebody opened their Home tab, and return what it shows."""
        async with self._database.write() as connection:
            one = insert_or(home, connection.dialect.name).values(user_id=user, opened_at=at)
            await connection.execute(one.on_conflict_do_update(index_elements=[home.c.user_id], set_={"opened_at": at}))
            return _home((await connection.execute(select(home).where(home.c.user_id == user))).one())

    async def published(self, shown: PublishedHome) -> None:
        """Record what somebody's Home tab shows now."""
        values = {"hash": shown.slack_hash, "digest": shown.digest}
        async with self._database.write() as connection:
            await connection.execute(update(home).where(home.c.user_id == shown.user).values(values))

    async def forget(self, user: str) -> None:
        """Do not keep somebody's Home tab up to date any more."""
        async with self._database.write() as connection:
            await connection.execute(delete(home).where(home.c.user_id == user))

    async def list_opened(self, *, since: datetime) -> list[PublishedHome]:
        """Return the Home tabs that were opened since then."""
        recent = select(home).where(home.c.opened_at >= since).order_by(home.c.user_id)
        async with self._database.read() as connection:
            return [_home(row) for row in await connection.execute(recent)]

    async def find(self, user: str) -> PublishedHome:
        """Return what somebody's Home tab shows."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(home).where(home.c.user_id == user))).first()
            return PublishedHome(user=user) if row is None else _home(row)

    async def changed(self, since: int, *, seconds: float) -> None:
        """Wait for a commit after `Database.writes` was `since` that a Home tab may show, but no longer than this."""
        with interruptible():
            await self._database.written(since, seconds=seconds, to=_SHOWN_TABLES)


def _home(row: Row[Any]) -> PublishedHome:
    return PublishedHome(user=row.user_id, slack_hash=row.hash or "", digest=row.digest or "")
