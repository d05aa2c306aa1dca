"""The views.* methods."""

from bot.demo.fake_slack.methods import Method, needed
from bot.demo.fake_slack.models import Json, Refusal, View
from bot.demo.fake_slack.state import SlackState
from bot.demo.fake_slack.validation import check_view


def open_modal(memory: SlackState, args: Json) -> Json:
    """Open a modal for the user who pressed."""
    content = content_of(memory, args.get("view"), "modal")
    trigger = memory.tickets.exchange(needed(args, "trigger_id"))
    return {"view": memory.open_view(trigger.user, content).wire()}


def push(memory: SlackState, args: Json) -> Json:
    """Open a modal on top of the one that was pressed."""
    content = content_of(memory, args.get("view"), "modal")
    trigger = memory.tickets.exchange(needed(args, "trigger_id"))
    if trigger.view_id is None:
        raise Refusal("not_found")
    memory.view(trigger.view_id)
    return {"view": memory.push_view(trigger.user, content).wire()}


def update(memory: SlackState, args: Json) -> Json:
    """Change an open modal; with a hash only if nobody changed it since."""
    content = content_of(memory, args.get("view"), "modal")
    view = memory.view(args.get("view_id"), args.get("external_id"))
    _check_hash(view, args)
    memory.update_view(view, content)
    return {"view": view.wire()}


def publish(memory: SlackState, args: Json) -> Json:
    """Show a user's home tab."""
    content = content_of(memory, args.get("view"), "home")
    user = needed(args, "user_id")
    if user in memory.homes:
        _check_hash(memory.homes[user], args)
    return {"view": memory.publish_home(user, content).wire()}


def content_of(memory: SlackState, view: object, kind: str) -> Json:
    """Return what an app gave as a view, unless Slack refuses it."""
    content = check_view(view) if memory.strict or not isinstance(view, dict) else view
    if content["type"] != kind:
        raise Refusal("invalid_arguments", [f"[ERROR] must be a {kind} [json-pointer:/view/type]"])
    return content


METHODS = {
    "views.open": Method(open_modal),
    "views.push": Method(push),
    "views.update": Method(update),
    "views.publish": Method(publish),
}


def _check_hash(view: View, args: Json) -> None:
    if args.get("hash") and args["hash"] != view.hash:
        raise Refusal("hash_conflict")
