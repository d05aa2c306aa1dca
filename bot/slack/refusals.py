"""Slack's words for why it did not do something, and what we do then; they are known nowhere else."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final


class Remedy(Enum):
    """What we do about a refusal."""

    WAIT = auto()
    """Nothing was taken; it may be later."""
    LOOK = auto()
    """Slack broke in the middle of it: look whether it was taken, then try again."""
    TOKEN = auto()
    """The way to everything is closed; a person must mend that, and it goes on by itself."""
    SCOPE = auto()
    """The way to this method is closed; a person must mend that."""
    CHANNEL = auto()
    """The way to this channel is closed; a person must mend that. Of a direct message: they cannot be reached."""
    SHORTEN = auto()
    """Say it in short."""
    GONE = auto()
    """The message is not there any more, or cannot be changed; it is posted again when somebody asks."""
    GIVE_UP = auto()
    """It will never be taken as it is."""


_REPLACE: Final = "copy SLACK_BOT_TOKEN from the app's page and restart."
_READ_ONLY: Final = "A setting of the channel or the workspace keeps the bot from posting. Ask a workspace admin."
_MANY_BLOCKS: Final = "Slack would not take it whole."
_NOT_THERE: Final = "The card is not there any more."

_VERDICTS: Final[Mapping[str, tuple[Remedy, str]]] = {
    "ratelimited": (Remedy.WAIT, "Slack asks to slow down."),
    "rate_limited": (Remedy.WAIT, "Slack asks to slow down."),
    "service_unavailable": (Remedy.WAIT, "Slack cannot answer now."),
    "team_added_to_org": (Remedy.WAIT, "The workspace is moving to an Enterprise organisation."),
    "external_channel_migrating": (Remedy.WAIT, "The channel is moving."),
    "internal_error": (Remedy.LOOK, "Slack had trouble of its own."),
    "fatal_error": (Remedy.LOOK, "Slack had trouble of its own."),
    "request_timeout": (Remedy.LOOK, "Slack had trouble of its own."),
    "invalid_auth": (Remedy.TOKEN, f"Slack refused the bot token: {_REPLACE}"),
    "not_authed": (Remedy.TOKEN, "Slack got no bot token. Set SLACK_BOT_TOKEN and restart."),
    "token_revoked": (Remedy.TOKEN, f"The bot token was revoked. Install the app again, {_REPLACE}"),
    "token_expired": (Remedy.TOKEN, f"The bot token has expired. Install the app again, {_REPLACE}"),
    "account_inactive": (Remedy.TOKEN, f"The app was removed from the workspace. Install it again, {_REPLACE}"),
    "not_allowed_token_type": (
        Remedy.TOKEN,
        "SLACK_BOT_TOKEN is not a bot's token. Set the one that begins with xoxb-.",
    ),
    "org_login_required": (
        Remedy.TOKEN,
        "The workspace is moving to an Enterprise organisation. Install the app again.",
    ),
    "accesslimited": (Remedy.TOKEN, "The workspace allows this network no access. Ask a workspace admin."),
    "ekm_access_denied": (Remedy.TOKEN, "An admin has suspended access to messages. Ask a workspace admin."),
    "missing_scope": (
        Remedy.SCOPE,
        "The app lacks a scope. Bring it up to date with manifest.yml and install it again.",
    ),
    "not_in_channel": (Remedy.CHANNEL, "The bot is not in its channel. Type `/invite @Evaluator Bot` there."),
    "channel_not_found": (
        Remedy.CHANNEL,
        "The bot cannot see the channel. Type `/invite @Evaluator Bot` there, or set SLACK_CHANNEL to another.",
    ),
    "is_archived": (
        Remedy.CHANNEL,
        "The channel is archived. Unarchive it, or set SLACK_CHANNEL to another and restart.",
    ),
    "restricted_action": (Remedy.CHANNEL, _READ_ONLY),
    "restricted_action_read_only_channel": (Remedy.CHANNEL, _READ_ONLY),
    "restricted_action_thread_only_channel": (Remedy.CHANNEL, _READ_ONLY),
    "restricted_action_non_threadable_channel": (Remedy.CHANNEL, _READ_ONLY),
    "message_limit_exceeded": (
        Remedy.CHANNEL,
        "The workspace has reached its limit of messages. Ask a workspace admin.",
    ),
    "msg_too_long": (Remedy.SHORTEN, _MANY_BLOCKS),
    "msg_blocks_too_long": (Remedy.SHORTEN, _MANY_BLOCKS),
    "invalid_blocks": (Remedy.SHORTEN, _MANY_BLOCKS),
    "invalid_blocks_format": (Remedy.SHORTEN, _MANY_BLOCKS),
    "message_not_found": (Remedy.GONE, _NOT_THERE),
    "thread_not_found": (Remedy.GONE, _NOT_THERE),
    "cannot_reply_to_message": (Remedy.GONE, _NOT_THERE),
    "cant_update_message": (Remedy.GONE, "The card cannot be changed: it is not this app's own."),
    "edit_window_closed": (
        Remedy.GONE,
        "The card cannot be changed: the workspace limits for how long messages can be.",
    ),
}


def remedy(code: str) -> Remedy:
    """What to do about Slack's word; what is not known here will not be taken however often it is tried."""
    return _VERDICTS[code][0] if code in _VERDICTS else Remedy.GIVE_UP


def sentence(code: str) -> str:
    """What it means, and what mends it."""
    return _VERDICTS[code][1] if code in _VERDICTS else f"Slack refused: {code}."
