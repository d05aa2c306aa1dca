"""Slack's hello, with which each connection of Socket Mode begins.

docs.slack.dev/apis/events-api/using-socket-mode
"""

import json
from typing import Final

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SlackUnavailable
from bot.slack.web_api import unanswered

NO_HELLO: Final = "Slack gave an address for the socket and no hello there. Try again later."


def app_of_hello(frame: object) -> str | None:
    """The id of the Slack app in a hello; None where it is not said."""
    try:
        hello = json.loads(frame) if isinstance(frame, str) else {}
        app_id = hello["connection_info"]["app_id"]
    except (LookupError, TypeError, ValueError, RecursionError):
        return None
    return app_id if isinstance(app_id, str) and app_id else None


async def greeting(client: AsyncWebClient, address: str) -> str | None:
    """Connect, hear hello, and leave at once, before a press could come this way; the id of the Slack app in it.

    SlackError when there is no hello.
    """
    session = client.session or aiohttp.ClientSession()
    try:
        async with session.ws_connect(address, proxy=client.proxy) as socket:
            frame = await socket.receive()
    except aiohttp.WSServerHandshakeError as exc:
        raise SlackUnavailable(
            f"Slack, or a proxy on the way, opens no WebSocket ({exc.status}). See that the proxy lets wss:// through; "
            "if there is none, try again later.",
            retry_after=0,
        ) from exc
    except (aiohttp.ClientError, OSError) as exc:
        raise unanswered(exc) from exc
    finally:
        if session is not client.session:
            await session.close()
    if frame.type is not aiohttp.WSMsgType.TEXT:
        raise SlackUnavailable(NO_HELLO, retry_after=0)
    return app_of_hello(frame.data)
