"""Bring messages to Slack; Slack's error strings become ours here and are known nowhere else."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import SlackError, SlackOutcomeUnknown, SlackRefused, SlackUnavailable
from bot.slack.blocks import Message, section
from bot.slack.ids import Event

_SOON: Final = 5.0
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_HISTORY_PAGE: Final = 100

CHANNEL_TROUBLE: Final[Mapping[str, str]] = {
    "not_in_channel": "The bot is not in its channel. Type /invite @Evaluator Bot there.",
    "channel_not_found": "The bot cannot see the channel. Check SLACK_CHANNEL, and invite the bot if it is private.",
    "is_archived": "The channel is archived. Unarchive it, or choose another with SLACK_CHANNEL.",
    "invalid_auth": "Slack refused the bot token. Copy SLACK_BOT_TOKEN anew from the app's page and restart.",
    "not_authed": "Slack got no bot token. Set SLACK_BOT_TOKEN and restart.",
    "token_revoked": "The bot token was revoked. Install the app again, copy SLACK_BOT_TOKEN and restart.",
    "token_expired": "The bot token has expired. Install the app again, copy SLACK_BOT_TOKEN and restart.",
    "account_inactive": "The app was removed from the workspace. Install it again.",
    "missing_scope": "The app lacks a scope. Bring it up to date with manifest.yml and install it again.",
    "restricted_action": "A workspace setting keeps the bot from posting. Ask a workspace admin.",
}
"""Codes that say the way is blocked, whatever is brought, and what mends it."""


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

    def metadata(self) -> dict[str, Any]:
        """As Slack's message metadata."""
        names = "evaluation" if self.event is Event.CARD else "delivery"
        return {"event_type": self.event.value, "event_payload": {names: self.number}}


class Poster:
    """The Web API calls that the bot makes on its own account.

    Each raises SlackUnavailable when Slack took nothing, SlackOutcomeUnknown when nobody can say, SlackRefused when
    Slack said no.
    """

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def identity(self) -> Identity:
        """Who the token belongs to."""
        answer = await _answered(self._client.auth_test())
        return Identity(user=answer["user_id"], team=answer["team_id"], url=answer["url"])

    async def post(self, channel: str, message: Message, mark: Mark, *, thread: str | None = None) -> str:
        """Post a message, in a thread where one is named; its timestamp."""
        answer = await _answered(
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
        await _answered(
            self._client.chat_update(
                channel=channel, ts=ts, text=message.text, blocks=message.blocks, metadata=mark.metadata()
            )
        )

    async def whisper(self, channel: str, user: str, text: str) -> None:
        """Say something to one person. `text` is mrkdwn, escaped."""
        await _answered(self._client.chat_postEphemeral(channel=channel, user=user, text=text, blocks=[section(text)]))

    async def find(self, channel: str, mark: Mark, *, since: datetime, thread: str | None = None) -> str | None:
        """The timestamp of a message of ours posted after `since`; None when it is not there."""
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
            answer = await _answered(asked)
            for message in answer["messages"]:
                if message.get("metadata") == mark.metadata():
                    return str(message["ts"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None

    async def person_name(self, user: str) -> str:
        """How a person signs: their real name, else the name they go by."""
        found = (await _answered(self._client.users_info(user=user)))["user"]
        profile = found.get("profile") or {}
        return str(profile.get("real_name") or found.get("real_name") or found.get("name") or "")

    async def open_modal(self, trigger: str, view: dict[str, Any]) -> str:
        """Open a modal; its id. SlackRefused, `expired_trigger_id`, for a press more than three seconds ago."""
        return str((await _answered(self._client.views_open(trigger_id=trigger, view=view)))["view"]["id"])

    async def change_modal(self, view_id: str, view: dict[str, Any]) -> None:
        """Change an open modal. SlackRefused, `not_found`, for one that was closed."""
        await _answered(self._client.views_update(view_id=view_id, view=view))

    async def channel_name(self, channel: str) -> str:
        """The name of a channel that the bot can see and has joined; SlackRefused where it has not."""
        found = (await _answered(self._client.conversations_info(channel=channel)))["channel"]
        if not found.get("is_member", True):
            raise _refusal("not_in_channel")
        return str(found.get("name") or channel)


async def _answered(asked: Awaitable[AsyncSlackResponse]) -> Any:  # noqa: ANN401  Slack's answer, as it came
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
    if answer.status_code == _TOO_MANY:
        wait = answer.headers.get("Retry-After", answer.headers.get("retry-after", _SOON))
        return SlackUnavailable("Slack asks to slow down.", retry_after=float(wait))
    code = str(answer.get("error", "")) if isinstance(answer.data, dict) else ""
    if answer.status_code >= _SERVER_ERROR or not code or code in {"internal_error", "fatal_error", "request_timeout"}:
        return SlackOutcomeUnknown("Slack had trouble of its own.")
    if code in {"ratelimited", "rate_limited", "service_unavailable"}:
        return SlackUnavailable("Slack asks to slow down.", retry_after=_SOON)
    return _refusal(code)


def _refusal(code: str) -> SlackRefused:
    return SlackRefused(CHANNEL_TROUBLE.get(code, f"Slack refused: {code}."), code=code)
