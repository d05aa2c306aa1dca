"""Alert the admins once per Slack outage, and once on recovery."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import structlog

from bot.domain.incidents import Incident, IncidentSource, OpenIncident
from bot.domain.outbox import ApiMethod, Route
from bot.errors import SlackRefused
from bot.slack.client import errors
from bot.slack.client.errors import ErrorAction
from bot.slack.client.web_client import is_person
from bot.slack.views import alerts
from bot.store import Store

log = structlog.get_logger()


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
    def incident(self) -> Incident:
        """The outage as an incident."""
        return Incident(
            source=IncidentSource.SLACK,
            method=self.method,
            channel=self.channel,
            code=self.code,
            scopes=self.needed,
        )

    @classmethod
    def of(cls, incident: Incident) -> Self | None:
        """Return the outage that an incident is, or None if it is about something else."""
        if incident.source is not IncidentSource.SLACK or incident.method is None:
            return None
        return cls(method=incident.method, channel=incident.channel, code=incident.code, needed=incident.scopes)

    @property
    def is_look_alone(self) -> bool:
        """Whether new messages can still be delivered: the app may post, but may not read the channel."""
        return self.method is ApiMethod.HISTORY and errors.action_for(self.code) is ErrorAction.SCOPE

    def sentence(self) -> str:
        """Return why the route is closed, and how to open it."""
        return errors.explain(self.code, needed=self.needed)

    def is_told_with(self, other: "Outage") -> bool:
        """Return whether an admin would regard both outages as one problem."""
        return (self.channel, self.is_look_alone) == (other.channel, other.is_look_alone)

    def affects(self, route: Route) -> bool:
        """Return whether a success on this route shows that the outage is over."""
        return self.channel is None or (self.method, self.channel) == route


def describe_outages(open_incidents: Iterable[OpenIncident]) -> list[str]:
    """Return a sentence for each open outage that says how to fix it."""
    found = [each for incident in open_incidents if (each := Outage.of(incident.incident)) is not None]
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
        outage = Outage(method=route.method, channel=channel, code=refusal.code, needed=refusal.needed)
        async with self._one_at_a_time:
            others = [each for each in await self._open_outages() if each.is_told_with(outage)]
            to = () if any(each.code == outage.code for each in others) else self._to(outage)
            say = alerts.not_looked_up if outage.is_look_alone else alerts.not_delivered
            text = say(str(refusal), channel=outage.channel)
            if await self._store.incidents.open(outage.incident, text, to=to, at=self._clock()):
                log.error(
                    "slack_outage", method=route.method, channel=outage.channel, code=refusal.code, reason=str(refusal)
                )

    async def recovered(self, route: Route) -> None:
        """Close the outages that a success on this route shows to be over."""
        async with self._one_at_a_time:
            open_incidents = await self._store.incidents.list_open()
            for incident in open_incidents:
                outage = Outage.of(incident.incident)
                if outage is None or not outage.affects(route):
                    continue
                now = self._clock()
                rest = [each for each in await self._open_outages() if each.is_told_with(outage) and each != outage]
                say = alerts.looked_up_again if outage.is_look_alone else alerts.delivered_again
                text = say(now - incident.since, channel=outage.channel)
                await self._store.incidents.close(
                    [incident.incident], text, to=() if rest else self._to(outage), at=now
                )

    async def _open_outages(self) -> list[Outage]:
        read = (Outage.of(incident.incident) for incident in await self._store.incidents.list_open())
        return [outage for outage in read if outage is not None]

    def _to(self, outage: Outage) -> tuple[str, ...]:
        is_shut = outage.channel in (None, self._channel) and not outage.is_look_alone
        return self._admins if self._admins or is_shut else (self._channel,)
