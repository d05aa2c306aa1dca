"""The outermost edge of every listener: no press goes unanswered, no error gets past."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.errors import BotError, SlackError, SlackRefused
from bot.listeners.deps import tell
from bot.slack import answers
from bot.slack.poster import Poster
from bot.slack.text import escape

log = structlog.get_logger()

Listener = Callable[[AsyncArgs], Awaitable[None]]
EXPIRED_TRIGGER = frozenset({"expired_trigger_id", "trigger_expired", "exchanged_trigger_id", "trigger_exchanged"})


class Guard:
    """Runs listeners, and knows which are still running."""

    def __init__(self, poster: Poster) -> None:
        self._poster = poster
        self._running: set[asyncio.Task[Any]] = set()

    def __call__(self, listener: Listener) -> Listener:
        """The listener with the outermost `try` around it."""

        async def guarded(args: AsyncArgs) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            try:
                await listener(args)
            except SlackRefused as exc:
                await self._answer(args, answers.EXPIRED if exc.code in EXPIRED_TRIGGER else escape(str(exc)))
            except BotError as exc:
                log.warning("press_failed", listener=listener.__qualname__, reason=str(exc))
                await self._answer(args, escape(str(exc), longest=1000))
            except Exception:
                reference = secrets.token_hex(4)
                log.exception("press_broke", listener=listener.__qualname__, reference=reference)
                await self._answer(args, answers.broken(reference))

        return guarded

    async def drain(self, seconds: float) -> int:
        """Wait for the listeners under way, at most so many seconds; how many are still running then."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        return len(self._running)

    async def _answer(self, args: AsyncArgs, text: str) -> None:
        try:
            if args.ack.response is None:
                await args.ack()
            await tell(args, self._poster, text)
        except SlackError as exc:
            log.warning("answer_lost", reason=str(exc))
