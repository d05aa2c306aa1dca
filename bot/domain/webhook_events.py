"""Events for the vendor's own systems: which fact makes which event, and when an event is sent again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import Any, Final

from bot.domain.app_signal import SignalKind
from bot.domain.exports import EvaluationRecord, HistoryRecord
from bot.domain.history import AppSignalled, Fact, Kind
from bot.domain.webhook_event_types import EventType

_TYPE_OF_KIND: Final[Mapping[Kind, EventType]] = {
    Kind.STARTED: EventType.EVALUATION_STARTED,
    Kind.EXTENDED: EventType.EVALUATION_EXTENDED,
    Kind.CONVERTED: EventType.EVALUATION_CONVERTED,
    Kind.ENDED: EventType.EVALUATION_ENDED,
    Kind.REOPENED: EventType.EVALUATION_REOPENED,
    Kind.MERGED: EventType.EVALUATION_MERGED,
    Kind.CORRECTED: EventType.EVALUATION_UPDATED,
    Kind.CONTACT_CHANGED: EventType.EVALUATION_UPDATED,
    Kind.ENRICHED: EventType.EVALUATION_UPDATED,
    Kind.DONE: EventType.EVALUATION_UPDATED,
    Kind.NOT_FOR_US: EventType.EVALUATION_UPDATED,
    Kind.UNDONE: EventType.EVALUATION_UPDATED,
    Kind.ASSIGNED: EventType.OWNER_CHANGED,
    Kind.RELEASED: EventType.OWNER_CHANGED,
    Kind.MAIL_SENT: EventType.MAIL_SENT,
    Kind.MAIL_ARRIVED: EventType.MAIL_SENT,
    Kind.MAIL_BOUNCED: EventType.MAIL_BOUNCED,
    Kind.MAIL_REPLIED: EventType.MAIL_REPLIED,
    Kind.FEEDBACK_RECEIVED: EventType.FEEDBACK_RECEIVED,
    Kind.QUOTE_ACCEPTED: EventType.QUOTE_ACCEPTED,
}
"""The event of each kind of fact in a history. A kind that is not here makes none."""
MAKE_EVENTS: Final = frozenset({*_TYPE_OF_KIND, Kind.APP_SIGNALLED})
"""The kinds of facts that may make an event."""


def event_type_of(fact: Fact) -> EventType | None:
    """Return the type of the event that a fact makes, or None if it makes none."""
    if isinstance(fact, AppSignalled) and fact.what is SignalKind.UNINSTALLED:
        return EventType.APP_UNINSTALLED
    return _TYPE_OF_KIND.get(fact.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookEvent:
    """An event with what is known at this moment: the evaluation and the fact, or `details` that name nobody."""

    sequence: int
    type: EventType
    at: datetime
    evaluation: EvaluationRecord | None = None
    fact: HistoryRecord | None = None
    details: Mapping[str, Any]

    @property
    def message_id(self) -> str:
        """The same for each attempt, by which a receiver recognizes an event that it has."""
        return f"msg_{self.sequence}"

    @property
    def lacks_card(self) -> bool:
        """Whether it tells of a new evaluation whose card is not in Slack yet."""
        is_start = self.type is EventType.EVALUATION_STARTED
        return is_start and self.evaluation is not None and self.evaluation.card_url is None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookStatus:
    """How an address is doing."""

    name: str
    waiting: int
    given_up: int
    """Events that it refused or did not take in five days."""
    delivered_at: datetime | None
    """When it last took an event."""
    failing_since: datetime | None
    error: str | None
    """A sentence about the last attempt, unless it succeeded."""
    off_at: datetime | None
    """When it was switched off."""

    @property
    def problem(self) -> str:
        """What is wrong, in a sentence; empty if nothing is."""
        if self.off_at is not None:
            return f"Webhooks to {self.name} are switched off. {self.error or ''}".strip()
        if self.failing_since is not None:
            return f"Webhooks to {self.name} fail. {self.error or ''}".strip()
        return ""


class Outcome(StrEnum):
    """What an attempt came to."""

    DELIVERED = auto()
    FAILED = auto()
    """The same event may be taken later."""
    REJECTED = auto()
    """The receiver refuses the event: another attempt hardly helps."""
    GONE = auto()
    """The receiver wants no more events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookResponse:
    """What an attempt brought: a status, or an error without one."""

    status: int | None = None
    error: str = ""
    """A sentence; empty if the event was taken."""
    retry_after: timedelta = timedelta(0)

    @property
    def outcome(self) -> Outcome:
        """What the attempt came to."""
        if self.status is None:
            return Outcome.FAILED
        if 200 <= self.status < 300:  # noqa: PLR2004  RFC 9110
            return Outcome.DELIVERED
        if self.status == _GONE:
            return Outcome.GONE
        is_refusal = 400 <= self.status < 500 and self.status not in _PASSING  # noqa: PLR2004  RFC 9110
        return Outcome.REJECTED if is_refusal else Outcome.FAILED


FAILS_FOR: Final = timedelta(days=5)
"""An address that takes nothing for so long is switched off."""
TOLD_AFTER: Final = timedelta(hours=1)
"""An address that takes nothing for so long is a problem that the admins hear about."""
LONGEST_PAUSE: Final = timedelta(hours=24)
_GONE: Final = 410
_PASSING: Final = frozenset({408, 425, 429})
_PAUSES: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
_REJECTIONS: Final = 3
_JITTER: Final = 0.2


def pause_before_next(
    attempts: int, response: WebhookResponse, *, waited: timedelta, chance: float
) -> timedelta | None:
    """Return the pause after so many attempts, of which the last brought this response, or None to give up.

    `waited` is how long the event has been due. `chance`, from 0 to 1, shortens or lengthens the pause by up to 20 %.
    """
    if response.outcome is Outcome.REJECTED and attempts >= _REJECTIONS:
        return None
    if attempts > len(_PAUSES) and waited >= FAILS_FOR:
        return None
    pause = _PAUSES[min(attempts, len(_PAUSES)) - 1] * (1 - _JITTER + 2 * _JITTER * chance)
    return max(pause, min(response.retry_after, LONGEST_PAUSE))
