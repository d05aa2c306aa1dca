"""The outermost edge of every listener: each press is answered, none is handled twice, no error escapes."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.concurrency.tasks import BackgroundTasks
from bot.errors import BotError, SlackError, SlackRefused
from bot.listeners.modal_calls import EXPIRED_TRIGGER
from bot.listeners.respond import reply
from bot.services.interactions import InteractionDeduplicator
from bot.slack.client.acknowledgement import acknowledgement_sent
from bot.slack.client.web_client import SlackClient
from bot.slack.views import replies, submissions

log = structlog.get_logger()

Listener = Callable[[AsyncArgs], Awaitable[None]]
Check = Callable[[AsyncArgs], Awaitable[dict[str, Any]]]
"""Checks a form within two seconds, before it is acknowledged, and returns the acknowledgement."""


class ListenerMiddleware:
    """Runs listeners and knows which are in progress."""

    def __init__(self, slack: SlackClient, interactions: InteractionDeduplicator) -> None:
        self._slack = slack
        self._interactions = interactions
        self._running: set[asyncio.Task[Any]] = set()
        self.background = BackgroundTasks()
        """What goes on after an interaction was answered. Nothing waits for it, and it ends with the bot."""

    def __call__(self, listener: Listener, *, check: Check | None = None) -> Listener:
        """Return the listener inside the outermost `try`. It is called for acknowledged, new interactions only.

        With a `check`, a form can stay open and show problems at its fields, or show another modal.
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
                await self._answer(args, replies.problem(exc))
            except Exception:
                reference = secrets.token_hex(4)
                log.exception("interaction_crashed", listener=listener.__qualname__, reference=reference)
                await self._answer(args, replies.broken(reference))

        return guarded

    async def _is_new(self, args: AsyncArgs, check: Check | None) -> bool:
        """Acknowledge before any wait except that of a `check`. Return whether there is a new interaction to handle."""
        acknowledged: dict[str, Any] = {}
        if args.body.get("type") == "view_submission":
            acknowledged = submissions.acknowledgement(args.body.get("view") or {})
            if not acknowledged and check is not None:
                acknowledged = await check(args)
        await args.ack(**acknowledged)
        if acknowledged.get("response_action") == "errors":
            return False
        if acknowledged:  # it changes the modal, and what the listener shows there comes after it
            await acknowledgement_sent(args.context)
        # Each interaction has its own trigger; a retry, over the socket or HTTP, has the same one. So has an event.
        key = _key(args.body)
        if not key or await self._interactions.first_seen(key):
            return True
        log.info("interaction_duplicate", kind=args.body.get("type", "command"))
        return False

    async def _done(self, args: AsyncArgs) -> None:
        try:
            await self._interactions.done(_key(args.body))
        except BotError as exc:  # it was done all the same, and answered
            log.warning("interaction_not_recorded", reason=str(exc))

    async def drain(self, seconds: float) -> int:
        """Wait for the listeners in progress, for at most this many seconds. Return how many still run."""
        if under_way := self._under_way():
            await asyncio.wait(under_way, timeout=seconds)
        return len(self._running)

    async def cancel_all(self) -> None:
        """Cancel the listeners that still run and what they left in the background, and wait for their end."""
        await self.background.cancel()
        for task in self._under_way():
            task.cancel()
        await asyncio.gather(*self._under_way(), return_exceptions=True)

    def _under_way(self) -> set[asyncio.Task[Any]]:
        """Return the running listeners, and the writes of interactions they did not wait for."""
        return {*self._running, *self._interactions.under_way.values()}

    async def _answer(self, args: AsyncArgs, text: str) -> None:
        if args.ack.response is None:
            await args.ack()
        await reply(args, self._slack, text)


def _key(body: dict[str, Any]) -> str:
    """Return what an interaction or an event has in common with its retries alone; empty if it has nothing."""
    return str(body.get("trigger_id") or body.get("event_id") or "")
