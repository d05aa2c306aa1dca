"""Decide what follows from a failed attempt to deliver: pure functions of the delivery and the error."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from bot.concurrency.backoff import Backoff
from bot.domain.outbox import ApiMethod, Delivery, DeliveryKind
from bot.errors import LeaseLost, SlackOutcomeUnknown, SlackRefused, SlackSilent, SlackUnavailable
from bot.services.slack_delivery.rate_limits import LimitScope
from bot.slack.client.errors import ErrorAction, action_for
from bot.slack.client.web_client import is_person

_LATE_AFTER_S: Final = 30.0
"""Seconds to wait before looking up a post that got no response: Slack may show it late."""
_OUTAGE_SCOPES: Final = {
    ErrorAction.TOKEN: LimitScope.WORKSPACE,
    ErrorAction.SCOPE: LimitScope.ROUTE,
    ErrorAction.CHANNEL: LimitScope.ROUTE,
}


class Next(Enum):
    """What becomes of the delivery."""

    RETRY = auto()
    DELIVERED = auto()
    """It is in Slack; only whether it is there twice cannot be checked."""
    CARD_DELETED = auto()
    GIVE_UP = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What follows from a failed attempt."""

    next: Next
    wait: float = 0.0
    """For a retry: seconds until it is due."""
    is_unsure: bool = False
    """For a retry: whether the message may be in Slack, so that it is looked up first."""
    holds: LimitScope | None = None
    """What the rate limiter holds back; None if it holds back nothing."""
    at_least: float = 0.0
    """For how many seconds Slack asked to be left alone."""
    is_answer: bool = False
    """Whether Slack answered, so that the rate limiter forgets earlier failures."""
    is_outage: bool = False
    """Whether the admins are alerted."""


def resolve(delivery: Delivery, method: ApiMethod, error: BaseException, *, backoff: Backoff) -> Resolution:
    """Return what follows from an error of Slack, a lost lease, or an unforeseen error."""
    is_lookup = method is ApiMethod.HISTORY
    may_be_there = is_lookup or not is_repeatable(delivery)
    match error:
        case LeaseLost():
            # Whether this is recorded depends on the lease: if this copy still leads, it tries again.
            return Resolution(next=Next.RETRY, is_unsure=is_lookup)
        case SlackUnavailable():
            scope = LimitScope.ROUTE if method is ApiMethod.POST else LimitScope.METHOD
            return Resolution(next=Next.RETRY, is_unsure=is_lookup, holds=scope, at_least=error.retry_after)
        case SlackOutcomeUnknown():
            is_late = isinstance(error, SlackSilent) and may_be_there and not is_lookup
            wait = backoff.after(delivery.attempts, at_least=_LATE_AFTER_S if is_late else 0.0)
            return Resolution(next=Next.RETRY, wait=wait, is_unsure=may_be_there, holds=LimitScope.ROUTE)
        case SlackRefused():
            return _refused(delivery, method, error)
        case _:
            return Resolution(next=Next.RETRY, wait=backoff.after(delivery.attempts), is_unsure=may_be_there)


def _refused(delivery: Delivery, method: ApiMethod, refusal: SlackRefused) -> Resolution:
    action, is_lookup = action_for(refusal.code), method is ApiMethod.HISTORY
    # A person who cannot be messaged must not hold up the cards or the other admins. What may be in the channel is
    # neither given up nor posted again before the worker could look.
    gives_up = is_person(delivery.channel) if action is ErrorAction.CHANNEL else not is_lookup
    if action is ErrorAction.GONE and delivery.card is not None and delivery.ts is None:
        return Resolution(next=Next.CARD_DELETED, is_answer=True)
    if is_lookup and delivery.ts is not None and action not in _OUTAGE_SCOPES:
        return Resolution(next=Next.DELIVERED, is_answer=True)
    if action in {ErrorAction.TOKEN, ErrorAction.SCOPE} or not gives_up:
        holds = _OUTAGE_SCOPES.get(action, LimitScope.ROUTE)
        return Resolution(next=Next.RETRY, is_unsure=is_lookup, holds=holds, is_outage=True)
    return Resolution(next=Next.GIVE_UP, is_answer=True)


def is_outage(refusal: SlackRefused) -> bool:
    """Return whether a refusal closes a route, until somebody opens it."""
    return action_for(refusal.code) in _OUTAGE_SCOPES


def is_repeatable(delivery: Delivery) -> bool:
    """Return whether repeating does no harm, or less than looking: reading direct messages would need two
    more scopes.
    """
    is_change = delivery.ts is not None or (delivery.kind is DeliveryKind.CARD and delivery.card is not None)
    return is_change or is_person(delivery.channel)
