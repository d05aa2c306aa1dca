"""The Web API client of the SDK, which counts each request and Slack's answer."""

from typing import Any, Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import SlackUnavailable
from bot.metrics.catalog import SLACK_REQUESTS, SLACK_RETRY_AFTER
from bot.metrics.labels import SlackAnswer, SlackMethod
from bot.metrics.meter import Meter
from bot.slack.client.web_api import is_rate_limited, to_error

_METHODS: Final = {method.value: method for method in SlackMethod}


class CountedWebClient(AsyncWebClient):
    """Counts the requests of the bot itself. Bolt makes clients of its own, which the bot does not use."""

    def __init__(self, *, meter: Meter, **options: Any) -> None:  # noqa: ANN401  the SDK's own
        super().__init__(**options)
        self._meter = meter

    async def api_call(self, api_method: str, **options: Any) -> AsyncSlackResponse:  # noqa: ANN401  as above
        """Call a method as the SDK does. Raises what the SDK raises."""
        answer = SlackAnswer.ERROR
        try:
            response = await super().api_call(api_method, **options)
        except SlackApiError as exc:
            if is_rate_limited(exc):
                answer = SlackAnswer.RATELIMITED
                self._note_pause(exc)
            raise
        except TimeoutError:
            answer = SlackAnswer.TIMEOUT
            raise
        else:
            answer = SlackAnswer.OK
            return response
        finally:
            self._meter.count(SLACK_REQUESTS, _METHODS.get(api_method, SlackMethod.OTHER), answer)

    def _note_pause(self, error: SlackApiError) -> None:
        found = to_error(error)
        if isinstance(found, SlackUnavailable):
            self._meter.count(SLACK_RETRY_AFTER, by=found.retry_after)
