"""The chat.* methods."""

from bot.demo.fake_slack.methods import Method, needed, own_channel, truth
from bot.demo.fake_slack.models import BOT_USER, Channel, Json, Message, Refusal
from bot.demo.fake_slack.rate_limits import POSTING, TIER_3
from bot.demo.fake_slack.state import SlackState
from bot.demo.fake_slack.validation import LONGEST_TEXT, LONGEST_UPDATE, check_message


def post_message(memory: SlackState, args: Json) -> Json:
    """Post to a channel (id or name) or to a user."""
    channel = _addressed(memory, needed(args, "channel"))
    _check(memory, args)
    message = memory.post(channel.id, args, thread_ts=args.get("thread_ts"))
    return {"channel": channel.id, "ts": message.ts, "message": message.wire(with_metadata=True)}


def post_ephemeral(memory: SlackState, args: Json) -> Json:
    """Show a message to one user only; it is in no history."""
    channel = _addressed(memory, needed(args, "channel"))
    user = needed(args, "user")
    if user not in memory.users:
        raise Refusal("user_not_in_channel")
    _check(memory, args)
    message = memory.post(channel.id, args, thread_ts=args.get("thread_ts"), only_for=user)
    return {"message_ts": message.ts}


def update(memory: SlackState, args: Json) -> Json:
    """Change one of the bot's own messages: text without blocks removes the blocks."""
    message = _own(memory, args, refusal="cant_update_message")
    if "blocks" not in args and args.get("text") is None:
        raise Refusal("no_text")
    _check(memory, args, longest=LONGEST_UPDATE)
    memory.change(message, args)
    return {
        "channel": message.channel,
        "ts": message.ts,
        "text": message.text,
        "message": message.wire(with_metadata=True),
    }


def delete(memory: SlackState, args: Json) -> Json:
    """Delete one of the bot's own messages."""
    message = _own(memory, args, refusal="cant_delete_message")
    memory.delete(message)
    return {"channel": message.channel, "ts": message.ts}


def permalink(memory: SlackState, args: Json) -> Json:
    """Return the address of a message, on Slack a page of the workspace."""
    channel = memory.channel(needed(args, "channel"))
    message = memory.message(channel.id, needed(args, "message_ts"))
    if message is None:
        raise Refusal("message_not_found")
    address = f"https://demo-vendor.slack.test/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": address}


METHODS = {
    "chat.postMessage": Method(post_message, "chat:write", POSTING, per_channel=True),
    "chat.postEphemeral": Method(post_ephemeral, "chat:write"),
    "chat.update": Method(update, "chat:write", TIER_3),
    "chat.delete": Method(delete, "chat:write", TIER_3),
    "chat.getPermalink": Method(permalink, rate=None),
}


def _check(memory: SlackState, args: Json, *, longest: int = LONGEST_TEXT) -> None:
    if truth(args, "reply_broadcast") and not args.get("thread_ts"):
        raise Refusal("invalid_arguments", ["[ERROR] reply_broadcast needs thread_ts"])
    if memory.strict:
        check_message(args, longest=longest)


def _addressed(memory: SlackState, target: str) -> Channel:
    if target in memory.users:
        if memory.users[target].is_bot:
            raise Refusal("cannot_dm_bot")
        return memory.direct(target)
    named = (channel.id for channel in memory.channels.values() if channel.name and channel.name == target.lstrip("#"))
    channel = own_channel(memory, next(named, target))
    if channel.is_archived:
        raise Refusal("is_archived")
    return channel


def _own(memory: SlackState, args: Json, *, refusal: str) -> Message:
    channel = own_channel(memory, needed(args, "channel"))
    message = memory.message(channel.id, needed(args, "ts"))
    if message is None:
        raise Refusal("message_not_found")
    if message.user != BOT_USER:
        raise Refusal(refusal)
    if channel.is_archived:
        raise Refusal("is_archived")
    return message
