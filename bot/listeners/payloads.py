"""What a press on a card says, read once."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.evaluation import CardRef
from bot.slack import ids
from bot.slack.client.payload import read_id
from bot.slack.views.modals import ModalMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Who pressed what about which evaluation; the trigger opens one modal within three seconds.

    The evaluation is the one that the button names. `Cards.evaluation_on` says which one the card shows.
    """

    user: str
    action: str
    metadata: ModalMetadata
    trigger: str


def read_press(args: AsyncArgs) -> Press | None:
    """The press on a button or in the menu of a card; None for one that names no evaluation."""
    pressed = args.body["actions"][0]
    chosen = pressed.get("selected_option")
    if chosen:
        action, named, seen = ids.read_option(chosen["value"])
    else:
        action, named, seen = pressed["action_id"], pressed.get("value", ""), None
    evaluation_id = read_id(named)
    if evaluation_id is None:
        return None
    card = card_of(args.body)
    channel = card.channel if card else args.context.channel_id or ""
    return Press(
        user=args.body["user"]["id"],
        action=action,
        metadata=ModalMetadata(evaluation_id=evaluation_id, channel=channel, seen=seen, card=card.ts if card else None),
        trigger=args.body.get("trigger_id", ""),
    )


def card_of(body: dict[str, Any]) -> CardRef | None:
    """The card on which, or in whose thread, something was pressed; None for messages to one person and for modals."""
    container = body.get("container") or {}
    channel, ts = container.get("channel_id"), container.get("thread_ts") or container.get("message_ts")
    if container.get("is_ephemeral") or not channel or not ts:
        return None
    return CardRef(channel=str(channel), ts=str(ts))
