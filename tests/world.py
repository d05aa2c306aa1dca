"""The whole bot in one process, between a small Slack, a small Marketplace and a mailbox, all over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from bot.app.components import Components, open_components
from bot.app.context import Timing
from bot.app.leader import TIMING, LeaderTiming
from bot.app.run import run_components
from bot.config.loader import settings_of
from bot.config.settings import Settings
from bot.demo.fake_marketplace.server import DemoMarketplace
from bot.demo.fake_slack import CHANNEL, Message, View, Workspace
from bot.demo.fake_slack.models import elements
from bot.demo.fake_slack.view_state import Values
from bot.demo.fake_smtp import Mailbox
from bot.domain.card import Action
from bot.domain.health import PollStats
from bot.domain.outbox import ApiMethod
from bot.services.slack_delivery.rate_limits import NO_LIMIT, Limits
from bot.slack import ids
from bot.slack.client.socket_mode import SOCKET_TIMEOUTS, SocketTimeouts
from tests.log_watch import WATCH
from tests.machine import limit

T = TypeVar("T")

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = NOON.date()
COUNTRIES = Path(__file__).parent / "fixtures" / "countries.toml"
AT_ONCE = dict.fromkeys(ApiMethod, Limits(workspace=NO_LIMIT))


@dataclass(kw_only=True)
class Clock:
    """A clock that stands still until it is told otherwise."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def today(self) -> date:
        """The day in UTC."""
        return self().date()


class WallClock(Clock):
    """The machine's own clock, for a world around a bot that is a process of its own."""

    def __call__(self) -> datetime:
        """The time."""
        return datetime.now(UTC)


@dataclass(kw_only=True)
class World:
    """Everything outside the bot, and the bot where it runs."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    rate_limits: bool = False
    slack_is_behind: timedelta = timedelta(0)
    """How much Slack's clock lags behind ours."""
    workspace: Workspace = field(init=False)
    marketplace: DemoMarketplace = field(init=False)
    mailbox: Mailbox = field(default_factory=Mailbox)
    addresses: dict[str, Any] = field(default_factory=dict)
    port: int = 0
    patience: SocketTimeouts = SOCKET_TIMEOUTS
    timing: LeaderTiming = TIMING
    polled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the bot that runs has polled."""

    def __post_init__(self) -> None:
        """Let everybody live by the same clock."""
        self.workspace = Workspace(self.slack_time, rate_limits=self.rate_limits)
        self.marketplace = DemoMarketplace(today=self.clock.today, export_polls=0)

    def slack_time(self) -> float:
        """The time by Slack's clock."""
        return (self.clock() - self.slack_is_behind).timestamp()

    def given(self, **changes: object) -> dict[str, object]:
        """The settings with which a bot finds this world, by name."""
        given: dict[str, object] = {
            "slack_bot_token": self.workspace.bot_token,
            "slack_app_token": self.workspace.app_token,
            "slack_signing_secret": self.workspace.signing_secret,
            "slack_channel": CHANNEL,
            "slack_api_url": self.workspace.api_url,
            "marketplace_user": self.marketplace.user,
            "marketplace_token": self.marketplace.token,
            "marketplace_vendor_id": self.marketplace.vendor_id,
            "poll_every": "24h",
            "database_url": f"sqlite+aiosqlite:///{self.folder / 'evaluators.db'}",
            "smtp_host": "127.0.0.1",
            "smtp_tls": "none",
            "mail_from": "Ana Sample <ana@vendor.example>",
            "mail_postal_address": "1 Sample Street, Springfield",
            "mail_countries": COUNTRIES,
            "mail_hold": "0s",
            "mail_at_most_every": "0s",
            "secret_key": "a key for tests that is long enough",
            "http_port": 0,
        }
        return {**given, **self.addresses, **changes}

    def environment(self, **changes: object) -> dict[str, str]:
        """The same settings as the environment of a process, in which there is nothing else."""
        return {name.upper(): str(value) for name, value in self.given(**changes).items() if value is not None}

    def settings(self, **changes: object) -> Settings:
        """The same settings, read; nothing of the machine's own gets in."""
        return settings_of(**self.given(**changes))

    @asynccontextmanager
    async def bot(self, **changes: object) -> AsyncIterator[Components]:
        """The bot at work, after its first poll and with its socket open; a second block is a restart."""
        settings = self.settings(**changes)
        async with self.at_work(settings) as parts:
            # Its own, which else might read what a test changes in the report, before the test polls.
            async with asyncio.timeout(limit(20)):
                await self.polled.wait()
            if settings.slack_app_token is not None:
                await self.until(lambda: self.workspace.sockets)
            yield parts

    @asynccontextmanager
    async def at_work(self, settings: Settings) -> AsyncIterator[Components]:
        """The bot from the first moment on, whatever it can do by then."""
        self.polled.clear()
        async with (
            self._parts(settings) as parts,
            run_components(
                settings,
                parts,
                clock=self.clock,
                timing=Timing(
                    limits=AT_ONCE,
                    socket=self.patience,
                    leader=self.timing,
                    elapsed=lambda: self.clock().timestamp(),
                ),
            ) as self.port,
        ):
            yield parts

    @asynccontextmanager
    async def _parts(self, settings: Settings) -> AsyncIterator[Components]:
        """What the bot is made of, with a note of its first poll."""
        async with open_components(settings, clock=self.clock) as parts:
            poll = parts.poller.poll

            async def noted() -> PollStats:
                try:
                    return await poll()
                finally:
                    self.polled.set()

            parts.poller.poll = noted  # type: ignore[method-assign]
            yield parts

    async def until(self, condition: Callable[[], T]) -> T:
        """Wait until something can be seen."""
        return await self.workspace.until(condition, within=limit(20))

    async def card(self, words: str) -> Message:
        """Wait for the card, or the message, that shows these words."""
        found = await self.until(lambda: [m for m in self.workspace.messages() if words in m.shown])
        return found[-1]

    async def shows(self, words: str, on: Message) -> Message:
        """Wait until a message shows these words; the message as it is then."""
        return await self.until(lambda: next((m for m in self._again(on) if words in m.shown), None)) or on

    async def hides(self, words: str, on: Message) -> None:
        """Wait until a message does not show these words any more."""
        await self.until(lambda: not any(words in m.shown for m in self._again(on)))

    async def noted(self, words: str, under: Message) -> None:
        """Wait until a line in the thread of a card says these words."""
        await self.until(lambda: any(words in note for note in self.thread(under)))

    async def notified(self, user: str, *words: str) -> None:
        """Wait until a person, and nobody else, is told any of these words, in a message or in their modal."""

        def shown() -> str:
            modals = self.workspace.views.get(user) or []
            said = [each.shown for each in self.workspace.ephemerals(user)]
            return "\n".join([*said, *(each.shown for each in modals[-1:])])

        await self.until(lambda: any(each in shown() for each in words))

    async def is_sending(self, user: str) -> None:
        """Wait until a person reads that their email is being sent, or was sent."""
        await self.notified(user, "Sending to", "Sent to")

    async def undo(self, user: str) -> None:
        """Press Undo in the modal after Send."""
        modal = await self.modal(user, ids.Settle.UNDO)
        await self.workspace.press_view(user, modal.id, ids.Settle.UNDO)

    async def at_rest(self, parts: Components) -> None:
        """Wait until nothing is owed to Slack any more."""
        async with asyncio.timeout(limit(20)):
            moment = parts.store.database.writes
            while await parts.store.outbox.waiting():
                await parts.store.database.written(moment, seconds=1)
                moment = parts.store.database.writes

    def thread(self, card: Message) -> list[str]:
        """The lines under a card."""
        return [note.shown for note in self.workspace.thread(card.channel, card.ts)]

    def _again(self, message: Message) -> list[Message]:
        return [m for m in self.workspace.messages() if m.ts == message.ts]

    async def modal(self, user: str, words: str) -> View:
        """Wait until a person sees a modal with these words that is not still loading; the view."""

        def seen() -> View | None:
            views = self.workspace.views.get(user) or []
            shown = str(views[-1].blocks) if views else ""
            return views[-1] if views and words in shown and "One moment" not in shown else None

        view = await self.until(seen)
        assert view is not None
        return view

    async def write(self, user: str, card: Message, values: Values | None = None) -> None:
        """Write a mail to the contact on a card, look at it, and send it."""
        await self.workspace.press(user, card, "evaluation.email")
        letter = await self.modal(user, "mail.body")
        await self.workspace.submit(user, letter.id, values)
        await self.send(user)

    async def block(self, user: str, typed: str, reason: str = "ASKED") -> None:
        """Type this after `dnc add`, and send the form that opens."""
        await self.workspace.command(user, f"/evaluators dnc add {typed}")
        form = await self.modal(user, "Nobody will be able to email")
        await self.workspace.submit(user, form.id, {"opt_out.reason": {"opt_out.reason": reason}})
        await self.notified(user, "Blocked.")

    async def unblock(self, user: str, typed: str, note: str) -> None:
        """Type this after `dnc lift`, and send the form that opens."""
        await self.workspace.command(user, f"/evaluators dnc lift {typed}")
        form = await self.modal(user, "Why can we contact them again?")
        await self.workspace.submit(user, form.id, {"opt_out.note": {"opt_out.note": note}})
        await self.notified(user, "Unblocked.")

    async def choose(self, user: str, card: Message, action: str) -> None:
        """Choose something from the menu of a card, or from what *More…* shows."""
        about = (card.metadata or {})["event_payload"]["evaluation"]
        wanted, rest = f"{action}:{about}", f"{Action.REST}:{about}"
        [menu] = [each for _, each in elements(card.blocks) if each["action_id"] == ids.MORE]
        offered = [option["value"] for option in menu["options"]]
        found = next((each for each in offered if each == wanted or each.startswith(f"{wanted}:")), None)
        await self.workspace.press(user, card, ids.MORE, found or rest)
        if found is None:
            await self.workspace.press_view(user, (await self.modal(user, action)).id, action)

    async def send(self, user: str) -> None:
        """Send what stands in the preview that somebody looks at."""
        shown = self.workspace.views[user][-1]
        assert shown.content["callback_id"] == ids.View.PREVIEW
        await self.workspace.submit(user, shown.id)

    async def sleep(self, seconds: float) -> None:
        """Let time pass for everything that waits."""
        self.pass_by(seconds=seconds)

    def pass_by(self, **span: float) -> None:
        """Let time pass."""
        self.clock.now += timedelta(**span)


@asynccontextmanager
async def world(folder: Path, *, rate_limits: bool = False) -> AsyncIterator[World]:
    """A world with nobody in it but the team."""
    here = World(folder=folder, rate_limits=rate_limits)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(here.workspace.serve())
        here.addresses["marketplace_api_url"] = await stack.enter_async_context(here.marketplace.serve())
        here.addresses["smtp_port"] = await stack.enter_async_context(here.mailbox.serve())
        slack, report = here.workspace, here.marketplace
        WATCH.keep_private("a token", [slack.bot_token, slack.app_token, slack.signing_secret, report.token])
        yield here
        for mail in here.mailbox.mails:
            WATCH.keep_mail_private(f"{mail['subject']}\n{mail['text']}")
