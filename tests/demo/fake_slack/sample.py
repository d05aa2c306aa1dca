"""A card, a modal, and apps that do little with them."""

from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.fake_slack import CHANNEL, View, Workspace

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def option(value: str) -> Json:
    return {"text": plain(value.title()), "value": value}


def button(action: str, **more: object) -> Json:
    return {"type": "button", "action_id": action, "text": plain("Press"), **more}


def actions(*elements: Json, **more: object) -> Json:
    return {"type": "actions", "elements": list(elements), **more}


CARD: list[Json] = [
    section("*Acme* tries Sample"),
    actions(
        button("write", value="E-1"),
        {"type": "overflow", "action_id": "more", "options": [option("snooze"), option("note")]},
        {"type": "users_select", "action_id": "assign", "placeholder": plain("Owner")},
        block_id="card",
    ),
]
SUBJECT: Json = {
    "type": "input",
    "block_id": "subject",
    "label": plain("Subject"),
    "element": {"type": "plain_text_input", "action_id": "text", "initial_value": "Hello"},
}
TEMPLATE: Json = {
    "type": "input",
    "block_id": "template",
    "label": plain("Template"),
    "dispatch_action": True,
    "element": {"type": "static_select", "action_id": "pick", "options": [option("first"), option("second")]},
}


def modal(*blocks: Json, **more: object) -> Json:
    complete = {"type": "modal", "callback_id": "mail", "title": plain("Write"), "submit": plain("Send")}
    return complete | {"blocks": list(blocks)} | more


async def post_card(client: AsyncWebClient) -> str:
    """Post the card and return its ts."""
    return str((await client.chat_postMessage(channel=CHANNEL, text="Acme", blocks=CARD))["ts"])


def heard_by(app: AsyncApp, action: str) -> list[Json]:
    """Let the app acknowledge an action; what it hears is added to the list."""
    heard: list[Json] = []

    @app.action(action)
    async def hear(ack: AsyncAck, body: Json) -> None:
        await ack()
        heard.append(body)

    return heard


def open_on_write(app: AsyncApp, view: Json) -> None:
    """Let the button of the card open this view."""

    @app.action("write")
    async def write(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=view)


async def opened(workspace: Workspace, client: AsyncWebClient) -> View:
    """Press the button of a card as Ana; the modal that opens."""
    await workspace.press("U0ANA", await post_card(client), "write")
    return (await workspace.until(lambda: workspace.views.get("U0ANA")) or [])[-1]
