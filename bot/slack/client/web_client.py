"""Call Slack's Web API and translate its errors into ours."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.card_snapshot import CardSnapshot, PostedCard, pack
from bot.errors import SlackRefused
from bot.slack.blocks import Message
from bot.slack.client import metadata
from bot.slack.client.chart_fallback import send_with_fallback
from bot.slack.client.errors import SCOPES, Token, explain
from bot.slack.client.socket_hello import read_hello
from bot.slack.client.web_api import call, call_raw, expecting_known_shape, text
from bot.slack.ids import Event

_HISTORY_PAGE: Final = 100
_PAGE_SIZE: Final = 200
"""Messages requested in one page of a long listing; Slack recommends no more."""
_MEMBERS_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the bot is in Slack: the ids of its user and workspace, and the workspace's address."""

    user: str
    team: str
    url: str
    bot: str | None = None
    """The id by which messages name the bot; None for a token that is not a bot token."""
    app: str | None = None
    """The id of the Slack app, if Slack gives it."""
    scopes_missing: frozenset[str] | None = None
    """The scopes that the app needs but was not granted; None if Slack does not list the granted ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRef:
    """How a message of ours is found again in a channel: its kind and its number."""

    event: Event
    number: int
    delivery: int = 0
    """For a card: the delivery that posted or last updated it."""
    fact: str | None = None
    """For a line about the report: a hash of its content, which identifies it after delivery numbers went back."""
    trace: CardSnapshot | None = None
    digest: str | None = None
    """For a digest: its kind and day, by which a database that was restored from a backup knows that it was sent."""

    def metadata(self) -> dict[str, Any]:
        """Return the reference as Slack message metadata."""
        payload: dict[str, Any] = {self._name: self.number}
        if self.event is Event.CARD:
            payload["delivery"] = self.delivery
        if self.fact is not None:
            payload["fact"] = self.fact
        if self.digest is not None:
            payload["digest"] = self.digest
        if self.trace is not None:
            payload |= pack(self.trace)
        return {"event_type": self.event.value, "event_payload": payload}

    def is_on(self, message: Mapping[str, Any]) -> bool:
        """Return whether a message of a channel's history is this one."""
        found = message.get("metadata")
        payload = found.get("event_payload") if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(payload, dict) or found.get("event_type") != self.event:
            return False
        if self.fact is not None and payload.get("fact") == self.fact:
            return True
        # An earlier card of the evaluation may still be there. It belongs to another delivery.
        of = payload.get("delivery", self.delivery) if self.event is Event.CARD else self.delivery
        return payload.get(self._name) == self.number and of == self.delivery

    @property
    def _name(self) -> str:
        return "evaluation" if self.event is Event.CARD else "delivery"


def is_person(channel: str) -> bool:
    """Return whether this is a user's id. A message posted to it is a direct message."""
    return channel.startswith(("U", "W"))


class Posted(NamedTuple):
    """Where a message is. A direct message to a person is in a channel of its own."""

    channel: str
    ts: str


class SlackClient:
    """The Web API calls that the bot makes.

    Each raises SlackUnavailable if Slack accepted nothing, SlackOutcomeUnknown if nobody can say, SlackRefused if Slack
    said no.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        proxy_for: Callable[[str], str | None] = lambda _: None,
        scopes: AbstractSet[str] = SCOPES,
    ) -> None:
        """`proxy_for` returns the proxy for a WebSocket address; the client already has the one for the Web API.
        `scopes` are those that the app should have.
        """
        self._client = client
        self._scopes = frozenset(scopes)
        self._proxy_for = proxy_for

    async def identity(self) -> Identity:
        """Return who the token belongs to."""
        answer = await call_raw(self._client.auth_test())
        with expecting_known_shape():
            granted = answer.headers.get("x-oauth-scopes")
            return Identity(
                user=text(answer["user_id"]),
                team=text(answer["team_id"]),
                url=text(answer["url"]),
                bot=_said(answer["bot_id"]),
                app=_said(answer["app_id"]),
                scopes_missing=None
                if granted is None
                else self._scopes - {scope.strip() for scope in granted.split(",")},
            )

    async def app(self, bot: str) -> str:
        """Return the id of the Slack app that a bot belongs to."""
        answer = await call(self._client.bots_info(bot=bot))
        with expecting_known_shape():
            return text(answer["bot"]["app_id"])

    async def post(self, channel: str, message: Message, ref: MessageRef, *, thread: str | None = None) -> Posted:
        """Post a message, in a thread if one is given. Return where it is."""

        def send(version: Message) -> Awaitable[Any]:
            return call(
                self._client.chat_postMessage(
                    channel=channel,
                    text=version.text,
                    blocks=version.blocks,
                    metadata=ref.metadata(),
                    thread_ts=thread,
                    unfurl_links=False,
                    unfurl_media=False,
                )
            )

        answer = await send_with_fallback(send, message)
        with expecting_known_shape():
            return Posted(channel=text(answer["channel"]), ts=text(answer["ts"]))

    async def update(self, channel: str, ts: str, message: Message, ref: MessageRef | None) -> None:
        """Update a message. Without a reference it keeps its metadata
        (docs.slack.dev/reference/methods/chat.update).
        """
        metadata = None if ref is None else ref.metadata()
        await call(
            self._client.chat_update(
                channel=channel, ts=ts, text=message.text, blocks=message.blocks, metadata=metadata
            )
        )

    async def post_ephemeral(self, channel: str, user: str, message: Message) -> None:
        """Show a message to one person."""

        def send(version: Message) -> Awaitable[Any]:
            return call(
                self._client.chat_postEphemeral(channel=channel, user=user, text=version.text, blocks=version.blocks)
            )

        await send_with_fallback(send, message)

    async def write_to(self, user: str, message: Message) -> None:
        """Send a direct message to one person."""

        def send(version: Message) -> Awaitable[Any]:
            return call(
                self._client.chat_postMessage(
                    channel=user, text=version.text, blocks=version.blocks, unfurl_links=False
                )
            )

        await send_with_fallback(send, message)

    async def answer(self, channel: str, thread: str, message: Message) -> None:
        """Answer in a thread, for everybody."""

        def send(version: Message) -> Awaitable[Any]:
            return call(
                self._client.chat_postMessage(
                    channel=channel,
                    thread_ts=thread,
                    text=version.text,
                    blocks=version.blocks,
                    unfurl_links=False,
                    unfurl_media=False,
                )
            )

        await send_with_fallback(send, message)

    async def delete(self, channel: str, ts: str) -> None:
        """Delete one of the bot's messages."""
        await call(self._client.chat_delete(channel=channel, ts=ts))

    async def find_message(
        self, channel: str, ref: MessageRef, *, since: datetime, thread: str | None = None, but: Collection[str] = ()
    ) -> list[str]:
        """Return the timestamps of the bot's messages that match this reference, posted after `since`, oldest first.

        There are several if a post without a response appears late. `since` comes from the local clock, which may be
        wrong: the whole thread and the newest page of the channel are searched in any case. Messages with the
        timestamps in `but` are left out.
        """
        found = [
            str(message["ts"])
            async for message in self._messages(channel, since.timestamp(), thread)
            if ref.is_on(message) and message["ts"] not in but
        ]
        return sorted(found, key=float)

    async def notes_under(self, channel: str, ts: str) -> list[str]:
        """Return the timestamps of the bot's lines in a message's thread."""
        return [
            str(message["ts"])
            async for message in self._messages(channel, float(ts), ts)
            if (message.get("metadata") or {}).get("event_type") == Event.NOTE
        ]

    async def _messages(self, channel: str, since: float, thread: str | None) -> AsyncIterator[dict[str, Any]]:
        """Yield the messages of a thread, or of a channel, newest first, up to the page that reaches `since`."""
        cursor = None
        while True:
            if thread is None:
                asked = self._client.conversations_history(
                    channel=channel, limit=_HISTORY_PAGE, cursor=cursor, include_all_metadata=True
                )
            else:
                asked = self._client.conversations_replies(
                    channel=channel, ts=thread, limit=_HISTORY_PAGE, cursor=cursor, include_all_metadata=True
                )
            answer = await call(asked)
            with expecting_known_shape():
                messages = [message for message in answer["messages"] if text(message["ts"])]
                cursor = (answer.get("response_metadata") or {}).get("next_cursor")
                is_before = thread is None and any(float(each["ts"]) < since for each in messages)
            for message in messages:
                yield message
            if not cursor or is_before:
                return

    async def newest(self, channel: str, *, us: str) -> list[PostedCard]:
        """Return the bot's messages among the newest of a channel; `us` is the bot's user id."""
        answer = await call(
            self._client.conversations_history(channel=channel, limit=_PAGE_SIZE, include_all_metadata=True)
        )
        with expecting_known_shape():
            return _ours(channel, answer["messages"], us=us)

    async def posted(self, channel: str, *, us: str, since: datetime) -> list[PostedCard]:
        """Return the bot's messages posted to a channel after `since`, without those in threads."""
        found: list[PostedCard] = []
        cursor = None
        while True:
            answer = await call(
                self._client.conversations_history(
                    channel=channel,
                    oldest=str(since.timestamp()),
                    limit=_PAGE_SIZE,
                    cursor=cursor,
                    include_all_metadata=True,
                )
            )
            with expecting_known_shape():
                found += _ours(channel, answer["messages"], us=us)
                cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return found

    async def open_modal(self, trigger: str, view: dict[str, Any]) -> str:
        """Open a modal and return its id. SlackRefused (`expired_trigger_id`) more than three seconds after
        the press.
        """
        answer = await call(self._client.views_open(trigger_id=trigger, view=view))
        with expecting_known_shape():
            return text(answer["view"]["id"])

    async def update_modal(self, view_id: str, view: dict[str, Any]) -> None:
        """Replace an open modal. SlackRefused (`not_found`) if it was closed."""
        await call(self._client.views_update(view_id=view_id, view=view))

    async def publish_home(self, user: str, view: dict[str, Any], *, known: str = "") -> str:
        """Publish a person's Home tab and return its hash. SlackRefused (`hash_conflict`) if it no longer is the one
        with the hash `known`.
        """

        def send(version: Message) -> Awaitable[Any]:
            content = {**view, "blocks": version.blocks}
            return call(self._client.views_publish(user_id=user, view=content, hash=known or None))

        answer = await send_with_fallback(send, Message(text="", blocks=view["blocks"]))
        with expecting_known_shape():
            return text(answer["view"]["hash"])

    async def socket_address(self, app_token: str) -> str:
        """Return the address of a Socket Mode connection, valid for one use."""
        answer = await call(self._client.apps_connections_open(app_token=app_token), token=Token.APP)
        with expecting_known_shape():
            return text(answer["url"])

    async def socket_app(self, app_token: str) -> str | None:
        """Open a Socket Mode connection and leave it after hello. Return the id of the Slack app that it belongs to."""
        address = await self.socket_address(app_token)
        return await read_hello(self._client, address, proxy=self._proxy_for(address))

    async def channel_name(self, channel: str) -> str:
        """Return the name of a channel that the bot can see and has joined. SlackRefused if it has not."""
        answer = await call(self._client.conversations_info(channel=channel))
        with expecting_known_shape():
            found = answer["channel"]
            is_archived, is_member = found.get("is_archived", False), found.get("is_member", True)
            name = str(found.get("name") or channel)
        if is_archived:
            raise _refusal("is_archived")
        if not is_member:
            raise _refusal("not_in_channel")
        return name

    async def channel_members(self, channel: str) -> frozenset[str]:
        """Return the ids of everybody in a channel."""
        members, cursor = set[str](), None
        while True:
            answer = await call(self._client.conversations_members(channel=channel, limit=_MEMBERS_PAGE, cursor=cursor))
            with expecting_known_shape():
                members.update(map(text, answer["members"]))
                cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return frozenset(members)


def _said(value: object) -> str | None:
    """Return an optional text, or None if it is missing."""
    return value if isinstance(value, str) and value else None


def _ours(channel: str, messages: Sequence[Mapping[str, Any]], *, us: str) -> list[PostedCard]:
    read = (metadata.read(channel, message, us=us) for message in messages)
    return [posted for posted in read if posted is not None]


def _refusal(code: str) -> SlackRefused:
    return SlackRefused(explain(code), code=code)
