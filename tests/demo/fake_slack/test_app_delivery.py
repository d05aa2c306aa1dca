"""Sockets come and go; each envelope goes to one of them."""

import aiohttp
import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.fake_slack import Workspace
from tests.demo.fake_slack.conftest import by_http, by_socket
from tests.demo.fake_slack.sample import heard_by, post_card


async def test_a_socket_url_opens_one_socket(workspace: Workspace) -> None:
    answer = await AsyncWebClient(base_url=workspace.api_url).apps_connections_open(app_token=workspace.app_token)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(answer["url"]) as socket:
            assert (await socket.receive_json())["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(answer["url"])


async def test_envelopes_take_turns_over_the_open_sockets(workspace: Workspace, client: AsyncWebClient) -> None:
    one, two = (AsyncApp(client=client, signing_secret="unused") for _ in range(2))
    heard = [heard_by(one, "write"), heard_by(two, "write")]
    async with by_socket(workspace, one), by_socket(workspace, two):
        ts = await post_card(client)
        for _ in range(4):
            await workspace.press("U0ANA", ts, "write")
        await workspace.until(lambda: [len(each) for each in heard] == [2, 2])


@pytest.mark.parametrize("reason", ["refresh_requested", None])
async def test_the_app_comes_back_after_a_disconnect(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient, socket: object, reason: str | None
) -> None:
    heard = heard_by(app, "write")
    await workspace.disconnect_sockets(reason)
    assert workspace.sockets == 0
    await workspace.until(lambda: workspace.sockets)
    await workspace.press("U0ANA", await post_card(client), "write")
    await workspace.until(lambda: heard)


async def test_the_same_envelope_can_come_twice(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient, socket: object
) -> None:
    heard = heard_by(app, "write")
    await workspace.press("U0ANA", await post_card(client), "write")
    await workspace.redeliver()
    await workspace.until(lambda: len(heard) == 2)
    assert heard[0]["actions"] == heard[1]["actions"]


async def test_a_second_delivery_over_http_says_so(workspace: Workspace, app: AsyncApp) -> None:
    retries: list[list[str] | None] = []

    @app.command("/evaluators")
    async def today(ack: AsyncAck, request: object) -> None:
        retries.append(getattr(request, "headers").get("x-slack-retry-num"))  # noqa: B009 - Bolt injects it untyped
        await ack()

    async with by_http(workspace, app):
        await workspace.command("U0ANA", "/evaluators today")
        await workspace.redeliver()
    assert retries == [None, ["1"]]
