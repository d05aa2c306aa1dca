"""Slack's error codes: what each means, and what to do about it. They are known nowhere else."""

import re
from collections.abc import Collection, Mapping, Sequence
from enum import Enum, auto
from typing import Final

SCOPES: Final = frozenset(
    {
        "chat:write",
        "commands",
        "users:read",
        "users:read.email",
        "usergroups:read",
        "channels:read",
        "channels:history",
        "groups:read",
        "groups:history",
        "app_mentions:read",
    }
)
"""The OAuth scopes that the bot needs; `manifest.yml` gives the reason for each."""

REACTIONS_SCOPE: Final = "reactions:read"
"""Needed only if reactions on cards do something."""
WITHOUT_SCOPE: Final[Mapping[str, str]] = {
    "users:read": "I can't tell members from guests, so nobody can use my buttons and commands.",
    "commands": "Nobody can use /evaluators or my shortcuts.",
    "app_mentions:read": "I can't answer when somebody mentions me.",
    REACTIONS_SCOPE: "I can't see reactions on cards.",
    "users:read.email": "Replies to emails can't go to the owner of the evaluation.",
    "usergroups:read": "I can't see who is in the user groups that may email.",
    "channels:read": "I can't see who is in a public channel.",
    "groups:read": "I can't see who is in a private channel.",
    "channels:history": "If a post to a public channel breaks off, I can't see whether it arrived.",
    "groups:history": "If a post to a private channel breaks off, I can't see whether it arrived.",
}
"""What is off without a scope. Without `chat:write`, which is not here, nobody could be told."""


class Token(Enum):
    """The token of a call, by the name of its setting."""

    BOT = "SLACK_BOT_TOKEN"
    APP = "SLACK_APP_TOKEN"


class ErrorAction(Enum):
    """What to do about a Slack error."""

    WAIT = auto()
    """Nothing was accepted; it may be later."""
    LOOK = auto()
    """Slack failed halfway: look whether it was accepted, then try again."""
    TOKEN = auto()
    """Every call is refused until a person fixes the token; then delivery goes on by itself."""
    SCOPE = auto()
    """This method is refused until a person fixes the scopes."""
    CHANNEL = auto()
    """This channel is refused until a person fixes it. For a direct message: the person cannot be reached."""
    SHORTEN = auto()
    """Send a shorter message."""
    GONE = auto()
    """The message was deleted or can no longer be changed; it is posted again when somebody asks."""
    GIVE_UP = auto()
    """It will never be accepted as it is."""


SLACK_PROBLEM: Final = "Slack had trouble of its own. Try again later; if it lasts, look at slack-status.com."
_REPLACE: Final = "copy SLACK_BOT_TOKEN from the app's page and restart."
_INSTALL: Final = "Bring it up to date with manifest.yml and install it again."
_READ_ONLY: Final = "A setting of the channel or the workspace keeps the bot from posting. Ask a workspace admin."
_MANY_BLOCKS: Final = "Slack would not take it whole."
_NOT_THERE: Final = "The card is not there any more."

_ACTIONS: Final[Mapping[str, tuple[ErrorAction, str]]] = {
    "ratelimited": (ErrorAction.WAIT, "Slack asks to slow down. Try again later."),
    "rate_limited": (ErrorAction.WAIT, "Slack asks to slow down. Try again later."),
    "service_unavailable": (ErrorAction.WAIT, "Slack cannot answer now. Try again later."),
    "team_added_to_org": (ErrorAction.WAIT, "The workspace is moving to an Enterprise organisation."),
    "external_channel_migrating": (ErrorAction.WAIT, "The channel is moving."),
    "internal_error": (ErrorAction.LOOK, SLACK_PROBLEM),
    "fatal_error": (ErrorAction.LOOK, SLACK_PROBLEM),
    "request_timeout": (ErrorAction.LOOK, SLACK_PROBLEM),
    "invalid_auth": (ErrorAction.TOKEN, f"Slack refused the bot token: {_REPLACE}"),
    "not_authed": (ErrorAction.TOKEN, "Slack got no bot token. Set SLACK_BOT_TOKEN and restart."),
    "token_revoked": (ErrorAction.TOKEN, f"The bot token was revoked. Install the app again, {_REPLACE}"),
    "token_expired": (ErrorAction.TOKEN, f"The bot token has expired. Install the app again, {_REPLACE}"),
    "account_inactive": (ErrorAction.TOKEN, f"The app was removed from the workspace. Install it again, {_REPLACE}"),
    "not_allowed_token_type": (
        ErrorAction.TOKEN,
        "SLACK_BOT_TOKEN is not a bot's token. Set the one that begins with xoxb-.",
    ),
    "org_login_required": (
        ErrorAction.TOKEN,
        "The workspace is moving to an Enterprise organisation. Install the app again.",
    ),
    "accesslimited": (ErrorAction.TOKEN, "The workspace allows this network no access. Ask a workspace admin."),
    "ekm_access_denied": (ErrorAction.TOKEN, "An admin has suspended access to messages. Ask a workspace admin."),
    "missing_scope": (ErrorAction.SCOPE, f"The app lacks a scope. {_INSTALL}"),
    "not_in_channel": (ErrorAction.CHANNEL, "The bot is not in its channel. Type `/invite @Evaluator Bot` there."),
    "channel_not_found": (
        ErrorAction.CHANNEL,
        "The bot cannot see the channel. Type `/invite @Evaluator Bot` there, or set SLACK_CHANNEL to another.",
    ),
    "is_archived": (
        ErrorAction.CHANNEL,
        "The channel is archived. Unarchive it, or set SLACK_CHANNEL to another and restart.",
    ),
    "restricted_action": (ErrorAction.CHANNEL, _READ_ONLY),
    "restricted_action_read_only_channel": (ErrorAction.CHANNEL, _READ_ONLY),
    "restricted_action_thread_only_channel": (ErrorAction.CHANNEL, _READ_ONLY),
    "restricted_action_non_threadable_channel": (ErrorAction.CHANNEL, _READ_ONLY),
    "message_limit_exceeded": (
        ErrorAction.CHANNEL,
        "The workspace has reached its limit of messages. Ask a workspace admin.",
    ),
    "msg_too_long": (ErrorAction.SHORTEN, _MANY_BLOCKS),
    "msg_blocks_too_long": (ErrorAction.SHORTEN, _MANY_BLOCKS),
    "invalid_blocks": (ErrorAction.SHORTEN, _MANY_BLOCKS),
    "invalid_blocks_format": (ErrorAction.SHORTEN, _MANY_BLOCKS),
    "message_not_found": (ErrorAction.GONE, _NOT_THERE),
    "thread_not_found": (ErrorAction.GONE, _NOT_THERE),
    "cannot_reply_to_message": (ErrorAction.GONE, _NOT_THERE),
    "cant_update_message": (ErrorAction.GONE, "The card cannot be changed: it is not this app's own."),
    "edit_window_closed": (
        ErrorAction.GONE,
        "The card cannot be changed: the workspace limits for how long messages can be.",
    ),
}


_MAKE_ANOTHER: Final = (
    "Create an app-level token with the scope connections:write (Basic Information → App-Level Tokens), put it in "
    "SLACK_APP_TOKEN and restart."
)
_OF_APP_TOKEN: Final[Mapping[str, str]] = {
    "invalid_auth": f"Slack refused the app-level token. {_MAKE_ANOTHER}",
    "not_authed": f"Slack got no app-level token. {_MAKE_ANOTHER}",
    "token_revoked": f"The app-level token was revoked. {_MAKE_ANOTHER}",
    "token_expired": f"The app-level token has expired. {_MAKE_ANOTHER}",
    "account_inactive": f"The app behind SLACK_APP_TOKEN was removed from the workspace. {_MAKE_ANOTHER}",
    "not_allowed_token_type": f"SLACK_APP_TOKEN is not an app-level token (xapp-…). {_MAKE_ANOTHER}",
    "missing_scope": f"The app-level token lacks the scope connections:write. {_MAKE_ANOTHER}",
    "no_permission": f"The app-level token lacks the scope connections:write. {_MAKE_ANOTHER}",
}
"""Messages for a call with the app-level token, where they differ from those for the bot token."""
_WORD: Final = re.compile(r"[a-z0-9_.:-]{1,80}", re.IGNORECASE)


KNOWN_CODES: Final = frozenset(_ACTIONS)
"""The codes whose meaning is known."""


def action_for(code: str) -> ErrorAction:
    """Return what to do about an error code. An unknown one will not be accepted however often it is tried."""
    return _ACTIONS[code][0] if code in _ACTIONS else ErrorAction.GIVE_UP


def explain(code: str, *, needed: Sequence[str] = (), token: Token = Token.BOT) -> str:
    """Return what an error code means and how to fix it. `needed` are the scopes that Slack reported as missing."""
    if token is Token.APP and code in _OF_APP_TOKEN:
        return _OF_APP_TOKEN[code]
    if code == "missing_scope" and needed:
        return scopes_missing(needed)
    if code in _ACTIONS:
        return _ACTIONS[code][1]
    word = code if _WORD.fullmatch(code) else "a word that is unknown"
    return f"Slack refused: {word}. If this lasts, update the bot, or report it."


def scopes_missing(names: Collection[str]) -> str:
    """Return the message for missing scopes."""
    scopes = "the scope" if len(names) == 1 else "the scopes"
    return f"The app lacks {scopes} {', '.join(sorted(names))}. {_INSTALL}"


def scopes_needed(asked: object) -> tuple[str, ...]:
    """Return the scopes in Slack's `needed`, in order.

    Slack lists the scopes of every kind of channel, any of which would do. Only those that the bot uses are returned,
    if any are among them.
    """
    names = {each.strip() for each in asked.split(",")} if isinstance(asked, str) else set()
    named = {name for name in names if _WORD.fullmatch(name)}
    return tuple(sorted(named & SCOPES or named))


def another_app(theirs: str, ours: str) -> str:
    """Return the message for an app-level token and a bot token of two different Slack apps, given the ids
    of the apps.
    """
    return (
        f"SLACK_APP_TOKEN belongs to another Slack app ({_shown(theirs)}) than SLACK_BOT_TOKEN ({_shown(ours)}), so no "
        f"press can arrive. Take both tokens from the same app's page and restart."
    )


def _shown(word: str) -> str:
    return word if _WORD.fullmatch(word) else "unknown"
