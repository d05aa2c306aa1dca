"""What a Web API method consists of, and how its arguments are read."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.demo.fake_slack.models import Channel, Json, Refusal
from bot.demo.fake_slack.rate_limits import TIER_4, Rate
from bot.demo.fake_slack.state import SlackState

Act = Callable[[SlackState, Json], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """An act with what Slack checks before it: a scope (":history" is that of the channel's family) and a
    rate limit.
    """

    act: Act
    scope: str | None = None
    rate: Rate | None = TIER_4
    per_channel: bool = False


def needed(args: Json, name: str) -> str:
    """Return a required argument."""
    value = args.get(name)
    if value in (None, ""):
        raise Refusal("invalid_arguments", [f"[ERROR] missing required field: {name}"])
    return str(value)


def truth(args: Json, name: str) -> bool:
    """Return a boolean argument, as JSON or a form writes it."""
    return args.get(name) in (True, 1, "1", "true", "True")


def number(args: Json, name: str, default: int) -> int:
    """Return a whole number."""
    try:
        return int(args.get(name, default))
    except (TypeError, ValueError):
        raise Refusal("invalid_arguments", [f"[ERROR] must be an integer: {name}"]) from None


def own_channel(memory: SlackState, channel_id: object) -> Channel:
    """Return a channel that the bot is in, by its id."""
    channel = memory.channel(channel_id)
    if not channel.bot_is_member:
        raise Refusal("not_in_channel")
    return channel
