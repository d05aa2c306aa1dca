"""What a workspace is made of, in the shapes that Slack uses on the wire."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

TEAM = "T0DEMO"
APP = "A0DEMO"
BOT_USER = "U0BOT"
BOT = "B0DEMO"
CHANNEL = "C0EVALS"


class Refusal(Exception):
    """Slack refuses; `error` is its error code, `details` are added to the answer."""

    def __init__(self, error: str, messages: Sequence[str] = (), **details: object) -> None:
        super().__init__(f"Slack refuses: {error}. {' '.join(messages)}".rstrip())
        self.error = error
        self.messages = tuple(messages)
        self.details = details


class NotPossible(AssertionError):
    """A person could not do this; the text is a sentence for them."""


class NotAcknowledged(NotPossible):
    """The app did not accept what a person did."""


EMAIL_SCOPE = "users:read.email"
MENTIONS_SCOPE = "app_mentions:read"
REACTIONS_SCOPE = "reactions:read"
DEFAULT_SCOPES = frozenset(
    {
        "chat:write",
        "commands",
        "users:read",
        EMAIL_SCOPE,
        "usergroups:read",
        "im:write",
        MENTIONS_SCOPE,
        REACTIONS_SCOPE,
    }
) | {f"{family}:{right}" for family in ("channels", "groups") for right in ("history", "read")}


@dataclass(slots=True, kw_only=True)
class SlackSecrets:
    """The secrets of app and Slack, and the scopes that were granted."""

    bot_token: str = field(default_factory=lambda: f"xoxb-demo-{secrets.token_hex(12)}")
    app_token: str = field(default_factory=lambda: f"xapp-demo-{secrets.token_hex(12)}")
    signing_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    scopes: set[str] = field(default_factory=lambda: set(DEFAULT_SCOPES))


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A member of the workspace."""

    id: str
    name: str
    real_name: str
    title: str = ""
    email: str = ""
    is_bot: bool = False
    is_guest: bool = False
    is_stranger: bool = False
    team: str = TEAM
    deleted: bool = False
    tz: str = "UTC"

    def wire(self, *, with_email: bool = False) -> Json:
        """Return the user as users.info does; with the address for an app that has users:read.email."""
        profile = {"real_name": self.real_name, "display_name": self.real_name, "title": self.title}
        if with_email and self.email:
            profile["email"] = self.email
        return {
            "id": self.id,
            "team_id": self.team,
            "name": self.name,
            "real_name": self.real_name,
            "profile": profile,
            "tz": self.tz,
            "deleted": self.deleted,
            "is_bot": self.is_bot,
            "is_restricted": self.is_guest,
            "is_stranger": self.is_stranger,
            "is_ultra_restricted": False,
            "is_admin": False,
            "is_owner": False,
        }


@dataclass(slots=True, kw_only=True)
class Channel:
    """A conversation; `scopes` is the family of scopes that opens it (channels, groups, im)."""

    id: str
    name: str
    scopes: str = "channels"
    bot_is_member: bool = True
    is_archived: bool = False
    user: str | None = None
    """The other side of a direct message."""
    strangers: set[str] = field(default_factory=set)
    """Users who are not in it; everybody else is."""

    def wire(self) -> Json:
        """Return the channel as conversations.info does."""
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": self.scopes == "channels",
            "is_group": self.scopes == "groups",
            "is_im": self.scopes == "im",
            "is_mpim": False,
            "is_private": self.scopes != "channels",
            "is_archived": self.is_archived,
            "is_member": self.bot_is_member,
            **({"user": self.user} if self.user else {}),
        }


@dataclass(slots=True, kw_only=True)
class Message:
    """A message as the channel shows it now; with `only_for` it is ephemeral."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    metadata: Json | None = None
    edited: bool = False
    only_for: str | None = None
    reply_count: int = 0
    reactions: dict[str, list[str]] = field(default_factory=dict)
    """Who reacted, by the name of the emoji."""

    @property
    def shown(self) -> str:
        """All text that a person reads: one line for each text of the blocks, or the text if there are no blocks."""
        return "\n".join(texts(self.blocks)) if self.blocks else self.text

    def wire(self, *, with_metadata: bool = False) -> Json:
        """Return the message as conversations.history and block_actions do."""
        by: Json = {"user": self.user, "type": "message", "ts": self.ts, "text": self.text, "team": TEAM}
        if self.user == BOT_USER:
            by |= {"bot_id": BOT, "app_id": APP}
        if self.edited:
            by["edited"] = {"user": self.user, "ts": self.ts}
        if self.reply_count:
            by |= {"reply_count": self.reply_count, "thread_ts": self.ts}
        elif self.thread_ts:
            by["thread_ts"] = self.thread_ts
        if with_metadata and self.metadata:
            by["metadata"] = self.metadata
        return by | {"blocks": self.blocks}

    def page(self) -> Json:
        """Return the message as the demo's page takes it."""
        return {
            "channel": self.channel,
            "ts": self.ts,
            "user": self.user,
            "text": self.text,
            "blocks": self.blocks,
            "reply_count": self.reply_count,
            "reactions": [{"name": name, "count": len(users)} for name, users in self.reactions.items()],
            "edited": self.edited,
            "ephemeral": self.only_for is not None,
            **({"thread_ts": self.thread_ts} if self.thread_ts else {}),
            **({"metadata": self.metadata} if self.metadata else {}),
        }


@dataclass(slots=True, kw_only=True)
class View:
    """A modal or a home tab; `content` is the app's view, `values` is what the person has entered so far."""

    id: str
    user: str
    content: Json
    hash: str
    root_id: str
    previous_id: str | None = None
    values: Json = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        """The blocks, each with its id."""
        blocks: list[Json] = self.content["blocks"]
        return blocks

    @property
    def shown(self) -> str:
        """All that a person reads, a line each."""
        return "\n".join(texts([self.content.get("title"), self.blocks]))

    def wire(self) -> Json:
        """Return the view as views.open and view_submission do."""
        fixed = {"callback_id": "", "private_metadata": "", "external_id": "", "submit": None, "close": None}
        return {
            **fixed,
            "clear_on_close": False,
            "notify_on_close": False,
            **self.content,
            "id": self.id,
            "team_id": TEAM,
            "app_id": APP,
            "bot_id": BOT,
            "app_installed_team_id": TEAM,
            "hash": self.hash,
            "root_view_id": self.root_id,
            "previous_view_id": self.previous_id,
            "state": {"values": self.values},
        }


def texts(part: object) -> Iterator[str]:
    """Yield every text that a part of a message or view shows, in order."""
    if isinstance(part, list):
        for item in part:
            yield from texts(item)
    elif isinstance(part, dict):
        if isinstance(part.get("text"), str):
            yield part["text"]
        for item in part.values():
            if isinstance(item, dict | list):
                yield from texts(item)


def elements(blocks: Sequence[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield (block, element) for everything in the blocks that has an action_id."""
    for block in blocks:
        inside = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
        for element in inside:
            if isinstance(element, dict) and "action_id" in element:
                yield block, element
