"""Ask Slack for what other systems know an owner by, and keep it: tables are written without Slack."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.errors import SlackError, SlackRefused
from bot.services.team.permissions import NOBODY
from bot.slack.client.errors import ErrorAction, action_for
from bot.slack.client.users import SlackUser
from bot.store import Store

log = structlog.get_logger()

_FRESH: Final = timedelta(days=1)
"""How long an answer about somebody counts: an address, or a refusal."""
_TIMEOUT_S: Final = 2.0
_OF_EVERYBODY: Final = {ErrorAction.WAIT, ErrorAction.LOOK, ErrorAction.TOKEN, ErrorAction.SCOPE}
"""What Slack would say about anybody at this moment."""


class OwnerDirectory:
    """Email addresses of owners, and the address of the workspace, as Slack has them."""

    def __init__(
        self,
        store: Store,
        *,
        slack_user: Callable[[str], Awaitable[SlackUser]],
        workspace_url: Callable[[], str | None],
        clock: Callable[[], datetime],
    ) -> None:
        """`workspace_url` returns None until Slack has said it."""
        self._store = store
        self._slack_user = slack_user
        self._workspace_url = workspace_url
        self._clock = clock
        self._recorded: str | None = None
        self._refused_at: dict[str, datetime] = {}
        """When Slack last refused to say who an owner is, by user id."""

    async def update(self) -> bool:
        """Ask Slack about the owners that are new or were not asked about for a day. Return whether anything is known
        now that was not before. While Slack does not answer, everything stays as it is.
        """
        is_new = await self._record_workspace()
        since = self._clock() - _FRESH
        self._refused_at = {owner: at for owner, at in self._refused_at.items() if at >= since}
        for owner in await self._store.team_members.list_unasked(since=since):
            if owner in self._refused_at:
                continue
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    email = await self._email(owner)
            except SlackRefused as exc:
                if action_for(exc.code) in _OF_EVERYBODY:
                    break
                self._refused_at[owner] = self._clock()
                log.warning("owner_refused", user=owner, code=exc.code)
            except (SlackError, TimeoutError):
                break
            else:
                await self._store.team_members.record(owner, email, at=self._clock())
                is_new = True
        return is_new

    async def _record_workspace(self) -> bool:
        url = self._workspace_url()
        if url in {None, self._recorded}:
            return False
        await self._store.team_members.record_workspace(url)
        self._recorded = url
        return True

    async def _email(self, owner: str) -> str | None:
        try:
            return (await self._slack_user(owner)).email
        except SlackRefused as exc:
            if exc.code in NOBODY:
                return None
            raise
