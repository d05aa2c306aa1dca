"""People press, choose and type; a real Bolt app answers."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.fake_slack import CHANNEL, NotAcknowledged, NotPossible, Workspace
from tests.demo.fake_slack.conftest import Clock, by_http, by_socket
from tests.demo.fake_slack.sample import Json, actions, button, heard_by, post_card, section

Route = Callable[[Workspace, AsyncApp], AbstractAsyncContextManager[object]]


@pytest.mark.parametrize("way", [by_socket, by_http])
async def test_a_press_is_answered_to_the_person_alone(
    way: Route, workspace: Workspace, app: AsyncApp, client: AsyncWebClient
) -> None:
    @app.action("write")
    async def write(ack: AsyncAck, body: Json, respond: AsyncRespond) -> None:
        await ack()
        await respond(f"Sent {body['actions'][0]['value']}.")

    async with way(workspace, app):
        await workspace.press("U0ANA", await post_card(client), "write")
        said = await workspace.until(lambda: workspace.ephemerals("U0ANA"))
    assert [m.shown for m in said] == ["Sent E-1."]
    assert workspace.ephemerals("U0BEN") == []


async def test_the_app_hears_who_chose_what_and_where(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient, socket: object
) -> None:
    heard = heard_by(app, "assign")
    ts = await post_card(client)
    await workspace.press("U0BEN", ts, "assign", "U0CHIKA")
    await workspace.until(lambda: heard)
    [body] = heard
    assert body["user"] == {"id": "U0BEN", "username": "ben", "name": "ben", "team_id": "T0DEMO"}
    assert body["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": CHANNEL,
        "is_ephemeral": False,
    }
    assert body["message"]["text"] == "Acme"
    assert body["actions"][0]["selected_user"] == "U0CHIKA"
    assert body["state"]["values"]["card"]["assign"]["selected_user"] == "U0CHIKA"


async def test_an_overflow_tells_the_option_that_was_chosen(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient, socket: object
) -> None:
    heard = heard_by(app, "more")
    await workspace.press("U0ANA", await post_card(client), "more", "note")
    await workspace.until(lambda: heard)
    assert heard[0]["actions"][0]["selected_option"]["value"] == "note"


async def test_a_list_that_one_person_sees_is_paged_in_its_place(
    workspace: Workspace, app: AsyncApp, socket: object
) -> None:
    @app.command("/evaluators")
    async def today(ack: AsyncAck, respond: AsyncRespond, command: Json) -> None:
        await ack()
        await respond(blocks=[section(f"{command['text']}, page 1"), actions(button("page", value="2"))])

    @app.action("page")
    async def page(ack: AsyncAck, respond: AsyncRespond, body: Json) -> None:
        await ack()
        await respond(blocks=[section(f"page {body['actions'][0]['value']}")], replace_original=True)

    await workspace.command("U0ANA", "/evaluators today")
    [first] = await workspace.until(lambda: workspace.ephemerals("U0ANA"))
    assert first.shown == "today, page 1\nPress"
    await workspace.press("U0ANA", first, "page")
    await workspace.until(lambda: first.shown == "page 2")
    assert len(workspace.ephemerals("U0ANA")) == 1
    with pytest.raises(NotPossible, match="not there"):
        await workspace.press("U0BEN", first, "page")


async def test_a_command_may_be_answered_with_its_acknowledgement(
    workspace: Workspace, app: AsyncApp, socket: object
) -> None:
    @app.command("/evaluators")
    async def today(ack: AsyncAck) -> None:
        await ack("Nobody yet.")

    await workspace.command("U0ANA", "/evaluators")
    assert [m.shown for m in workspace.ephemerals("U0ANA")] == ["Nobody yet."]
    with pytest.raises(NotPossible, match="/unknown is not a valid command"):
        await workspace.command("U0ANA", "/unknown")


async def test_a_response_url_works_five_times_and_half_an_hour(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient, socket: object, clock: Clock
) -> None:
    statuses: list[int] = []

    @app.action("write")
    async def write(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        for n in range(6):
            statuses.append((await respond(f"No. {n}")).status_code)  # noqa: PERF401 - one after the other

    @app.action("more")
    async def more(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        clock.now += 31 * 60
        statuses.append((await respond("too late")).status_code)

    ts = await post_card(client)
    await workspace.press("U0ANA", ts, "write")
    await workspace.until(lambda: statuses == [200] * 5 + [404])
    assert len(workspace.ephemerals("U0ANA")) == 5
    await workspace.press("U0ANA", ts, "more", "note")
    await workspace.until(lambda: len(statuses) == 7)
    assert statuses[-1] == 404


async def test_a_response_url_can_take_a_message_away(
    workspace: Workspace, app: AsyncApp, client: AsyncWebClient, socket: object
) -> None:
    @app.action("write")
    async def write(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        await respond(delete_original=True)

    await workspace.press("U0ANA", await post_card(client), "write")
    await workspace.until(lambda: not workspace.messages())


async def test_nobody_can_press_while_the_app_is_away(workspace: Workspace, client: AsyncWebClient) -> None:
    ts = await post_card(client)
    with pytest.raises(NotAcknowledged, match="not connected"):
        await workspace.press("U0ANA", ts, "write")
    with pytest.raises(NotPossible, match="There is no unknown"):
        await workspace.press("U0ANA", ts, "unknown")
    with pytest.raises(NotPossible, match="no option tomorrow"):
        await workspace.press("U0ANA", ts, "more", "tomorrow")


@pytest.mark.parametrize("way", [by_socket, by_http])
async def test_a_press_that_nobody_acknowledges_fails(
    way: Route, workspace: Workspace, app: AsyncApp, client: AsyncWebClient
) -> None:
    workspace.delivery.ack_within = 0.1
    async with way(workspace, app):
        ts = await post_card(client)
        with pytest.raises(NotAcknowledged):
            await workspace.press("U0ANA", ts, "write")


async def test_a_request_with_the_wrong_signature_is_refused_by_bolt(workspace: Workspace, app: AsyncApp) -> None:
    workspace.keys.signing_secret = "another"
    async with by_http(workspace, app):
        with pytest.raises(NotAcknowledged, match="401"):
            await workspace.command("U0ANA", "/evaluators")


async def test_a_home_tab_is_opened_and_published(
    workspace: Workspace, app: AsyncApp, socket: object, client: AsyncWebClient
) -> None:
    @app.event("app_home_opened")
    async def home(event: Json) -> None:
        view = {"type": "home", "blocks": [section("Yours"), actions(button("mine"))]}
        await client.views_publish(user_id=event["user"], view=view)

    heard = heard_by(app, "mine")
    await workspace.open_home("U0ANA")
    view = await workspace.until(lambda: workspace.homes.get("U0ANA"))
    assert view is not None
    await workspace.press_view("U0ANA", view.id, "mine")
    await workspace.until(lambda: heard)
    assert heard[0]["view"]["type"] == "home"
