"""How an evaluation got its owner, or lost them, in words: in its thread and on its card."""

from collections import Counter
from typing import Final

from bot.domain.card import Card
from bot.domain.history import Assigned, NobodyAvailable, OwnerFact, Released
from bot.domain.rotation import AssignmentRule, Unavailable
from bot.slack.blocks import Block, small
from bot.slack.text import mention

_RULES: Final = {
    AssignmentRule.SAME_CUSTOMER: "they own another evaluation of this customer",
    AssignmentRule.ROTATION: "it was their turn in the rotation",
}
_ON_CARD: Final = {
    AssignmentRule.SAME_CUSTOMER: "assigned as owner of another evaluation of this customer",
    AssignmentRule.ROTATION: "assigned by rotation",
}
_UNAVAILABLE: Final = {
    Unavailable.AWAY: "away",
    Unavailable.GONE: "without an active account",
    Unavailable.GUEST: "a guest",
    Unavailable.BOT: "a bot",
    Unavailable.ELSEWHERE: "in another workspace",
    Unavailable.NOT_IN_CHANNEL: "not in this channel",
}
"""Why members of a rotation are not available. They are counted: a mention would call people who are away."""


def owner_sentence(fact: OwnerFact, actor: str | None) -> str:
    """Return the line for a change of owner. Without an actor, the bot made it."""
    who = "Somebody" if actor is None else mention(actor)
    match fact:
        case Assigned(owner=owner, rule=AssignmentRule() as rule):
            return f"Assigned to {mention(owner)}: {_RULES[rule]}."
        case Assigned(owner=owner):
            return f"{who} claimed this." if owner == actor else f"{who} assigned this to {mention(owner)}."
        case Released(was=was) if actor is None and was:
            return f"{mention(was)} has no active account any more, so this has no owner now."
        case Released():
            return f"{who} released this. It has no owner now."
        case NobodyAvailable(why=why):
            counts = Counter(reason for _, reason in why)
            reasons = ", ".join(f"{count} {_UNAVAILABLE[reason]}" for reason, count in counts.items())
            return f"No owner yet: nobody in the rotation is available ({reasons})."


def how_assigned(fact: Assigned, actor: str | None) -> str:
    """Return how the owner on a card became the owner."""
    if fact.rule is not None:
        return _ON_CARD[fact.rule]
    return "claimed" if actor in (fact.owner, None) else f"assigned by {mention(actor)}"


def stand_in(card: Card, reader: str) -> list[Block]:
    """Say why a direct message goes to somebody who does not own the evaluation; nothing to its owner."""
    owner = card.evaluation.owner
    if owner == reader:
        return []
    why = "Nobody owns this evaluation" if owner is None else f"{mention(owner)} owns this evaluation and is away"
    return [small(f"{why}. You're next in the rotation.")]
