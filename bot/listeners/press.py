"""What a press on a card says, read once."""

from dataclasses import dataclass

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.slack import ids
from bot.slack.modals import About


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
        action, evaluation_id, seen = ids.read_option(pressed["selected_option"]["value"])
    else:
        action, evaluation_id, seen = pressed["action_id"], pressed.get("value", ""), None
    if not evaluation_id.isdecimal():
        return None
    return Press(
        user=args.body["user"]["id"],
        action=action,
        about=About(evaluation_id=int(evaluation_id), channel=args.context.channel_id or "", seen=seen),
        trigger=args.body["trigger_id"],
    )
