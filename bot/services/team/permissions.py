"""Who may do what: full members of the workspace, and the people named in the settings."""

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
"""How long an answer of Slack about a user or a group is trusted."""
_TIMEOUT_S: Final = 2.0
NOBODY: Final = frozenset({"user_not_found", "user_not_visible", "no_such_subteam"})
"""Slack's error codes for an id that nobody has."""


class Outsider(StrEnum):
    """Why somebody is not a full member of the workspace. The form shows the value to the person who chose them."""

    BOT = "This is a bot. Choose a person."
    GONE = "Their account is deactivated. Choose another person."
    ELSEWHERE = "They belong to another company or workspace. Choose a member of this one."
    GUEST = "They are a guest here. Choose a full member."
    UNKNOWN = "Slack does not know this person. Choose another one."


_TO_THEMSELVES: Final = {
    Outsider.BOT: "This is for people who work here.",
    Outsider.GONE: "This is for people who work here.",
    Outsider.ELSEWHERE: "This is for members of the bot's workspace; you are here from another one.",
    Outsider.GUEST: "This is for full members of the workspace; guests can read along.",
    Outsider.UNKNOWN: "Slack does not know you as a member of this workspace.",
}
NOBODY_KNOWS: Final = "Slack can't say who this is right now. Please try again in a minute."


class Permission(StrEnum):
    """What an interaction needs."""

    EDIT = "take"
    """To own, assign, or block. A colleague can undo it, so it is allowed while Slack is away, too."""
    VIEW = "read"
    """To see lists and drafts."""
    CONTACT = "outreach"
    """To email somebody, or to unblock them: only the people in SLACK_ACTORS and the admins."""


@dataclass(frozen=True, slots=True)
class Signature:
    """How a person signs emails; empty while Slack cannot say it."""

    name: str = ""
    title: str = ""


_NOT_IN_NAME: Final = str.maketrans(dict.fromkeys('<>"', " "))


class Permissions:
    """Answers whether a person may do something. Asks Slack at most every five minutes about each."""

    def __init__(
        self,
        slack_users: SlackUsers,
        *,
        team: Callable[[], Awaitable[str]],
        named: Sequence[str],
        admins: Sequence[str] = (),
        clock: Callable[[], datetime],
    ) -> None:
        """`team` returns the id of the bot's workspace, waiting until Slack has given it. Only the people and groups in
        `named` and the admins may email, or every member if it is empty.
        """
        self._team = team
        self._admins = tuple(admins)
        self._users = {each for each in named if not each.startswith("S")}
        self._groups = [each for each in named if each.startswith("S")]
        self._slack_user = TTLCache(slack_users.user, ttl=FRESH, clock=clock)
        self._members = TTLCache(slack_users.group, ttl=FRESH, clock=clock)

    async def require(self, user: str, right: Permission) -> Signature:
        """Return how the person signs. NotAllowed if they may not do this."""
        try:
            # An interaction waits for this, and its trigger expires after three seconds.
            async with asyncio.timeout(_TIMEOUT_S):
                slack_user = await self._slack_user(user)
                if found := await self._outsider(slack_user):
                    raise NotAllowed(_TO_THEMSELVES[found])
                if right is Permission.CONTACT and not await self._is_named(user):
                    raise NotAllowed(
                        "You don't have permission to email contacts or unblock them."
                        + ("" if self._admins else " Ask the person who runs the bot."),
                        ask=self._admins,
                    )
        except (SlackUnavailable, SlackOutcomeUnknown, TimeoutError) as exc:
            if right is Permission.EDIT:
                return Signature()
            raise NotAllowed(
                "Slack can't say who you are right now, so nothing was done. Please press again in a minute."
            ) from exc
        except SlackRefused as exc:
            if exc.code in NOBODY:
                raise NotAllowed(_TO_THEMSELVES[Outsider.UNKNOWN]) from exc
            raise
        return Signature(slack_user.name, slack_user.title)

    def require_admin(self, user: str, sentence: str) -> None:
        """Raise NotAllowed with this sentence unless the person is an admin."""
        if user not in self._admins:
            who = "" if self._admins else " Ask the person who runs the bot to name one."
            raise NotAllowed(sentence + who, ask=self._admins)

    async def slack_user(self, user: str) -> SlackUser:
        """Return a Slack user, as known for the last five minutes. Raises SlackError."""
        return await self._slack_user(user)

    async def zone(self, user: str) -> str:
        """Return the IANA name of a person's time zone; empty if Slack cannot say it right now."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return (await self._slack_user(user)).zone
        except (SlackError, TimeoutError):
            return ""

    async def named_address(self, user: str) -> str | None:
        """Return the same address with the colleague's name before it."""
        address = await self.address(user)
        if address is None:
            return None
        name = " ".join((await self._slack_user(user)).name.translate(_NOT_IN_NAME).split())
        return f"{name} <{address}>" if name else address

    async def address(self, user: str) -> str | None:
        """Return the address for replies to a colleague, or None if they are not a full member or Slack cannot say.

        Replies then go to the address for everybody's replies, which the vendor reads.
        """
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                slack_user = await self._slack_user(user)
                return None if await self._outsider(slack_user) else slack_user.email
        except (SlackError, TimeoutError):
            return None

    async def why_not_owner(self, user: str) -> str | None:
        """Return why somebody cannot own an evaluation, as a sentence, or None for a full member of the workspace.

        While Slack cannot say, nobody can become an owner, because owners are notified and get the replies.
        """
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await self._outsider(await self._slack_user(user))
        except SlackRefused as exc:
            return Outsider.UNKNOWN if exc.code in NOBODY else NOBODY_KNOWS
        except (SlackError, TimeoutError):
            return NOBODY_KNOWS

    async def outsider(self, user: str) -> Outsider | None:
        """Return why somebody is not a full member of the workspace, or None if they are. Raises SlackError if Slack
        cannot say it.
        """
        try:
            return await self._outsider(await self._slack_user(user))
        except SlackRefused as exc:
            if exc.code in NOBODY:
                return Outsider.UNKNOWN
            raise

    async def _outsider(self, slack_user: SlackUser) -> Outsider | None:
        """Return why somebody is not a full member of the bot's workspace. Its id is requested last, because that may
        wait.
        """
        if found := outsider(slack_user):
            return found
        return None if await self._team() in slack_user.teams else Outsider.ELSEWHERE

    async def _is_named(self, user: str) -> bool:
        if user in self._users or user in self._admins or not (self._users or self._groups):
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
    """Return why an account is not a full member of any workspace, as far as the account alone shows."""
    if slack_user.is_bot:
        return Outsider.BOT
    if slack_user.is_deleted:
        return Outsider.GONE
    if slack_user.is_external:
        return Outsider.ELSEWHERE
    return Outsider.GUEST if slack_user.is_guest else None
