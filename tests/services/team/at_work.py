"""A team and the jobs that remind it, over a store of its own: what each message in Slack held, and when it came."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from bot.domain.announcement import AnnouncementPolicy
from bot.domain.evaluation import License
from bot.domain.outbox import Delivery, DeliveryKind
from bot.domain.reminders import ListedReminder
from bot.services.team.digests import DigestSender
from bot.services.team.permissions import Outsider
from bot.services.team.reminders import ReminderSender
from bot.slack.client.web_client import is_person
from bot.store import Store, open_store
from tests.builders import contact, license_
from tests.store.steps import CHANNEL, SECRET, parsed

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


@dataclass
class Copy:
    """One copy of the bot: its store, and its jobs."""

    store: Store
    reminders: ReminderSender
    digests: DigestSender


@dataclass
class AtWork:
    """A team at work. Time passes only as a test says."""

    url: str
    now: datetime
    zones: dict[str, ZoneInfo]
    """Of people; the team's is Berlin."""
    left: set[str] = field(default_factory=set)
    """Whose accounts are deactivated."""
    copies: list[Copy] = field(default_factory=list)
    posts: defaultdict[int, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    """When each delivery of a reminder or a digest was posted."""
    receivers: dict[int, str] = field(default_factory=dict)
    """Who got it."""
    shown: dict[int, list[ListedReminder]] = field(default_factory=dict)
    """The reminders that it shows by now."""
    digests: Counter[tuple[str, str]] = field(default_factory=Counter)
    """The digests that were posted, by channel and day."""
    interrupted: set[int] = field(default_factory=set)
    """Deliveries of which nobody knew whether they had arrived."""
    stacks: list[AsyncExitStack] = field(default_factory=list)
    begun: int = 0
    """How many trials there were."""
    began: dict[int, License] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """The store of the first copy."""
        return self.copies[0].store

    async def start(self) -> None:
        """Start one more copy, which takes over what was under way."""
        stack = AsyncExitStack()
        store = await stack.enter_async_context(open_store(self.url, secret_keys=[SECRET]))
        await store.outbox.recover_in_flight()
        steps = count()
        reminders = ReminderSender(
            store, zone=BERLIN, zone_of=self._zone_of, clock=self._clock, elapsed=lambda: 100.0 * next(steps)
        )
        digests = DigestSender(
            store, channel=CHANNEL, zone=BERLIN, zone_of=self._zone_of, outsider=self._outsider, clock=self._clock
        )
        self.copies.append(Copy(store, reminders, digests))
        self.stacks.append(stack)

    async def crash(self, number: int = 0) -> None:
        """End a copy, and start it again."""
        del self.copies[number]
        await self.stacks.pop(number).aclose()
        await self.start()

    async def look(self, number: int = 0) -> None:
        """What a copy does every few seconds."""
        await self.copies[number].digests.send_due()
        await self.copies[number].reminders.send_due()

    async def trial(self, **overrides: object) -> None:
        """A trial begins, of a customer of its own, and is read."""
        self.begun += 1
        number = self.begun
        about = {
            "aliases": frozenset({f"E-{number}"}),
            "company": f"Firm {number}",
            "technical": contact(email=f"pat@firm{number}.example"),
            "billing": None,
            "starts": self.now.date(),
            "latest_evaluation": self.now.date(),
            "updated": self.now.date(),
            "ends": self.now.date() + timedelta(days=30),
        }
        self.began[number] = license_(**{**about, **overrides})
        await self.report(self.began[number])

    async def join(self, number: int, other: int) -> None:
        """A record says that two licenses are one."""
        one, two = self.began[number], self.began[other]
        await self.report(replace(two, aliases=one.aliases | two.aliases, updated=self.now.date()))

    async def report(self, seen: License) -> None:
        """A record is read."""
        policy = AnnouncementPolicy(today=self.now.date())
        await self.store.licenses.record([parsed(seen)], policy, channel=CHANNEL, at=self.now)

    async def deliver(self, number: int = 0, *, crashes: bool = False, meanwhile: int | None = None) -> None:
        """Bring what is due to Slack; or crash once something is there, before that is recorded. `meanwhile`, a copy
        may look for what is due.
        """
        store = self.copies[number].store
        while taken := await self._claimed(store):
            for each in taken:
                is_post = each.ts is None and not (each.kind is DeliveryKind.CARD and each.card)
                if is_post and not self._is_there(each):
                    self._posted(each)
                if each.kind is DeliveryKind.REMINDER:
                    self.shown[each.id] = await store.reminders.listed(each.id)
                if meanwhile is not None:
                    await self.look(meanwhile)
                if crashes:
                    self.interrupted.update(one.id for one in taken)
                    await self.crash(number)
                    return
                place = f"D{each.channel}" if each.kind is DeliveryKind.REMINDER and is_person(each.channel) else None
                ts = each.ts or (each.card.ts if each.card else f"{self.now.timestamp():.0f}.{each.id}")
                await store.outbox.mark_delivered(each, ts=ts, channel=place)

    async def _claimed(self, store: Store) -> list[Delivery]:
        methods = {route.method for route, due in (await store.outbox.routes()).items() if due <= self.now}
        return [each for way in sorted(methods) for each in await store.outbox.claim(way, now=self.now, most=50)]

    def _is_there(self, delivery: Delivery) -> bool:
        """Look up what may have been posted; a direct message cannot be looked up, and goes again."""
        return bool(self.posts[delivery.id]) and not is_person(delivery.channel)

    def _posted(self, delivery: Delivery) -> None:
        is_snooze = delivery.kind is DeliveryKind.REMINDER and delivery.text is None
        if delivery.kind not in {DeliveryKind.REMINDER, DeliveryKind.DIGEST} or is_snooze:
            return
        self.posts[delivery.id].append(self.now)
        self.receivers[delivery.id] = delivery.channel
        if delivery.kind is DeliveryKind.DIGEST and len(self.posts[delivery.id]) == 1:
            self.digests[delivery.channel, delivery.text or ""] += 1

    def messages(self) -> Counter[tuple[str, date]]:
        """How many direct messages each person got on each of their days."""
        found = Counter[tuple[str, date]]()
        for number, (first, *_) in ((number, posts) for number, posts in self.posts.items() if posts):
            person = self.receivers[number]
            if is_person(person):
                found[person, first.astimezone(self.zones[person]).date()] += 1
        return found

    def _clock(self) -> datetime:
        return self.now

    async def _zone_of(self, user: str) -> ZoneInfo:
        return self.zones.get(user, BERLIN)

    async def _outsider(self, user: str) -> Outsider | None:
        return Outsider.GONE if user in self.left else None


@asynccontextmanager
async def at_work(url: str, *, now: datetime, zones: dict[str, ZoneInfo], copies: int = 1) -> AsyncIterator[AtWork]:
    """A team at work, with so many copies of the bot."""
    team = AtWork(url=url, now=now.astimezone(UTC), zones=zones)
    try:
        for _ in range(copies):
            await team.start()
        yield team
    finally:
        for stack in team.stacks:
            await stack.aclose()
