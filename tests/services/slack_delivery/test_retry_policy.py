"""What follows from a failed attempt, without a store and without Slack."""

from functools import partial

import pytest

from bot.concurrency.backoff import Backoff
from bot.domain.evaluation import CardRef
from bot.domain.outbox import ApiMethod, Delivery, DeliveryKind
from bot.errors import LeaseLost, SlackOutcomeUnknown, SlackRefused, SlackSilent, SlackUnavailable
from bot.services.slack_delivery.rate_limits import LimitScope
from bot.services.slack_delivery.retry_policy import Next, Resolution
from bot.services.slack_delivery.retry_policy import resolve as resolve_with
from tests.builders import NOON

POST, UPDATE, LOOK = ApiMethod.POST, ApiMethod.UPDATE, ApiMethod.HISTORY
CARD = CardRef(channel="C0CARDS", ts="1.0")


def delivery(
    *, channel: str = "C0CARDS", card: CardRef | None = None, ts: str | None = None, attempts: int = 1
) -> Delivery:
    """A card that is posted, or updated if it is in Slack already."""
    return Delivery(id=7, kind=DeliveryKind.CARD, channel=channel, attempts=attempts, at=NOON, card=card, ts=ts)


resolve = partial(resolve_with, backoff=Backoff(base=2.0, maximum=300.0, jitter=0.0))


def refused(code: str) -> SlackRefused:
    """A refusal by its code."""
    return SlackRefused("Refused.", code=code)


@pytest.mark.parametrize(
    ("method", "card", "holds"), [(POST, None, LimitScope.ROUTE), (UPDATE, CARD, LimitScope.METHOD)]
)
def test_what_slack_is_not_available_for_goes_again_and_holds_back_as_far_as_its_limits_reach(
    method: ApiMethod, card: CardRef | None, holds: LimitScope
) -> None:
    found = resolve(delivery(card=card), method, SlackUnavailable("Later.", retry_after=30.0))
    assert found == Resolution(next=Next.RETRY, holds=holds, at_least=30.0)


def test_a_post_of_unknown_outcome_is_looked_up_and_one_without_an_answer_not_before_slack_may_show_it() -> None:
    broken = resolve(delivery(), POST, SlackOutcomeUnknown("Broken."))
    silent = resolve(delivery(), POST, SlackSilent("Silent."))
    assert (broken.next, broken.is_unsure, silent.is_unsure) == (Next.RETRY, True, True)
    assert broken.wait == 2
    assert silent.wait == 30


@pytest.mark.parametrize("given", [delivery(card=CARD), delivery(channel="U0ANA")], ids=["an update", "a message"])
def test_what_does_no_harm_twice_is_repeated_without_a_lookup(given: Delivery) -> None:
    found = resolve(given, POST, SlackSilent("Silent."))
    assert (found.next, found.is_unsure, found.wait) == (Next.RETRY, False, 2)


@pytest.mark.parametrize(("code", "holds"), [("token_revoked", 2), ("missing_scope", 0), ("is_archived", 0)])
def test_a_route_that_slack_closes_is_held_back_and_the_admins_hear_of_it(code: str, holds: int) -> None:
    found = resolve(delivery(), POST, refused(code))
    assert found == Resolution(next=Next.RETRY, holds=LimitScope(holds), is_outage=True)


def test_a_person_who_cannot_be_messaged_is_given_up() -> None:
    assert resolve(delivery(channel="U0ANA"), POST, refused("is_archived")).next is Next.GIVE_UP


def test_an_update_of_a_deleted_card_deletes_it_in_the_store() -> None:
    found = resolve(delivery(card=CARD), UPDATE, refused("message_not_found"))
    assert found == Resolution(next=Next.CARD_DELETED, is_answer=True)


def test_a_message_in_slack_whose_second_lookup_is_refused_counts_as_delivered() -> None:
    assert resolve(delivery(ts="1.0"), LOOK, refused("invalid_arguments")).next is Next.DELIVERED


def test_a_lookup_that_is_refused_is_never_given_up_before_it_could_look() -> None:
    found = resolve(delivery(), LOOK, refused("invalid_arguments"))
    assert (found.next, found.is_unsure, found.is_outage) == (Next.RETRY, True, True)


def test_who_lost_the_lease_tries_again_and_holds_nothing_back() -> None:
    assert resolve(delivery(), POST, LeaseLost("Lost.")) == Resolution(next=Next.RETRY)


def test_a_post_that_broke_in_the_bot_is_looked_up() -> None:
    found = resolve(delivery(attempts=3), POST, RuntimeError())
    assert (found.next, found.is_unsure, found.wait) == (Next.RETRY, True, 8)
