"""The hello frame that opens each Socket Mode connection.

docs.slack.dev/apis/events-api/using-socket-mode
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SlackUnavailable
from bot.slack.client.web_api import to_network_error

NO_HELLO: Final = "Slack gave an address for the socket and no hello there. Try again later."


_FAREWELLS: Final[Mapping[str, str]] = {
    "link_disabled": "Socket Mode is switched off for this Slack app. Switch it on on the app's page (Socket Mode).",
    "too_many_websockets": "Too many connections are open for this Slack app. Stop what else uses its SLACK_APP_TOKEN.",
}
"""What Slack's reason for a `disconnect` means, for the reasons that a person has to fix."""


def app_of_hello(frame: object) -> str | None:
    """Return the id of the Slack app in a hello frame, or None if it has none."""
    app_id = _read(frame, "connection_info", "app_id")
    return app_id if isinstance(app_id, str) and app_id else None


def disconnect_reason(frame: object) -> str | None:
    """Return why Slack ends the connection, if this is a `disconnect` that a person has to fix; None otherwise."""
    reason = _read(frame, "reason")
    return _FAREWELLS.get(reason) if isinstance(reason, str) and _read(frame, "type") == "disconnect" else None


def _read(frame: object, *path: str) -> object:
    try:
        found: Any = json.loads(frame) if isinstance(frame, str) else None
        for key in path:
            found = found[key]
    except (LookupError, TypeError, ValueError, RecursionError):
        return None
    return found


async def read_hello(client: AsyncWebClient, address: str, *, proxy: str | None) -> str | None:
    """Connect, read hello, and leave at once, before a press could arrive here. Return the id of the Slack app in
    hello.

    Raises SlackError if there is no hello.
    """
    session = client.session or aiohttp.ClientSession()
    try:
        async with session.ws_connect(address, proxy=proxy, ssl=client.ssl or True) as socket:
            frame = await socket.receive()
    except aiohttp.WSServerHandshakeError as exc:
        raise SlackUnavailable(
            f"Slack, or a proxy on the way, opens no WebSocket ({exc.status}). Make sure that the proxy lets wss:// "
            "through; if there is none, try again later.",
            retry_after=0,
        ) from exc
    except (aiohttp.ClientError, OSError) as exc:
        raise to_network_error(exc) from exc
    finally:
        if session is not client.session:
            await session.close()
    if _read(frame.data, "type") != "hello":
        raise SlackUnavailable(disconnect_reason(frame.data) or NO_HELLO, retry_after=0)
    return app_of_hello(frame.data)
