"""Find the people of a rotation who can take no evaluation."""

from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from bot.errors import SlackRefused
from bot.services.team.permissions import NOBODY, Outsider, outsider
from bot.slack.client.users import SlackUsers
from bot.slack.client.web_client import SlackClient

_WHY: Final = {
    Outsider.BOT: "is a bot",
    Outsider.GONE: "has no active account",
    Outsider.ELSEWHERE: "belongs to another company",
    Outsider.GUEST: "is a guest",
    Outsider.UNKNOWN: "is unknown to Slack",
}


async def unavailable_members(
    slack: SlackClient, users: SlackUsers, seats: Mapping[str, AbstractSet[str]]
) -> AsyncIterator[str]:
    """Yield a sentence for each member who can take no evaluation, and what to do. `seats` has them by channel."""
    found = False
    for channel, members in seats.items():
        present = await slack.channel_members(channel)
        for user in sorted(members):
            why = await _outsider(users, user)
            if why is not None or user not in present:
                found = True
                yield f"{user} {'is not in ' + channel if why is None else _WHY[why]}."
    if found:
        yield "Correct the team file, or invite them."


async def _outsider(users: SlackUsers, user: str) -> Outsider | None:
    try:
        return outsider(await users.user(user))
    except SlackRefused as exc:
        if exc.code in NOBODY:
            return Outsider.UNKNOWN
        raise
