"""Deliveries to Slack: their kinds and states, the routes they take, one of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from bot.domain.clock_skew import CLOCKS_DIFFER
from bot.domain.evaluation import CardRef
from bot.domain.history import Entry

BACKLOG_THRESHOLD: Final = 20
"""If more cards than this wait for their first post in a channel, one notice announces them."""
LONGEST_WAIT: Final = timedelta(hours=1) + CLOCKS_DIFFER
"""No delivery is deferred for longer. One due later was written by a wrong clock, and is due now."""


class ApiMethod(StrEnum):
    """Slack counts posts, updates and history calls separately; so does the rate limiter."""

    POST = "post"
    UPDATE = "update"
    HISTORY = "look"
    """A lookup of a message that may have been posted: before it is posted again, and once more later to find
    duplicates.
    """


class Route(NamedTuple):
    """A method in a channel. What Slack says about one route says nothing about another."""

    method: ApiMethod
    channel: str


class DeliveryKind(StrEnum):
    """What a delivery brings: a card, a line in its thread, a message, a notice about a backlog, a digest, or, to the
    person whose id is the channel, a reminder of an evaluation.
    """

    CARD = "card"
    NOTE = "note"
    MESSAGE = "message"
    SUMMARY = "summary"
    REMINDER = "reminder"
    DIGEST = "digest"
    REPLY = "reply"
    """To a person as well: a reply to an email about an evaluation."""
    FEEDBACK = "feedback"
    """To a person as well: feedback from the app, or from the page linked from an email."""


TO_PEOPLE: Final = (DeliveryKind.REMINDER, DeliveryKind.REPLY, DeliveryKind.FEEDBACK)
"""Kinds that belong to an evaluation and go to a person, rather than to its card or thread."""


class OwnerNews(StrEnum):
    """Something that the owner of an evaluation reads in a direct message at once, as the text of a reminder."""

    QUOTE = "quote"


class DeliveryState(StrEnum):
    """How far a delivery got. The values are those of the column."""

    DUE = "due"
    """It did not reach Slack, and goes once it is due."""
    SENDING = "sending"
    """This process works on it."""
    UNKNOWN = "unknown"
    """It may have reached Slack, and is looked up first. With a timestamp, it did, and may be there twice."""
    DELIVERED = "done"
    GIVEN_UP = "given_up"


OPEN: Final = (DeliveryState.DUE, DeliveryState.SENDING, DeliveryState.UNKNOWN)
BEGUN: Final = (DeliveryState.SENDING, DeliveryState.UNKNOWN)
"""States in which a message may be in Slack, or get there at any moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery to Slack, claimed by this process."""

    id: int
    kind: DeliveryKind
    channel: str
    attempts: int
    at: datetime
    """When it was enqueued. It cannot have been posted before."""
    evaluation_id: int | None = None
    card: CardRef | None = None
    entry: Entry | None = None
    text: str | None = None
    ts: str | None = None
    """The timestamp of a posted line that says too much, or of a message that may have been posted twice."""
    lines: frozenset[str] = frozenset()
    """For a line that may be in a thread already: the timestamps of the thread's other lines, as far as
    they are known.
    """
    waiting: int = 0
    """For a backlog notice: how many cards wait for their first post in the channel."""
