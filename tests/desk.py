"""The delivery by hand, on a clock that passes only when a test says so."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.app.components import Components, open_components
from bot.demo.fake_slack import CHANNEL
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.domain.mail_policy import DEFAULT_RULES
from bot.domain.outbox import ApiMethod
from bot.services.slack_delivery.cards import Cards
from bot.services.slack_delivery.outages import SlackOutages
from bot.services.slack_delivery.rate_limits import SLACK_BACKOFF, Limits, SlackRateLimiter
from bot.services.slack_delivery.renderer import DeliveryRenderer
from bot.services.slack_delivery.worker import SlackOutboxWorker
from bot.slack.client.web_client import SlackClient
from tests.world import AT_ONCE, TODAY, World

ADMIN = "U0CHIKA"
POST, UPDATE, LOOK = "chat.postMessage", "chat.update", "conversations.history"


@dataclass
class Desk:
    """The whole bot but for its workers: nothing is brought to Slack until a test says so."""

    here: World
    parts: Components
    worker: SlackOutboxWorker
    cards: Cards

    async def deliver(self) -> None:
        """Bring whatever may go now."""
        written = -1
        while written != self.parts.store.database.writes:
            written = self.parts.store.database.writes
            await self.worker.dispatch_due()
            async with self.worker.paused():
                pass

    async def wait(self, *, at_most: float = 60) -> None:
        """Bring what may go now, then let time pass until something more may."""
        await self.deliver()
        self.here.pass_by(seconds=min(await self.worker.dispatch_due(), at_most))

    async def settle(self, *, within: timedelta = timedelta(hours=1)) -> None:
        """Let time pass until nothing is owed any more."""
        end = self.here.clock() + within
        await self.deliver()
        while await self.waiting():
            assert self.here.clock() < end, "something is still owed"
            await self.wait()
            await self.deliver()

    async def live(self, **span: float) -> None:
        """Let so much time pass, with all that is brought to Slack in it."""
        end = self.here.clock() + timedelta(**span)
        while (rest := (end - self.here.clock()).total_seconds()) > 0:
            await self.wait(at_most=rest)

    async def begin_trial(self, number: int = 1) -> None:
        """Owe the channel a card; the first trial is number 1."""
        await self.begin_trials(range(number, number + 1))

    async def begin_trials(self, numbers: range) -> None:
        """Owe the channel these cards, which one poll brings."""
        for number in numbers:
            self.here.marketplace.add(license_record(number, LANTERNS, NORTHWIND, TODAY))
        await self.parts.poller.poll()

    async def own(self, evaluation_id: int = 1, *, owner: str | None = "U0ANA", was: str | None = None) -> None:
        """Enqueue an update of a card and a line in its thread."""
        await self.parts.store.evaluations.assign(
            evaluation_id, owner, instead_of=was, by="U0ANA", at=self.here.clock()
        )

    async def wipe(self) -> None:
        """Delete every message, as a person may."""
        for message in self.here.workspace.messages():
            await self.parts.client.chat_delete(channel=message.channel, ts=message.ts)

    async def waiting(self) -> int:
        """How many deliveries are open."""
        return await self.parts.store.outbox.waiting()

    @property
    def posted(self) -> int:
        """How many messages are in the channel."""
        return len(self.here.workspace.messages())

    @property
    def notified(self) -> list[str]:
        """What the admin was told."""
        return [message.shown for message in self.here.workspace.direct(ADMIN)]

    def calls(self, method: str = POST, *, channel: str = CHANNEL) -> int:
        """How often a method was called for a channel."""
        return sum(call.get("channel") == channel for call in self.here.workspace.calls(method))


@asynccontextmanager
async def desk(
    here: World,
    *,
    admins: tuple[str, ...] = (ADMIN,),
    limits: Mapping[ApiMethod, Limits] = AT_ONCE,
    patience: float = 30,
) -> AsyncIterator[Desk]:
    """A desk with nothing on it: the words of the first run are out already, and deleted."""
    async with (
        open_components(here.settings(slack_admins=admins), clock=here.clock) as parts,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=patience)) as session,
    ):
        client = AsyncWebClient(
            token=here.workspace.bot_token, base_url=here.workspace.api_url, session=session, retry_handlers=[]
        )
        worker = SlackOutboxWorker(
            parts.store,
            SlackClient(client),
            DeliveryRenderer(
                parts.store,
                workspace_url=lambda: "https://demo.slack.test/",
                today=here.clock.today,
                rules=DEFAULT_RULES,
            ),
            limiter=SlackRateLimiter(limits, backoff=replace(SLACK_BACKOFF, jitter=0.0), clock=here.slack_time),
            outages=SlackOutages(parts.store, admins=admins, channel=CHANNEL, clock=here.clock),
            clock=here.clock,
        )
        found = Desk(here, parts, worker, Cards(parts.store, clock=here.clock))
        await parts.poller.poll()
        await found.deliver()
        await found.wipe()
        here.workspace.requests.clear()
        yield found
