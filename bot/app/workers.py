"""The workers that run as long as the bot does."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from bot.app.context import Context
from bot.app.lifecycle import Paused
from bot.app.replies import build_reply_reader
from bot.app.scheduler import Run
from bot.concurrency.supervisor import supervise
from bot.services.mail.worker import MailWorker
from bot.services.slack_delivery.reconciler import Reconciler
from bot.services.slack_delivery.worker import SlackOutboxWorker
from bot.services.webhooks.worker import WebhookWorker
from bot.services.webhooks.worker import paused as pause_webhooks
from bot.slack.client.retry import retry_until_answered

_MAIL_TURN: Final = timedelta(minutes=15)
"""A mail server may take minutes for each of the commands that one email needs (RFC 5321, section 4.5.3.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Workers by name. `paused` are the context managers that wait until each one is idle, for the shutdown."""

    runs: Mapping[str, Run]
    paused: Sequence[Paused]

    def start(self) -> list[asyncio.Task[None]]:
        """Start each worker, and restart it whenever it stops, until its task is cancelled."""
        return [asyncio.create_task(supervise(name, run)) for name, run in self.runs.items()]


def build_workers(
    context: Context, reconciler: Reconciler, outbox: SlackOutboxWorker, webhooks: Sequence[WebhookWorker]
) -> Workers:
    """Build the workers: compare Slack with the database, deliver the outbox, choose owners, publish Home tabs, work
    on signals, deliver webhooks, send emails.
    """
    components = context.components
    compare = _in_turn(partial(retry_until_answered, reconciler.compare), reconciler.keep_looking)
    runs = {
        "compare": compare,
        "deliver": outbox.run,
        "rotation": context.rotation.run,
        "home": context.home.run,
        # Earlier, a database that was restored may not know the cards in Slack, and they would be posted again.
        "signals": _in_turn(reconciler.looked, context.signals.run),
        **{f"webhooks_{number}": worker.run for number, worker in enumerate(webhooks, 1)},
    }
    paused: list[Paused] = [outbox.paused, components.poller.paused, partial(pause_webhooks, webhooks)]
    reader = build_reply_reader(context, beat=context.heartbeats.register("replies", within=_MAIL_TURN))
    if reader is not None:
        context.health.mailbox = reader.status
        runs["replies"] = _in_turn(reconciler.looked, reader.run)
    if components.mailer is not None:
        worker = MailWorker(
            components.store,
            components.mailer,
            rules=components.rules,
            alerts=components.alerts,
            clock=context.clock,
            address_of=reply_address(context),
        )
        worker.beat = context.heartbeats.register("mail", within=_MAIL_TURN)
        worker.meter = components.meter
        runs["mail"] = _in_turn(reconciler.email_allowed, worker.run)
        paused.append(worker.paused)
    return Workers(runs=runs, paused=paused)


def reply_address(context: Context) -> Callable[[str], Awaitable[str | None]]:
    """Return the function that finds a colleague's address for replies, with their name if the bot reads them."""
    permissions = context.permissions
    return permissions.address if context.settings.mail_replies is None else permissions.named_address


def _in_turn(first: Run, then: Run) -> Run:
    """Return a job that runs `first`, then `then`."""

    async def run() -> None:
        await first()
        await then()

    return run
