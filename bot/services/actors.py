"""Who may press what: full members of the workspace, and those whom the settings name."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Generic, TypeVar

import structlog

from bot.errors import NotAllowed, SlackError, SlackOutcomeUnknown, SlackRefused, SlackUnavailable
from bot.slack.directory import Account, Directory

log = structlog.get_logger()

T = TypeVar("T")

FRESH: Final = timedelta(minutes=5)
"""How long what Slack says of a person or a group is taken for true."""
_PATIENCE: Final = 2.0
NOBODY: Final = frozenset({"user_not_found", "user_not_visible", "no_such_subteam"})
"""Slack's codes for an id that names nobody."""


class Right(StrEnum):
    """What a press asks for."""

    TAKE = "take"
    """To own, hand over, or mark do-not-contact. A colleague can take it back: allowed while Slack is away, too."""
    READ = "read"
    """To see lists and letters."""
    OUTREACH = "outreach"
    """To mail somebody, or to lift the mark of somebody who said no: for those whom SLACK_ACTORS names."""


@dataclass(frozen=True, slots=True)
class Signature:
    """How somebody signs; empty while Slack cannot say it."""

    name: str = ""
    title: str = ""


class Actors:
    """Answers for each press whether the person may; asks Slack at most every five minutes about each."""

    def __init__(self, directory: Directory, *, team: str, named: Sequence[str], clock: Callable[[], datetime]) -> None:
        self._team = team
        self._users = {each for each in named if not each.startswith("S")}
        self._groups = [each for each in named if each.startswith("S")]
        self._account = _Remembered(directory.account, clock)
        self._members = _Remembered(directory.group, clock)

    async def admit(self, user: str, right: Right) -> Signature:
        """How a person signs who may. NotAllowed for one who may not."""
        try:
            # A press waits for this, and so does a trigger that lives three seconds.
            async with asyncio.timeout(_PATIENCE):
                account = await self._account(user)
                if sentence := _refusal(account, self._team):
                    raise NotAllowed(sentence)
                if right is Right.OUTREACH and not await self._is_named(user):
                    raise NotAllowed("Only some people here may mail or lift a mark: ask whoever runs the bot.")
        except (SlackUnavailable, SlackOutcomeUnknown, TimeoutError) as exc:
            if right is Right.TAKE:
                return Signature()
            raise NotAllowed(
                "Slack does not say at the moment who you are, so nothing was done. Please press again in a minute."
            ) from exc
        except SlackRefused as exc:
            if exc.code in NOBODY:
                raise NotAllowed("Slack does not know you as a member of this workspace.") from exc
            raise
        return Signature(account.name, account.title)

    async def address(self, user: str) -> str | None:
        """Where mail to a colleague goes; None where Slack does not say it."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return (await self._account(user)).email
        except (SlackError, TimeoutError):
            return None

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
                log.warning("group_unknown", group=group)
        return False


class _Remembered(Generic[T]):
    """An answer of Slack by id, asked for once by whoever comes first and kept while it is fresh."""

    def __init__(self, ask: Callable[[str], Awaitable[T]], clock: Callable[[], datetime]) -> None:
        self._ask = ask
        self._clock = clock
        self._known: dict[str, tuple[datetime, T]] = {}
        self._turn: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __call__(self, key: str) -> T:
        """The answer; errors are not kept."""
        async with self._turn[key]:
            known = self._known.get(key)
            if known is None or not timedelta(0) <= self._clock() - known[0] < FRESH:
                known = self._known[key] = (self._clock(), await self._ask(key))
            return known[1]


def _refusal(account: Account, team: str) -> str | None:
    """Why this is nobody of ours, if so."""
    if account.bot or account.deleted:
        return "This is for people who work here."
    if account.stranger or team not in account.teams:
        return "This is for members of the workspace that the bot lives in; you are here from another one."
    if account.guest:
        return "This is for full members of the workspace; guests can read along."
    return None
