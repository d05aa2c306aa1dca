"""The bot's identity in Slack, requested once at the start, and again in the background until Slack answers."""

import asyncio
from dataclasses import replace
from typing import Final

import structlog

from bot.errors import SlackError, SlackRefused
from bot.slack.client.errors import scopes_missing
from bot.slack.client.retry import retry_until_answered
from bot.slack.client.web_client import Identity, SlackClient

log = structlog.get_logger()

_REFUSED_PAUSE_S: Final = 60.0


class BotIdentity:
    """The bot's identity, as far as it is known. Callers can wait for it."""

    def __init__(self, slack: SlackClient) -> None:
        self.known: Identity | None = None
        """The identity, or None until Slack has answered."""
        self._slack = slack
        self._failure = ""
        self._learnt = asyncio.Event()

    async def team(self) -> str:
        """Return the id of the workspace, waiting until it is known."""
        while self.known is None:
            await self._learnt.wait()
        return self.known.team

    async def user(self) -> str:
        """Return the id of the bot's user, waiting until it is known."""
        while self.known is None:
            await self._learnt.wait()
        return self.known.user

    def url(self) -> str | None:
        """Return the workspace address, if known."""
        return self.known.url if self.known else None

    def app(self) -> str | None:
        """Return the Slack app id, if known."""
        return self.known.app if self.known else None

    def scopes_missing(self) -> frozenset[str]:
        """Return the scopes that the app lacks, as far as Slack has said."""
        return (self.known.scopes_missing if self.known else None) or frozenset()

    def problems(self) -> tuple[str, ...]:
        """Return why the identity is not known, or which scopes the app lacks, one sentence each."""
        if self.known is None:
            return (self._failure,) if self._failure else ()
        return (scopes_missing(self.known.scopes_missing),) if self.known.scopes_missing else ()

    async def learn(self) -> None:
        """Ask Slack for the identity until it answers. Raises SlackRefused if the token is invalid."""
        await retry_until_answered(self._ask)

    async def keep_learning(self) -> None:
        """Ask until Slack answers, even while it refuses the token: somebody may restore the app's access."""
        while True:
            try:
                return await self.learn()
            except SlackRefused as exc:
                log.error("slack_refused", reason=str(exc))  # noqa: TRY400  Slack's word says it all
                await asyncio.sleep(_REFUSED_PAUSE_S)

    async def _ask(self) -> None:
        try:
            if self.known is None:
                self.known = await self._slack.identity()
                self._learnt.set()
                for problem in self.problems():
                    log.warning("scopes_missing", reason=problem)
            if self.known.app is None and self.known.bot is not None:
                self.known = replace(self.known, app=await self._app_of(self.known.bot))
        except SlackError as exc:
            self._failure = str(exc)
            raise

    async def _app_of(self, bot: str) -> str | None:
        try:
            return await self._slack.app(bot)
        except SlackRefused as exc:
            log.info("app_unknown", reason=str(exc))
            return None
