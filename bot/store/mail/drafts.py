"""Drafts of emails that people preview before they send them."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select

from bot.concurrency.shield import shielded
from bot.domain.mail import MailContent
from bot.security.keyring import Keyring
from bot.store.engine.database import Database
from bot.store.mail.sealing import decrypt_content, encrypt_content
from bot.store.mapping import insert_new
from bot.store.schema import draft

_KEPT_FOR: Final = timedelta(days=1)


@shielded
class Drafts:
    """The drafts of the last day, by a token that nobody can guess."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def keep(self, token: str, content: MailContent, *, at: datetime) -> None:
        """Keep a draft for a day."""
        async with self._database.write() as connection:
            await connection.execute(delete(draft).where((draft.c.at < at - _KEPT_FOR) | (draft.c.at > at + _KEPT_FOR)))
            await insert_new(
                connection, draft, {"token": token, "content": encrypt_content(content, self._keyring), "at": at}
            )

    async def read(self, token: str) -> MailContent | None:
        """Return the draft with this token, or None once it is gone."""
        async with self._database.read() as connection:
            content = await connection.scalar(select(draft.c.content).where(draft.c.token == token))
            return None if content is None else decrypt_content(content, self._keyring)
