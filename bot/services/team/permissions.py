"""Who may press what: full members of the workspace, and those whom the settings name."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog

from bot.concurrency.ttl_cache import TTLCache
from bot.errors import NotAllowed, SlackError, SlackOutcomeUnknown, SlackRefused, SlackUnavailable
from bot.slack.client.users import SlackUser, SlackUsers

log = structlog.get_logger()


FRESH: Final = timedelta(minutes=5)
"""How long what Slack says of a person or a group is taken for true."""
_PATIENCE: Final = 2.0
NOBODY: Final = frozenset({"user_not_found", "user_not_visible", "no_such_subteam"})
"""Slack's codes for an id that names nobody."""


class Outsider(StrEnum):
    """Why somebody is no full member of the workspace; the form says the value to the person who chose them."""

    BOT = "This is a bot. Choose a person."
    GONE = "Their account is deactivated. Choose another person."
    ELSEWHERE = "They belong to another company or workspace. Choose a member of this one."
    GUEST = "They are a guest here. Choose a full member."
    UNKNOWN = "Slack does not know this person. Choose another one."


_TO_THEMSELVES: Final = {
    Outsider.BOT: "This is for people who work here.",
    Outsider.GONE: "This is for people who work here.",
    Outsider.ELSEWHERE: "This is for members of the workspace that the bot lives in; you are here from another one.",
    Outsider.GUEST: "This is for full members of the workspace; guests can read along.",
    Outsider.UNKNOWN: "Slack does not know you as a member of this workspace.",
}
NOBODY_KNOWS: Final = "Slack cannot say who this is at the moment. Please try again in a minute."


class Permission(StrEnum):
    """What a press asks for."""

    EDIT = "take"
    """To own, hand over, or mark do-not-contact. A colleague can take it back: allowed while Slack is away, too."""
    VIEW = "read"
    """To see lists and letters."""
    CONTACT = "outreach"
    """To mail somebody, or to lift the mark of somebody who said no: for those whom SLACK_ACTORS names."""


@dataclass(frozen=True, slots=True)
class Signature:
    """How somebody signs; empty while Slack cannot say it."""

    name: str = ""
    title: str = ""


class Permissions:
    """Answers for each press whether the person may; asks Slack at most every five minutes about each."""

    def __init__(
        self,
        slack_users: SlackUsers,
        *,
        team: Callable[[], Awaitable[str]],
        named: Sequence[str],
        clock: Callable[[], datetime],
    ) -> None:
        """`team` gives the id of the bot's workspace, once Slack has said it."""
        self._team = team
        self._users = {each for each in named if not each.startswith("S")}
        self._groups = [each for each in named if each.startswith("S")]
        self._slack_user = TTLCache(slack_users.user, ttl=FRESH, clock=clock)
        self._members = TTLCache(slack_users.group, ttl=FRESH, clock=clock)

    async def require(self, user: str, right: Permission) -> Signature:
        """How a person signs who may. NotAllowed for one who may not."""
        try:
            # A press waits for this, and so does a trigger that lives three seconds.
            async with asyncio.timeout(_PATIENCE):
                slack_user = await self._slack_user(user)
                if found := await self._outsider(slack_user):
                    raise NotAllowed(_TO_THEMSELVES[found])
                if right is Permission.CONTACT and not await self._is_named(user):
                    raise NotAllowed("Only some people here may mail or lift a mark: ask whoever runs the bot.")
        except (SlackUnavailable, SlackOutcomeUnknown, TimeoutError) as exc:
            if right is Permission.EDIT:
                return Signature()
            raise NotAllowed(
                "Slack does not say at the moment who you are, so nothing was done. Please press again in a minute."
            ) from exc
        except SlackRefused as exc:
            if exc.code in NOBODY:
                raise NotAllowed(_TO_THEMSELVES[Outsider.UNKNOWN]) from exc
            raise
        return Signature(slack_user.name, slack_user.title)

    async def address(self, user: str) -> str | None:
        """Where replies to a colleague go; None for one who is no full member any more, or while Slack does not say it.

        Replies then go where those to everybody go, which the vendor reads.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                slack_user = await self._slack_user(user)
                return None if await self._outsider(slack_user) else slack_user.email
        except (SlackError, TimeoutError):
            return None

    async def why_not_owner(self, user: str) -> str | None:
        """Why somebody cannot own an evaluation, as a sentence; None for a full member of the workspace.

        While Slack cannot say, nobody can be given one: they would be notified, and get the replies.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._outsider(await self._slack_user(user))
        except SlackRefused as exc:
            return Outsider.UNKNOWN if exc.code in NOBODY else NOBODY_KNOWS
        except (SlackError, TimeoutError):
            return NOBODY_KNOWS

    async def _outsider(self, slack_user: SlackUser) -> Outsider | None:
        """Return why somebody is not a full member of the bot's workspace; its id is asked for last, as it may wait."""
        if found := outsider(slack_user):
            return found
        return None if await self._team() in slack_user.teams else Outsider.ELSEWHERE

    async def _is_named(self, user: str) -> bool:
        if user in self._users or not (self._users or self._groups):
            return True
        for group in self._groups:
            try:
                if user in await self._members(group):
                    return True
            except SlackRefused as exc:
                if exc.code not in NOBODY:
                    raise
                log.warning("user_group_unknown", group=group)
        return False


def outsider(slack_user: SlackUser) -> Outsider | None:
    """Return why an account is not a full member of any workspace of ours, as far as the account alone says so."""
    if slack_user.is_bot:
        return Outsider.BOT
    if slack_user.is_deleted:
        return Outsider.GONE
    if slack_user.is_external:
        return Outsider.ELSEWHERE
    return Outsider.GUEST if slack_user.is_guest else None
