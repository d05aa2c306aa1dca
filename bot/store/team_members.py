"""Owners of evaluations as other systems know them, and where their cards are: what Slack said about the workspace.

It is stored, since tables for other programs are written without Slack.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.security.keyring import Keyring
from bot.store.engine.database import Database
from bot.store.engine.distinct import distinct_values
from bot.store.engine.upsert import insert_or
from bot.store.schema import evaluation, installation
from bot.store.team_tables import team_member


@shielded
class TeamMembers:
    """The workspace's address, and the email addresses of owners by Slack user id."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def record_workspace(self, url: str) -> None:
        """Record the address of the workspace."""
        is_other = or_(installation.c.workspace_url.is_(None), installation.c.workspace_url != url)
        async with self._database.write() as connection:
            await connection.execute(update(installation).where(is_other).values(workspace_url=url))

    async def list_unasked(self, *, since: datetime) -> list[str]:
        """Return the owners whose email addresses were not read from Slack since then."""
        owners = distinct_values(evaluation.c.owner).c.value
        asked = select(team_member.c.user_id).where(team_member.c.at >= since)
        async with self._database.read() as connection:
            return list(await connection.scalars(select(owners).where(owners.is_not(None), owners.not_in(asked))))

    async def record(self, user: str, email: str | None, *, at: datetime) -> None:
        """Record somebody's email address as Slack has it now, or that it does not say one."""
        values = {"email": self._keyring.encrypt(email) if email else None, "at": at}
        async with self._database.write() as connection:
            one = insert_or(team_member, connection.dialect.name).values(user_id=user, **values)
            await connection.execute(
                one.on_conflict_do_update(index_elements=list(team_member.primary_key), set_=values)
            )


async def load_emails(connection: AsyncConnection, users: Collection[str | None], keyring: Keyring) -> dict[str, str]:
    """Return the email addresses that are known, by Slack user id."""
    theirs = team_member.c.user_id.in_([user for user in users if user]) & team_member.c.email.is_not(None)
    return {
        row.user_id: keyring.decrypt(row.email) for row in await connection.execute(select(team_member).where(theirs))
    }
