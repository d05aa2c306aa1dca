"""Incidents: what is wrong, as a value by which the same problem is recognized again."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.outbox import ApiMethod


class IncidentSource(StrEnum):
    """The part of the bot that noticed an incident."""

    POLL = "poll"
    SWEEP = "sweep"
    """Counted apart, because polls can succeed while every sweep fails: that is one incident, not one an hour."""
    ROWS = "rows"
    MAIL = "mail"
    BOUNCES = "bounces"
    MAILBOX = "mailbox"
    SOCKET = "socket"
    SLACK = "slack"
    CLOCK = "clock"
    DATABASE = "database"
    SCOPES = "scopes"
    WEBHOOKS = "webhooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One problem. At most one incident of the same value is open at a time."""

    source: IncidentSource
    code: str
    """What is wrong, as the source names it: for Slack, its error code."""
    method: ApiMethod | None = None
    channel: str | None = None
    """Of Slack; None if the problem is not limited to one channel."""
    scopes: tuple[str, ...] = ()
    """The scopes that the Slack app lacks, if that is the problem."""
    seconds: int = 0
    """How far the clock was set: negative if it was set back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """An incident that the admins know about and that is not over; `since` is when they were told."""

    incident: Incident
    since: datetime


UNWIPED = Incident(source=IncidentSource.DATABASE, code="unwiped")
"""Open until the database files hold no more erased data."""
