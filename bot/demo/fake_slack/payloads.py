"""The payloads that Slack sends an app when a person does something.

The shapes are those of docs.slack.dev/reference/interaction-payloads.
"""

import re

from bot.demo.fake_slack.models import APP, BOT_USER, TEAM, Channel, Json, Message, User, View

VERIFICATION_TOKEN = "verification-token-of-the-demo"  # noqa: S105 - Slack's old field; it opens nothing


def common(user: User) -> Json:
    """Return what every interaction contains: who, where, which app."""
    return {
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team},
        "team": {"id": TEAM, "domain": "demo-vendor"},
        "api_app_id": APP,
        "token": VERIFICATION_TOKEN,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def message_action(message: Message, channel: Channel, values: Json) -> Json:
    """Return the part of block_actions about a message; an ephemeral one is not shown to the app."""
    ephemeral = message.only_for is not None
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": ephemeral,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    return {
        "type": "block_actions",
        "container": container,
        "channel": {"id": channel.id, "name": channel.name or "directmessage"},
        "state": {"values": values},
        **({} if ephemeral else {"message": message.wire()}),
    }


def view_action(view: View) -> Json:
    """Return the part of block_actions about a view."""
    return {"type": "block_actions", "container": {"type": "view", "view_id": view.id}, "view": view.wire()}


def command(user: User, channel: Channel, *, name: str, text: str) -> Json:
    """Return the form fields of a slash command."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM,
        "team_domain": "demo-vendor",
        "channel_id": channel.id,
        "channel_name": channel.name or "directmessage",
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
    }


def shortcut(callback_id: str, *, action_ts: str) -> Json:
    """Return the part of a global shortcut, which is used nowhere in particular."""
    return {"type": "shortcut", "callback_id": callback_id, "action_ts": action_ts}


def message_shortcut(callback_id: str, message: Message, channel: Channel, *, action_ts: str) -> Json:
    """Return the part of a shortcut on a message."""
    return {
        "type": "message_action",
        "callback_id": callback_id,
        "action_ts": action_ts,
        "channel": {"id": channel.id, "name": channel.name or "directmessage"},
        "message_ts": message.ts,
        "message": message.wire(),
    }


def as_typed(text: str) -> str:
    """Return what a person typed in Slack's markup: addresses and links are marked, three characters are escaped."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = escaped.replace("@Evaluator Bot", f"<@{BOT_USER}>")
    linked = re.sub(r"https?://[^\s<>|]+[^\s<>|.,;:!?)]", lambda found: f"<{found[0]}>", escaped)
    return re.sub(r"(?<![\w/:.@-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+", r"<mailto:\g<0>|\g<0>>", linked)


def user_changed(user: User, *, event_id: str, ts: str) -> Json:
    """Return the event of an account that was changed."""
    event = {"type": "user_change", "user": user.wire(), "cache_ts": int(float(ts)), "event_ts": ts}
    return _event_callback(event, event_id=event_id)


def home_opened(user: User, channel: Channel, *, event_id: str, ts: str) -> Json:
    """Return the event of a person who opens the app's home tab."""
    event = {"type": "app_home_opened", "user": user.id, "channel": channel.id, "tab": "home", "event_ts": ts}
    return _event_callback(event, event_id=event_id)


def mentioned(message: Message, *, event_id: str) -> Json:
    """Return the event of a message that mentions the app."""
    event = message.wire() | {"type": "app_mention", "channel": message.channel, "event_ts": message.ts}
    return _event_callback(event, event_id=event_id)


def reacted(message: Message, user: User, name: str, *, event_id: str, ts: str) -> Json:
    """Return the event of a reaction."""
    item = {"type": "message", "channel": message.channel, "ts": message.ts}
    event = {"type": "reaction_added", "user": user.id, "reaction": name, "item": item, "event_ts": ts}
    return _event_callback(event | {"item_user": message.user}, event_id=event_id)


def _event_callback(event: Json, *, event_id: str) -> Json:
    authorization = {"team_id": TEAM, "user_id": BOT_USER, "is_bot": True, "enterprise_id": None}
    return {
        "type": "event_callback",
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM,
        "api_app_id": APP,
        "event_id": event_id,
        "event_time": int(float(event["event_ts"])),
        "authorizations": [authorization],
        "event": event,
    }
