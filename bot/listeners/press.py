"""What a press on a card says, read once."""

from dataclasses import dataclass

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.slack import ids
from bot.slack.modals import About
from bot.slack.payload import read_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Who pressed what about which evaluation; the trigger opens one modal within three seconds."""

    user: str
    action: str
    about: About
    trigger: str


def read_press(args: AsyncArgs) -> Press | None:
    """The press on a button or in the menu of a card; None for one that names no evaluation."""
    pressed = args.body["actions"][0]
    if "selected_option" in pressed:
        action, number, seen = ids.read_option(pressed["selected_option"]["value"])
    else:
        action, number, seen = pressed["action_id"], pressed.get("value", ""), None
    evaluation_id = read_id(number)
    if evaluation_id is None:
        return None
    return Press(
        user=args.body["user"]["id"],
        action=action,
        about=About(evaluation_id=evaluation_id, channel=args.context.channel_id or "", seen=seen),
        trigger=args.body.get("trigger_id", ""),
    )
