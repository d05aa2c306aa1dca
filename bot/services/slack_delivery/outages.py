"""Say once which way to Slack is closed, with what opens it, and once that it is open again."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

import structlog

from bot.errors import SlackRefused
from bot.slack.client import errors
from bot.slack.client.errors import ErrorAction
from bot.slack.client.web_client import is_person
from bot.slack.views import alerts
from bot.store import Store
from bot.store.incidents import OpenIncident
from bot.store.outbox.repository import ApiMethod, Route

log = structlog.get_logger()

_WORKSPACE: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A way that Slack has closed, with its word for why; `channel` is None where it closed all.

    `needed` are the scopes that the app lacks, where that is why.
    """

    lane: ApiMethod
    channel: str | None
    code: str
    needed: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """As a kind of trouble."""
        scopes = f" {','.join(self.needed)}" if self.needed else ""
        return f"slack {self.lane} {self.channel or _WORKSPACE} {self.code}{scopes}"

    @property
    def is_look_alone(self) -> bool:
        """Whether what is new can be brought all the same: the app may post, and may not read the channel."""
        return self.lane is ApiMethod.LOOK and errors.action_for(self.code) is ErrorAction.SCOPE

    def sentence(self) -> str:
        """Why it is closed, and what opens it."""
        return errors.explain(self.code, needed=self.needed)

    @classmethod
    def read(cls, kind: str) -> Self | None:
        """From a kind of trouble; None for trouble with something else."""
        match kind.split():
            case ["slack", lane, channel, code, *scopes]:
                return cls(
                    lane=ApiMethod(lane),
                    channel=None if channel == _WORKSPACE else channel,
                    code=code,
                    needed=tuple(scopes[0].split(",")) if scopes else (),
                )
            case _:
                return None

    def is_told_with(self, other: "Outage") -> bool:
        """Whether an admin would call the two one trouble."""
        return (self.channel, self.is_look_alone) == (other.channel, other.is_look_alone)

    def concerns(self, way: Route) -> bool:
        """Whether something that went this way shows that it is open again."""
        return self.channel is None or (self.lane, self.channel) == way


def describe_outages(standing: Iterable[OpenIncident]) -> list[str]:
    """What is closed at the moment, a sentence each that says what opens it."""
    found = [each for trouble in standing if (each := Outage.read(trouble.kind)) is not None]
    said = (("" if each.channel is None else f"Channel {each.channel}: ") + each.sentence() for each in found)
    return list(dict.fromkeys(said))


class SlackOutages:
    """Tells the admins by direct message, or the bot's channel where there are none and it is not what is closed."""

    def __init__(self, store: Store, *, admins: Sequence[str], channel: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._admins = tuple(admins)
        self._channel = channel
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def refused(self, way: Route, refusal: SlackRefused) -> None:
        """Slack has closed this way, or all; of people who cannot be written to, only the log speaks."""
        everywhere = errors.action_for(refusal.code) is ErrorAction.TOKEN
        if is_person(way.channel) and not everywhere:
            return
        channel = None if everywhere else way.channel
        closed = Outage(lane=way.lane, channel=channel, code=refusal.code, needed=refusal.needed)
        async with self._one_at_a_time:
            others = [each for each in await self._standing() if each.is_told_with(closed)]
            to = () if any(each.code == closed.code for each in others) else self._to(closed)
            say = alerts.not_looked_up if closed.is_look_alone else alerts.not_delivered
            text = say(str(refusal), channel=closed.channel)
            if await self._store.troubles.begin(closed.kind, text, to=to, at=self._clock()):
                log.error("slack_closed", lane=way.lane, channel=closed.channel, code=refusal.code, reason=str(refusal))

    async def passed(self, way: Route) -> None:
        """Something went this way."""
        async with self._one_at_a_time:
            standing = await self._store.troubles.standing()
            for trouble in standing:
                closed = Outage.read(trouble.kind)
                if closed is None or not closed.concerns(way):
                    continue
                now = self._clock()
                rest = [each for each in await self._standing() if each.is_told_with(closed) and each != closed]
                say = alerts.looked_up_again if closed.is_look_alone else alerts.delivered_again
                text = say(now - trouble.since, channel=closed.channel)
                await self._store.troubles.end([trouble.kind], text, to=() if rest else self._to(closed), at=now)

    async def _standing(self) -> list[Outage]:
        read = (Outage.read(trouble.kind) for trouble in await self._store.troubles.standing())
        return [closed for closed in read if closed is not None]

    def _to(self, closed: Outage) -> tuple[str, ...]:
        is_shut = closed.channel in (None, self._channel) and not closed.is_look_alone
        return self._admins if self._admins or is_shut else (self._channel,)
