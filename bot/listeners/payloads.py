"""Read the payload of a press on a card."""

from dataclasses import dataclass, replace
from typing import Any

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.evaluation import CardRef
from bot.slack import ids
from bot.slack.client.payload import read_id
from bot.slack.views.modal_metadata import ModalMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button press: who, which action and which evaluation. The trigger id opens one modal within three seconds.

    The evaluation is the one that the button names. `Cards.evaluation_on` returns the one that the card
    shows.
    """

    user: str
    action: str
    metadata: ModalMetadata
    seen: str | None
    """What the card showed and the person is about to change: the owner."""
    trigger: str
    view_id: str | None = None
    """The modal in which the button is, if it is in one."""


def read_press(args: AsyncArgs) -> Press | None:
    """Return the press on a button or in the menu of a card, or None if it names no evaluation."""
    pressed, view = args.body["actions"][0], args.body.get("view")
    chosen = pressed.get("selected_option") or (pressed if view else None)
    if chosen:
        action, named, seen = ids.read_option(chosen.get("value", ""))
    else:
        action, named, seen = pressed["action_id"], pressed.get("value", ""), None
    evaluation_id = read_id(named)
    if evaluation_id is None:
        return None
    return Press(
        user=args.body["user"]["id"],
        action=action,
        metadata=_place(args, view, evaluation_id),
        seen=seen,
        trigger=args.body.get("trigger_id", ""),
        view_id=view["id"] if view else None,
    )


def _place(args: AsyncArgs, view: dict[str, Any] | None, evaluation_id: int) -> ModalMetadata:
    """Return the evaluation that a button names, with the card on which the button is, or from which its modal is."""
    if view:
        return replace(ModalMetadata.unpack(view.get("private_metadata", "")), evaluation_id=evaluation_id)
    card = card_of(args.body)
    channel = card.channel if card else args.context.channel_id or ""
    return ModalMetadata(evaluation_id=evaluation_id, channel=channel, card=card.ts if card else None)


def card_of(body: dict[str, Any]) -> CardRef | None:
    """Return the card on which, or in whose thread, a button was pressed.

    None for modals, ephemeral messages and direct messages: no card is there.
    """
    container = body.get("container") or {}
    channel, ts = container.get("channel_id"), container.get("thread_ts") or container.get("message_ts")
    if container.get("is_ephemeral") or not channel or not ts or channel.startswith("D"):
        return None
    return CardRef(channel=str(channel), ts=str(ts))
