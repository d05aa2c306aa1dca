"""Alert the admins once per Slack outage, and once on recovery."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

import structlog

from bot.domain.health import OpenIncident
from bot.errors import SlackRefused
from bot.slack.client import errors
from bot.slack.client.errors import ErrorAction
from bot.slack.client.web_client import is_person
from bot.slack.views import alerts
from bot.store import Store
from bot.store.outbox.repository import ApiMethod, Route

log = structlog.get_logger()

_WORKSPACE: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A route that Slack has closed, with its error code; `channel` is None if all routes are closed.

    `needed` are the scopes that the app lacks, if that is the reason.
    """

    method: ApiMethod
    channel: str | None
    code: str
    needed: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The outage as the kind of an incident."""
        scopes = f" {','.join(self.needed)}" if self.needed else ""
        return f"slack {self.method} {self.channel or _WORKSPACE} {self.code}{scopes}"

    @property
    def is_look_alone(self) -> bool:
        """Whether new messages can still be delivered: the app may post, but may not read the channel."""
        return self.method is ApiMethod.HISTORY and errors.action_for(self.code) is ErrorAction.SCOPE

    def sentence(self) -> str:
        """Return why the route is closed, and how to open it."""
        return errors.explain(self.code, needed=self.needed)

    @classmethod
    def read(cls, kind: str) -> Self | None:
        """Return the outage in the kind of an incident, or None if it is about something else."""
        match kind.split():
            case ["slack", method, channel, code, *scopes]:
                return cls(
                    method=ApiMethod(method),
                    channel=None if channel == _WORKSPACE else channel,
                    code=code,
                    needed=tuple(scopes[0].split(",")) if scopes else (),
                )
            case _:
                return None

    def is_told_with(self, other: "Outage") -> bool:
        """Return whether an admin would regard both outages as one problem."""
        return (self.channel, self.is_look_alone) == (other.channel, other.is_look_alone)

    def affects(self, route: Route) -> bool:
        """Return whether a success on this route shows that the outage is over."""
        return self.channel is None or (self.method, self.channel) == route


def describe_outages(open_incidents: Iterable[OpenIncident]) -> list[str]:
    """Return a sentence for each open outage that says how to fix it."""
    found = [each for incident in open_incidents if (each := Outage.read(incident.kind)) is not None]
    said = (("" if each.channel is None else f"Channel {each.channel}: ") + each.sentence() for each in found)
    return list(dict.fromkeys(said))


class SlackOutages:
    """Tells the admins by direct message. Without admins, tells the bot's channel unless that is affected itself."""

    def __init__(self, store: Store, *, admins: Sequence[str], channel: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._admins = tuple(admins)
        self._channel = channel
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def refused(self, route: Route, refusal: SlackRefused) -> None:
        """Open an outage. About people who cannot be messaged, only the log speaks."""
        everywhere = errors.action_for(refusal.code) is ErrorAction.TOKEN
        if is_person(route.channel) and not everywhere:
            return
        channel = None if everywhere else route.channel
        outages = Outage(method=route.method, channel=channel, code=refusal.code, needed=refusal.needed)
        async with self._one_at_a_time:
            others = [each for each in await self._open_outages() if each.is_told_with(outages)]
            to = () if any(each.code == outages.code for each in others) else self._to(outages)
            say = alerts.not_looked_up if outages.is_look_alone else alerts.not_delivered
            text = say(str(refusal), channel=outages.channel)
            if await self._store.incidents.open(outages.kind, text, to=to, at=self._clock()):
                log.error(
                    "slack_outage", method=route.method, channel=outages.channel, code=refusal.code, reason=str(refusal)
                )

    async def recovered(self, route: Route) -> None:
        """Close the outages that a success on this route shows to be over."""
        async with self._one_at_a_time:
            open_incidents = await self._store.incidents.list_open()
            for incident in open_incidents:
                outages = Outage.read(incident.kind)
                if outages is None or not outages.affects(route):
                    continue
                now = self._clock()
                rest = [each for each in await self._open_outages() if each.is_told_with(outages) and each != outages]
                say = alerts.looked_up_again if outages.is_look_alone else alerts.delivered_again
                text = say(now - incident.since, channel=outages.channel)
                await self._store.incidents.close([incident.kind], text, to=() if rest else self._to(outages), at=now)

    async def _open_outages(self) -> list[Outage]:
        read = (Outage.read(incident.kind) for incident in await self._store.incidents.list_open())
        return [outages for outages in read if outages is not None]

    def _to(self, outages: Outage) -> tuple[str, ...]:
        is_shut = outages.channel in (None, self._channel) and not outages.is_look_alone
        return self._admins if self._admins or is_shut else (self._channel,)
