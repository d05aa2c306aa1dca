"""What is owed to Slack: its kinds, the routes it takes, one delivery of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from bot.domain.evaluation import CardRef
from bot.domain.history import Entry


class ApiMethod(StrEnum):
    """Slack counts posts, updates and looks into the history apart; so do we."""

    POST = "post"
    UPDATE = "update"
    HISTORY = "look"
    """What may have been posted is looked up before it is posted again; later once more, for two of one thing."""


class Route(NamedTuple):
    """What Slack says of posting to one channel says nothing of another one, nor of updates."""

    method: ApiMethod
    channel: str


class DeliveryKind(StrEnum):
    """What a delivery brings: a card, a line in a card's thread, a message of its own, how many cards follow."""

    CARD = "card"
    NOTE = "note"
    MESSAGE = "message"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One thing owed to Slack, taken by this process."""

    id: int
    kind: DeliveryKind
    channel: str
    attempts: int
    at: datetime
    """When it was owed; nothing was posted before."""
    evaluation_id: int | None = None
    card: CardRef | None = None
    entry: Entry | None = None
    text: str | None = None
    ts: str | None = None
    """Of a line that stands there already, and says too much; or of a message that may stand there twice."""
    lines: frozenset[str] = frozenset()
    """Of a line that may stand in a thread: the timestamps of the others there, as far as they are known."""
    waiting: int = 0
    """Of a summary: how many cards wait for their first post in the channel."""
