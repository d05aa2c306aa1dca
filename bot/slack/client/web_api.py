"""Calls of Slack's Web API: reading responses, and turning failures into the bot's errors."""

import ssl
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import SlackError, SlackOutcomeUnknown, SlackRefused, SlackSilent, SlackUnavailable
from bot.slack.client.errors import ErrorAction, Token, action_for, explain, scopes_needed

_SOON: Final = 5.0
_LONGEST_WAIT: Final = 3600.0
_MAX_BYTES: Final = 16 * 1024 * 1024
"""The largest response to read, in bytes. Slack's longest have some hundred kilobytes."""
_ADDRESS: Final = "Check the network of this machine, and SLACK_API_URL if you set it."
_NOT_SLACK: Final = (
    "What answered is not Slack's Web API. A proxy or a sign-in page may stand in between, or SLACK_API_URL is wrong. "
    "If neither is so, try again later."
)
_BROKE_OFF: Final = (
    "Slack did not answer: the connection broke off. Try again later; if it lasts, check the network and its proxy."
)
_SLOW: Final = "Slack did not answer in time. Try again later; if it lasts, check the network and its proxy."


class BoundedResponse(aiohttp.ClientResponse):
    """A response whose body is limited to more than Slack ever sends, so that it cannot fill the memory."""

    async def read(self) -> bytes:
        """Return the whole body. Raises ValueError if it is too long."""
        if self._body is None:
            try:
                self._body = await _read_at_most(_MAX_BYTES, self.content)
            except BaseException:
                self.close()
                raise
        return await super().read()


async def _read_at_most(size: int, content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for piece in content.iter_any():
        body += piece
        if len(body) > size:
            raise ValueError(size)
    return bytes(body)


async def call(asked: Awaitable[AsyncSlackResponse], *, token: Token = Token.BOT) -> Any:  # noqa: ANN401  as it came
    """Return Slack's response to a call made with this token. Raises SlackError for every failure."""
    return (await call_raw(asked, token=token)).data


async def call_raw(asked: Awaitable[AsyncSlackResponse], *, token: Token = Token.BOT) -> AsyncSlackResponse:
    """Return the response with its headers. Raises as `call`."""
    with expecting_known_shape():
        try:
            answer = await asked
        except SlackApiError as exc:
            raise to_error(exc, token=token) from exc
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise to_network_error(exc) from exc
        except SlackClientError as exc:
            raise SlackOutcomeUnknown(_BROKE_OFF) from exc
        if not isinstance(answer.data, dict):
            raise TypeError(type(answer.data).__name__)
        return answer


@contextmanager
def expecting_known_shape() -> Iterator[None]:
    """Turn a response of an unexpected shape, read inside the block, into SlackOutcomeUnknown with a sentence.

    The SDK (3.47) lets Python's errors through for JSON that is not an object, bytes that are not text, and arrays
    nested too deep.
    """
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as exc:
        raise SlackOutcomeUnknown(_NOT_SLACK) from exc


def text(value: object) -> str:
    """Return a required text. Raises TypeError if it is something else; call it inside `expecting_known_shape`."""
    if not isinstance(value, str) or not value:
        raise TypeError(type(value).__name__)
    return value


def to_error(error: SlackApiError, *, token: Token = Token.BOT) -> SlackError:
    """Return the bot's error for a response that is not ok."""
    answer: Any = error.response
    is_parsed = not isinstance(answer, aiohttp.ClientResponse)  # this one for what is called JSON and is not
    status = int(answer.status_code if is_parsed else answer.status)
    data = answer.data if is_parsed and isinstance(answer.data, dict) else {}
    code = data.get("error")
    if is_rate_limited(error):
        said = answer.headers.get("Retry-After", answer.headers.get("retry-after"))
        wait = _seconds(said)
        return SlackUnavailable(f"Slack asks to slow down. Try again in {wait:.0f} s.", retry_after=wait)
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return _proxy_refused(status)
    if not isinstance(code, str) or not code or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SlackOutcomeUnknown(_by_status(status))
    needed = scopes_needed(data.get("needed"))
    words = explain(code, needed=needed, token=token)
    match action_for(code):
        case ErrorAction.WAIT:
            return SlackUnavailable(words, retry_after=_SOON)
        case ErrorAction.LOOK:
            return SlackOutcomeUnknown(words)
        case _:
            return SlackRefused(words, code=code, needed=needed)


def is_rate_limited(error: SlackApiError) -> bool:
    """Return whether Slack asks to slow down (429)."""
    answer: Any = error.response
    return getattr(answer, "status_code", getattr(answer, "status", None)) == HTTPStatus.TOO_MANY_REQUESTS


def to_network_error(error: Exception) -> SlackError:
    """Return the error for a call without a response. It names where the call failed and whether Slack may have
    accepted it.
    """
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _proxy_refused(error.status)
    if isinstance(error, aiohttp.ClientConnectorError):
        return SlackUnavailable(_unreachable(error), retry_after=_SOON)
    if isinstance(error, (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError)):
        return SlackOutcomeUnknown("The address of Slack, or one it redirects to, isn't a URL. Check SLACK_API_URL.")
    if isinstance(error, aiohttp.ClientResponseError):
        return SlackOutcomeUnknown(_NOT_SLACK)
    return SlackSilent(_SLOW if isinstance(error, TimeoutError) else _BROKE_OFF)


def _unreachable(error: aiohttp.ClientConnectorError) -> str:
    host = str(error.host)
    if isinstance(error, aiohttp.ClientConnectorCertificateError) or isinstance(
        error.os_error, ssl.SSLCertVerificationError
    ):
        return (
            f"The certificate of {host} is not trusted. If a proxy looks into the traffic, set SSL_CERT_FILE to a file "
            "with its authority; otherwise check the clock of this machine and SLACK_API_URL."
        )
    place = f"{host}:{error.port}"
    if isinstance(error, aiohttp.ClientSSLError) or isinstance(error.os_error, ssl.SSLError):
        return f"{place} does not speak TLS. Check SLACK_API_URL, and the proxy if there is one."
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"Cannot reach the proxy {place}. Check HTTPS_PROXY and NO_PROXY, and that the proxy runs."
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"Cannot find {host} (DNS). {_ADDRESS}"
    return f"Cannot connect to {place}. {_ADDRESS}"


def _proxy_refused(status: int) -> SlackUnavailable:
    return SlackUnavailable(
        f"The proxy refuses the connection to Slack ({status}). Check HTTPS_PROXY, with its login, and NO_PROXY.",
        retry_after=_SOON,
    )


def _by_status(status: int) -> str:
    """Return what a response without an error code of Slack means."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return (
            f"Slack, or a proxy on the way, cannot answer now ({status}). Try again later; if it lasts, look at "
            "slack-status.com."
        )
    return _NOT_SLACK


def _seconds(said: str | None) -> float:
    """Return the seconds in a Retry-After header, which may be missing or malformed."""
    return min(float(said), _LONGEST_WAIT) if said is not None and said.strip().isdecimal() else _SOON
