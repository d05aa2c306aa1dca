"""Choose who takes the next evaluation: a smooth weighted round robin.

A credit is how far somebody is behind their share of the turns. With each turn, everybody present gets their share of
it, and who takes it pays for all of it. So credits stay within about one turn, and an absence changes none: who comes
back is neither flooded nor passed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from bot.domain.team_settings import RotationMember

_TURN_CREDIT: Final = 720_720
"""The credit of one turn. It has all divisors up to 16, so that most shares of it are exact."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class AssignmentRule(StrEnum):
    """By which rule the bot chose an owner."""

    SAME_CUSTOMER = "customer"
    """They own another evaluation of the same customer."""
    ROTATION = "rotation"
    """It was their turn."""


class Unavailable(StrEnum):
    """Why a member of a rotation gets no evaluation. The value is stored."""

    AWAY = "away"
    GONE = "gone"
    """Their account is deactivated, or Slack knows nobody by this id."""
    GUEST = "guest"
    BOT = "bot"
    ELSEWHERE = "elsewhere"
    """They belong to another workspace."""
    NOT_IN_CHANNEL = "not_in_channel"
    """They could not open the card."""


@dataclass(frozen=True, slots=True)
class Credit:
    """How far somebody is behind their share of the turns, and when they last took one (UTC)."""

    amount: int = 0
    chosen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """Who takes an evaluation, and the credits of those present afterwards."""

    user: str
    credits: Mapping[str, Credit]


def choose(present: Sequence[RotationMember], known: Mapping[str, Credit], *, at: datetime) -> Turn | None:
    """Return whose turn it is among those present, or None if nobody is.

    Of several with the same credit, the one takes it who has waited longest. Who is new begins at 0, the mean of all.
    """
    if not present:
        return None
    total = sum(member.weight for member in present)
    shares = {member.user: _TURN_CREDIT * member.weight // total for member in present}
    before = {user: known.get(user, Credit()) for user in shares}
    amounts = {user: before[user].amount + share for user, share in shares.items()}
    chosen = min(amounts, key=lambda user: (-amounts[user], before[user].chosen_at or _NEVER, user))
    amounts[chosen] -= sum(shares.values())
    after = {user: Credit(amount, at if user == chosen else before[user].chosen_at) for user, amount in amounts.items()}
    return Turn(chosen, after)
