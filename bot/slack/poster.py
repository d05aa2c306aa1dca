"""Bring messages to Slack; what Slack answers becomes ours here."""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.trace import Posted, Trace, pack
from bot.errors import SlackError, SlackOutcomeUnknown, SlackRefused, SlackUnavailable
from bot.slack import metadata
from bot.slack.blocks import Message
from bot.slack.ids import Event
from bot.slack.refusals import Remedy, remedy, sentence

_SOON: Final = 5.0
_LONGEST_WAIT: Final = 3600.0
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_HISTORY_PAGE: Final = 100
_NEWEST: Final = 200
"""Messages of one answer where many are looked through; Slack recommends no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the bot is in Slack: ids of its user and its workspace, and the workspace's address."""

    user: str
    team: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How a message of ours is known again in a channel: kind, and its number among them."""

    event: Event
    number: int
    delivery: int = 0
    """Of a card: the delivery that painted it."""
    fact: str | None = None
    """Of a line about the report: what it says, by which it is known again where numbers went back."""
    trace: Trace | None = None

    def metadata(self) -> dict[str, Any]:
        """As Slack's message metadata."""
        payload: dict[str, Any] = {self._name: self.number}
        if self.event is Event.CARD:
            payload["delivery"] = self.delivery
        if self.fact is not None:
            payload["fact"] = self.fact
        if self.trace is not None:
            payload |= pack(self.trace)
        return {"event_type": self.event.value, "event_payload": payload}

    def is_on(self, message: Mapping[str, Any]) -> bool:
        """Return whether a message of a channel's history is this one."""
        found = message.get("metadata")
        payload = found.get("event_payload") if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(payload, dict) or found.get("event_type") != self.event:
            return False
        return payload.get(self._name) == self.number or (self.fact is not None and payload.get("fact") == self.fact)

    @property
    def _name(self) -> str:
        return "evaluation" if self.event is Event.CARD else "delivery"


def is_person(channel: str) -> bool:
    """Whether this is the id of a user: a message posted to it opens a direct one."""
    return channel.startswith(("U", "W"))


class Poster:
    """The Web API calls that the bot makes on its own account.

    Each raises SlackUnavailable when Slack took nothing, SlackOutcomeUnknown when nobody can say, SlackRefused when
    Slack said no.
    """

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def identity(self) -> Identity:
        """Who the token belongs to."""
        answer = await answered(self._client.auth_test())
        return Identity(user=answer["user_id"], team=answer["team_id"], url=answer["url"])

    async def post(self, channel: str, message: Message, mark: Mark, *, thread: str | None = None) -> str:
        """Post a message, in a thread where one is named; its timestamp."""
        answer = await answered(
            self._client.chat_postMessage(
                channel=channel,
                text=message.text,
                blocks=message.blocks,
                metadata=mark.metadata(),
                thread_ts=thread,
                unfurl_links=False,
                unfurl_media=False,
            )
        )
        return str(answer["ts"])

    async def update(self, channel: str, ts: str, message: Message, mark: Mark) -> None:
        """Paint a message anew."""
        await answered(
            self._client.chat_update(
                channel=channel, ts=ts, text=message.text, blocks=message.blocks, metadata=mark.metadata()
            )
        )

    async def whisper(self, channel: str, user: str, message: Message) -> None:
        """Say something to one person."""
        await answered(
            self._client.chat_postEphemeral(channel=channel, user=user, text=message.text, blocks=message.blocks)
        )

    async def find(
        self, channel: str, mark: Mark, *, since: datetime, thread: str | None = None, but: Collection[str] = ()
    ) -> str | None:
        """The timestamp of a message of ours posted after `since`, but for some; None when it is not there."""
        oldest, cursor = str(since.timestamp()), None
        while True:
            if thread is None:
                asked = self._client.conversations_history(
                    channel=channel, oldest=oldest, limit=_HISTORY_PAGE, cursor=cursor, include_all_metadata=True
                )
            else:
                asked = self._client.conversations_replies(
                    channel=channel,
                    ts=thread,
                    oldest=oldest,
                    limit=_HISTORY_PAGE,
                    cursor=cursor,
                    include_all_metadata=True,
                )
            answer = await answered(asked)
            for message in answer["messages"]:
                if mark.is_on(message) and message["ts"] not in but:
                    return str(message["ts"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None

    async def newest(self, channel: str, *, us: str) -> list[Posted]:
        """The messages of ours among the newest of a channel; `us` is the bot's user id."""
        answer = await answered(
            self._client.conversations_history(channel=channel, limit=_NEWEST, include_all_metadata=True)
        )
        return _ours(channel, answer["messages"], us=us)

    async def posted(self, channel: str, *, us: str, since: datetime) -> list[Posted]:
        """The messages of ours that were posted to a channel after `since`, without those in threads."""
        found: list[Posted] = []
        cursor = None
        while True:
            answer = await answered(
                self._client.conversations_history(
                    channel=channel,
                    oldest=str(since.timestamp()),
                    limit=_NEWEST,
                    cursor=cursor,
                    include_all_metadata=True,
                )
            )
            found += _ours(channel, answer["messages"], us=us)
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return found

    async def open_modal(self, trigger: str, view: dict[str, Any]) -> str:
        """Open a modal; its id. SlackRefused, `expired_trigger_id`, for a press more than three seconds ago."""
        return str((await answered(self._client.views_open(trigger_id=trigger, view=view)))["view"]["id"])

    async def change_modal(self, view_id: str, view: dict[str, Any]) -> None:
        """Change an open modal. SlackRefused, `not_found`, for one that was closed."""
        await answered(self._client.views_update(view_id=view_id, view=view))

    async def socket_address(self, app_token: str) -> str:
        """Where to open a connection of Socket Mode, once."""
        return str((await answered(self._client.apps_connections_open(app_token=app_token)))["url"])

    async def channel_name(self, channel: str) -> str:
        """The name of a channel that the bot can see and has joined; SlackRefused where it has not."""
        found = (await answered(self._client.conversations_info(channel=channel)))["channel"]
        if found.get("is_archived", False):
            raise _refusal("is_archived")
        if not found.get("is_member", True):
            raise _refusal("not_in_channel")
        return str(found.get("name") or channel)


async def answered(asked: Awaitable[AsyncSlackResponse]) -> Any:  # noqa: ANN401  Slack's answer, as it came
    """The answer to a call of the Web API; whatever goes wrong is one of our errors."""
    try:
        return (await asked).data
    except SlackApiError as exc:
        raise translated(exc) from exc
    except aiohttp.ClientConnectorError as exc:
        raise SlackUnavailable("Slack cannot be reached.", retry_after=_SOON) from exc
    except (aiohttp.ClientError, TimeoutError, SlackClientError) as exc:
        raise SlackOutcomeUnknown("Slack did not answer.") from exc


def translated(error: SlackApiError) -> SlackError:
    """Our error for an answer of Slack that is not ok."""
    answer: Any = error.response
    if isinstance(answer, aiohttp.ClientResponse):  # so the SDK gives an answer that is called JSON and is not
        return SlackOutcomeUnknown("Slack had trouble of its own.")
    if answer.status_code == _TOO_MANY:
        said = answer.headers.get("Retry-After", answer.headers.get("retry-after"))
        return SlackUnavailable("Slack asks to slow down.", retry_after=_seconds(said))
    code = str(answer.get("error", "")) if isinstance(answer.data, dict) else ""
    if answer.status_code >= _SERVER_ERROR or not code:
        return SlackOutcomeUnknown("Slack had trouble of its own.")
    match remedy(code):
        case Remedy.WAIT:
            return SlackUnavailable(sentence(code), retry_after=_SOON)
        case Remedy.LOOK:
            return SlackOutcomeUnknown(sentence(code))
        case _:
            return _refusal(code)


def _ours(channel: str, messages: Sequence[Mapping[str, Any]], *, us: str) -> list[Posted]:
    read = (metadata.read(channel, message, us=us) for message in messages)
    return [posted for posted in read if posted is not None]


def _seconds(said: str | None) -> float:
    """How long to wait by a Retry-After, which may be missing or make no sense."""
    return min(float(said), _LONGEST_WAIT) if said is not None and said.strip().isdecimal() else _SOON


def _refusal(code: str) -> SlackRefused:
    return SlackRefused(sentence(code), code=code)
