"""The outermost edge of every listener: no press goes unanswered, none is acted on twice, no error gets past."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.errors import BotError, SlackError, SlackRefused
from bot.listeners.respond import reply
from bot.services.interactions import InteractionDeduplicator
from bot.slack.client.web_client import SlackClient
from bot.slack.text import escape
from bot.slack.views import modals, replies

log = structlog.get_logger()

Listener = Callable[[AsyncArgs], Awaitable[None]]
Check = Callable[[AsyncArgs], Awaitable[dict[str, str]]]
"""Looks at a form before it is acknowledged, within two seconds; what is wrong with it, by block id."""
EXPIRED_TRIGGER = frozenset(
    {"expired_trigger_id", "trigger_expired", "exchanged_trigger_id", "trigger_exchanged"}
    | {"invalid_trigger_id", "invalid_trigger"}
)


class ListenerMiddleware:
    """Runs listeners, and knows which are still running."""

    def __init__(self, slack: SlackClient, interactions: InteractionDeduplicator) -> None:
        self._slack = slack
        self._interactions = interactions
        self._running: set[asyncio.Task[Any]] = set()

    def __call__(self, listener: Listener, *, check: Check | None = None) -> Listener:
        """The listener with the outermost `try` around it; it is called for what is acknowledged and new.

        With a `check`, a form that does not pass stays open, with what is wrong at its fields.
        """

        async def guarded(args: AsyncArgs) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            try:
                if await self._is_new(args, check):
                    await listener(args)
                    await self._done(args)
            except SlackError as exc:
                is_expired = isinstance(exc, SlackRefused) and exc.code in EXPIRED_TRIGGER
                if not is_expired:
                    log.warning("interaction_failed", listener=listener.__qualname__, reason=str(exc))
                await self._answer(args, replies.EXPIRED if is_expired else replies.slack_failed(exc))
            except BotError as exc:
                log.warning("interaction_failed", listener=listener.__qualname__, reason=str(exc))
                await self._answer(args, escape(str(exc), longest=1000))
            except Exception:
                reference = secrets.token_hex(4)
                log.exception("interaction_crashed", listener=listener.__qualname__, reference=reference)
                await self._answer(args, replies.broken(reference))

        return guarded

    async def _is_new(self, args: AsyncArgs, check: Check | None) -> bool:
        """Acknowledge before any wait but that of a `check`; whether there is something to do that is new."""
        acknowledged: dict[str, Any] = {}
        if args.body.get("type") == "view_submission":
            token = modals.draft_token(args.body.get("trigger_id", ""))
            acknowledged = modals.acknowledgement(args.body.get("view") or {}, token)
            if not acknowledged and check is not None and (wrong := await check(args)):
                acknowledged = {"response_action": "errors", "errors": wrong}
        await args.ack(**acknowledged)
        if acknowledged.get("response_action") == "errors":
            return False
        # Each press has a trigger of its own; what Slack brings again, over the socket or HTTP, has the one it had.
        if "trigger_id" not in args.body or await self._interactions.first_seen(args.body["trigger_id"]):
            return True
        log.info("interaction_duplicate", kind=args.body.get("type", "command"))
        return False

    async def _done(self, args: AsyncArgs) -> None:
        try:
            await self._interactions.done(args.body.get("trigger_id", ""))
        except BotError as exc:  # it was done all the same, and answered
            log.warning("interaction_not_recorded", reason=str(exc))

    async def drain(self, seconds: float) -> int:
        """Wait for the listeners under way, at most so many seconds; how many are still running then."""
        if under_way := self._under_way():
            await asyncio.wait(under_way, timeout=seconds)
        return len(self._running)

    async def cancel_all(self) -> None:
        """Cancel the listeners that are still running, and wait until they are gone."""
        for task in self._under_way():
            task.cancel()
        await asyncio.gather(*self._under_way(), return_exceptions=True)

    def _under_way(self) -> set[asyncio.Task[Any]]:
        """The listeners, and what is written of presses that did not wait for it."""
        return {*self._running, *self._interactions.under_way.values()}

    async def _answer(self, args: AsyncArgs, text: str) -> None:
        if args.ack.response is None:
            await args.ack()
        await reply(args, self._slack, text)
