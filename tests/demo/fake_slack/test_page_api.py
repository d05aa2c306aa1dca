"""The endpoints of the demo's page."""

import json
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.fake_slack import CHANNEL, Workspace
from bot.domain.commands import Word
from tests.demo.fake_slack.sample import SUBJECT, Json, modal, open_on_write, opened, post_card


async def say(workspace: Workspace, path: str, **said: object) -> Any:  # noqa: ANN401 - the page's JSON
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{workspace.url}/demo/{path}", json={"user": "U0ANA", **said}) as answer,
    ):
        return await answer.json()


async def state(workspace: Workspace, user: str = "U0ANA") -> Any:  # noqa: ANN401 - the page's JSON
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{workspace.url}/demo/state", params={"user": user}) as answer,
    ):
        return await answer.json()


async def next_event(response: aiohttp.ClientResponse) -> Json:
    async for line in response.content:
        if line.startswith(b"data: "):
            event: Json = json.loads(line.removeprefix(b"data: "))
            return event
    raise AssertionError("The stream has ended.")


async def test_the_state_is_what_one_person_sees(workspace: Workspace, client: AsyncWebClient) -> None:
    workspace.page_extras["mails"] = lambda: [{"id": "1"}]
    ts = await post_card(client)
    await client.chat_postMessage(channel=CHANNEL, text="Note", thread_ts=ts)
    await client.chat_postEphemeral(channel=CHANNEL, user="U0ANA", text="Only Ana")
    await client.chat_postMessage(channel="U0ANA", text="To Ana")
    mine, yours = await state(workspace), await state(workspace, "U0BEN")
    assert [(m["text"], m.get("thread_ts"), m["reply_count"]) for m in mine["messages"]] == [
        ("Acme", None, 1),
        ("Note", ts, 0),
    ]
    assert [(m["text"], m["channel"], m["ephemeral"]) for m in mine["ephemerals"]] == [
        ("Only Ana", CHANNEL, True),
        ("To Ana", CHANNEL, True),
    ]
    assert yours["ephemerals"] == []
    assert mine["mails"] == [{"id": "1"}]
    assert mine["commands"] == [{"command": "/evaluators", "hint": " | ".join(Word)}]
    assert mine["shortcuts"] == workspace.shortcuts
    assert mine["channels"] == [{"id": CHANNEL, "name": "evaluators"}]
    assert {"id": "U0BOT", "name": "evaluator_bot", "real_name": "Evaluator Bot", "is_bot": True} in mine["users"]


async def test_the_stream_tells_each_person_what_they_see(workspace: Workspace, client: AsyncWebClient) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{workspace.url}/demo/events?user=U0BEN") as stream,
    ):
        await client.chat_postEphemeral(channel=CHANNEL, user="U0ANA", text="Only Ana")
        await client.chat_postMessage(channel="U0ANA", text="To Ana")
        ts = await post_card(client)
        event = await next_event(stream)
        assert (event["kind"], event["message"]["ts"]) == ("message", ts)
        await client.chat_delete(channel=CHANNEL, ts=ts)
        assert await next_event(stream) == {"kind": "message_deleted", "channel": CHANNEL, "ts": ts}
        workspace.broadcast({"kind": "notice", "text": "The bot is starting…"})
        assert (await next_event(stream))["text"] == "The bot is starting…"


async def test_a_press_on_the_page_reaches_the_app(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient, socket: object
) -> None:
    @app.action("assign")
    async def assign(ack: AsyncAck, respond: AsyncRespond, body: Json) -> None:
        await ack()
        await respond(f"Assigned to {body['actions'][0]['selected_user']}.")

    place = {"channel": CHANNEL, "ts": await post_card(client), "block_id": "card"}
    assert await say(workspace, "press", **place, action_id="assign", selected="U0BEN") == {"ok": True}
    await workspace.until(lambda: workspace.ephemerals("U0ANA"))


async def test_a_modal_on_the_page_is_filled_in_and_closed(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient, socket: object
) -> None:
    open_on_write(app, modal(SUBJECT))

    @app.view("mail")
    async def submit(ack: AsyncAck) -> None:
        await ack(response_action="errors", errors={"subject": "Too short."})

    view = await opened(workspace, client)
    assert [shown["id"] for shown in (await state(workspace))["views"]] == [view.id]
    answer = await say(workspace, "submit", view_id=view.id, state={"subject": {"text": "Hi"}})
    assert answer == {"ok": True, "errors": {"subject": "Too short."}}
    assert (await say(workspace, "submit", view_id=view.id, state={"subject": {"text": None}}))["ok"] is False
    assert await say(workspace, "close", view_id=view.id) == {"ok": True}
    assert (await state(workspace))["views"] == []


async def test_what_cannot_be_done_is_said_in_a_sentence(workspace: Workspace) -> None:
    answer = await say(workspace, "command", channel=CHANNEL, text="/evaluators today")
    assert answer == {"ok": False, "error": "The app is not connected, so nobody can hear this. Is it running?"}
    assert (await say(workspace, "press", ts="1"))["ok"] is False


async def test_another_site_cannot_press_in_a_persons_name(workspace: Workspace) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{workspace.url}/demo/command", data=b"{}", headers={"Content-Type": "text/plain"}) as answer,
    ):
        assert answer.status == 415


async def test_the_page_and_further_routes_are_served() -> None:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    workspace = Workspace()
    workspace.routes.append(web.get("/hello", hello))
    async with workspace.serve() as url, aiohttp.ClientSession() as session:
        async with session.get(f"{url}/hello") as answer:
            assert await answer.text() == "hello"
        async with session.get(url) as answer:
            assert "<html" in await answer.text()


@pytest.mark.parametrize("user", ["", "U0NOBODY"])
async def test_a_stranger_has_no_page(workspace: Workspace, user: str) -> None:
    assert (await state(workspace, user))["ok"] is False
