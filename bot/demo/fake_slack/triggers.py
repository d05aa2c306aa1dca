"""The short-lived permissions that Slack hands out with a press: triggers and response urls."""

import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.demo.fake_slack.models import TEAM, Refusal

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5


@dataclass(slots=True)
class Trigger:
    """Leave to open one view for a user, `view_id` being the modal that was pressed, if any."""

    user: str
    issued: float
    view_id: str | None
    exchanged: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """Leave to answer a user where they pressed; `ts` is the message they pressed, if any."""

    user: str
    channel: str
    ts: str | None
    thread_ts: str | None
    issued: float
    uses: int = 0


class Tickets:
    """Issues triggers and response urls, and takes them back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.trigger_seconds = TRIGGER_SECONDS
        self._clock = clock
        self._count = itertools.count(1)
        self._triggers: dict[str, Trigger] = {}
        self._urls: dict[str, ResponseUrl] = {}

    def trigger(self, user: str, *, view_id: str | None = None) -> str:
        """Issue a trigger id, good for one use within three seconds."""
        trigger_id = f"{next(self._count)}.{TEAM}.{secrets.token_hex(8)}"
        self._triggers[trigger_id] = Trigger(user, self._clock(), view_id)
        return trigger_id

    def exchange(self, trigger_id: object) -> Trigger:
        """Use a trigger up; the error codes are those of docs.slack.dev, methods/views.open."""
        trigger = self._triggers.get(str(trigger_id))
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.exchanged:
            raise Refusal("exchanged_trigger_id")
        if self._clock() - trigger.issued > self.trigger_seconds:
            raise Refusal("expired_trigger_id")
        trigger.exchanged = True
        return trigger

    def response_url(self, user: str, channel: str, *, ts: str | None = None, thread_ts: str | None = None) -> str:
        """Issue the last part of a response url, good for five uses within thirty minutes."""
        key = f"{next(self._count)}/{secrets.token_hex(12)}"
        self._urls[key] = ResponseUrl(user, channel, ts, thread_ts, self._clock())
        return key

    def respond(self, key: str) -> ResponseUrl:
        """Use a response url once."""
        url = self._urls.get(key)
        if url is None:
            raise Refusal("no_such_url")
        if self._clock() - url.issued > RESPONSE_URL_SECONDS:
            raise Refusal("expired_url")
        if url.uses >= RESPONSE_URL_USES:
            raise Refusal("used_url")
        url.uses += 1
        return url
