"""What people do in the workspace: press, fill in, submit, close, type commands."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.demo.fake_slack import payloads
from bot.demo.fake_slack.app_delivery import Delivery
from bot.demo.fake_slack.methods_views import content_of
from bot.demo.fake_slack.models import (
    BOT_USER,
    CHANNEL,
    Json,
    Message,
    NotAcknowledged,
    NotPossible,
    Refusal,
    User,
    View,
    elements,
)
from bot.demo.fake_slack.state import SlackState
from bot.demo.fake_slack.view_state import KEYS, Entered, Values, answer, missing, state


class People:
    """Each act waits until the app has acknowledged it: NotPossible or NotAcknowledged otherwise."""

    def __init__(self, memory: SlackState, delivery: Delivery, response_url: Callable[[str], str]) -> None:
        self.commands: dict[str, str] = {
            "/evaluators": (
                "today | yesterday | week | mine | unowned | expiring | waiting | find | report | health | away | "
                "back | dnc | help"
            )
        }
        self.shortcuts: list[Json] = [
            {"type": "global", "callback_id": "find_evaluator", "name": "Find an evaluator"},
            {"type": "message", "callback_id": "who_is_this", "name": "Who is this?"},
        ]
        self._memory = memory
        self._delivery = delivery
        self._response_url = response_url

    async def press(
        self, user: str, message: Message | str, action_id: str, value: Entered = None, *, block_id: str | None = None
    ) -> None:
        """Press a button (`value` tells it from others of that action), or choose an option's value or a user.

        A `message` that was copied is pressed as it looked then: an app of Slack's may show an old one for a while.
        """
        ts = message if isinstance(message, str) else message.ts
        target = self._memory.message_for(user, ts)
        if target is None:
            raise NotPossible("This message is not there any more.")
        shown = target if isinstance(message, str) else message
        # An update gives the blocks other ids, and a menu may be open since before it.
        is_shown = any(block["block_id"] == block_id for block in shown.blocks)
        block, element = _find(shown.blocks, action_id, value, block_id if is_shown else None)
        chosen: Values = {} if element["type"] not in KEYS else {block["block_id"]: {action_id: value}}
        chosen = {} if element["type"] == "overflow" else chosen
        values = state(shown.blocks, chosen, {})
        channel = self._memory.channel(target.channel)
        key = self._memory.tickets.response_url(user, channel.id, ts=target.ts, thread_ts=target.thread_ts)
        about = payloads.message_action(target, channel, values) | {"response_url": self._response_url(key)}
        await self._interact(user, about | {"actions": [self._action(block, element, value)]})

    async def press_view(
        self,
        user: str,
        view_id: str,
        action_id: str,
        value: Entered = None,
        *,
        block_id: str | None = None,
        values: Values | None = None,
    ) -> None:
        """Press or choose inside a modal or home tab; `values` is what stands in the inputs by now."""
        view = self._view(user, view_id)
        block, element = _find(view.blocks, action_id, value, block_id)
        if block["type"] == "input" and not block.get("dispatch_action"):
            raise NotPossible("Slack tells the app of this input only on submit: it has no dispatch_action.")
        entered = {block_id: dict(actions) for block_id, actions in (values or {}).items()}
        if element["type"] in KEYS and element["type"] != "overflow":
            entered.setdefault(block["block_id"], {})[action_id] = value
        view.values = state(view.blocks, entered, view.values)
        about = payloads.view_action(view) | {"actions": [self._action(block, element, value)]}
        await self._interact(user, about, view_id=view.id)

    async def submit(self, user: str, view_id: str, values: Values | None = None) -> Json:
        """Submit a modal; return the app's answer, which has been carried out."""
        view = self._view(user, view_id)
        view.values = state(view.blocks, values or {}, view.values)
        if labels := missing(view.blocks, view.values):
            raise NotPossible(f"Please complete these fields: {', '.join(labels)}.")
        payload = {"type": "view_submission", "view": view.wire(), "response_urls": []}
        response = await self._interact(user, payload, view_id=view.id)
        try:
            self._carry_out(view, response)
        except Refusal as refusal:
            raise NotAcknowledged(f"The app's answer to the submit cannot be used. {refusal}") from refusal
        return response

    async def close_view(self, user: str, view_id: str) -> None:
        """Close a modal; the app hears of it where it asked to."""
        view = self._view(user, view_id)
        is_full = bool(view.content.get("clear_on_close"))
        for closed in self._memory.close_view(view, whole_stack=is_full):
            if closed.content.get("notify_on_close"):
                await self._interact(user, {"type": "view_closed", "view": closed.wire(), "is_cleared": is_full})

    async def command(self, user: str, text: str, *, channel: str = CHANNEL) -> None:
        """Type a slash command, with its arguments, in a channel."""
        name, _, rest = text.strip().partition(" ")
        if name not in self.commands:
            raise NotPossible(f"{name} is not a valid command.")
        where, who = self._memory.channel(channel), self._user(user)
        fields = payloads.command(who, where, name=name, text=rest.strip()) | {
            "response_url": self._response_url(self._memory.tickets.response_url(user, channel)),
            "trigger_id": self._memory.tickets.trigger(user),
        }
        said = await self._delivery.deliver("slash_commands", fields)
        if said.get("text") or said.get("blocks"):
            only_for = None if said.get("response_type") == "in_channel" else user
            self._memory.post(channel, said, only_for=only_for)

    async def say(self, user: str, text: str, *, channel: str = CHANNEL) -> Message:
        """Write a message. The app hears of it if it is mentioned and may hear of that."""
        where = self._memory.channel(channel)
        content = {"text": payloads.as_typed(text)}
        message = self._memory.post(where.id, content, user=self._user(user).id)
        may_hear = where.bot_is_member and self._memory.tells_of_mentions
        if may_hear and f"<@{BOT_USER}>" in message.text:
            event = payloads.mentioned(message, event_id=self._memory.new_id("Ev"))
            await self._delivery.deliver("events_api", event)
        return message

    async def react(self, user: str, message: Message | str, name: str) -> None:
        """React to a message that is there for everybody, once with each emoji."""
        who = self._user(user)
        target = self._memory.message_for(user, message if isinstance(message, str) else message.ts)
        if target is None or target.only_for is not None:
            raise NotPossible("Nobody can react to this message.")
        users = target.reactions.setdefault(name, [])
        if user in users:
            raise NotPossible("You have reacted with this already.")
        users.append(user)
        self._memory.tell(target)
        if self._memory.tells_of_reactions:
            at, event_id = self._memory.new_ts(), self._memory.new_id("Ev")
            await self._delivery.deliver("events_api", payloads.reacted(target, who, name, event_id=event_id, ts=at))

    async def use_shortcut(self, user: str, callback_id: str, message: Message | str | None = None) -> None:
        """Use a shortcut of the app, on a message if it is one for messages."""
        kind = next((each["type"] for each in self.shortcuts if each["callback_id"] == callback_id), None)
        if kind != ("global" if message is None else "message"):
            raise NotPossible(f"There is no shortcut {callback_id} here.")
        at = self._memory.new_ts()
        if message is None:
            await self._interact(user, payloads.shortcut(callback_id, action_ts=at))
            return
        target = self._memory.message_for(user, message if isinstance(message, str) else message.ts)
        if target is None or target.only_for is not None:
            raise NotPossible("Slack offers shortcuts only on messages that are there for everybody.")
        channel = self._memory.channel(target.channel)
        key = self._memory.tickets.response_url(user, channel.id, ts=target.ts, thread_ts=target.thread_ts)
        about = payloads.message_shortcut(callback_id, target, channel, action_ts=at)
        await self._interact(user, about | {"response_url": self._response_url(key)})

    async def open_home(self, user: str) -> None:
        """Open the app's home tab."""
        who, where = self._user(user), self._memory.direct(user)
        event = payloads.home_opened(who, where, event_id=self._memory.new_id("Ev"), ts=self._memory.new_ts())
        await self._delivery.deliver("events_api", event)

    async def deactivate(self, user: str) -> None:
        """Deactivate the account of a person, as an admin does."""
        gone = replace(self._user(user), deleted=True)
        self._memory.users[user] = gone
        event = payloads.user_changed(gone, event_id=self._memory.new_id("Ev"), ts=self._memory.new_ts())
        await self._delivery.deliver("events_api", event)

    async def _interact(self, user: str, payload: Json, *, view_id: str | None = None) -> Json:
        trigger = {"trigger_id": self._memory.tickets.trigger(user, view_id=view_id)}
        is_full = payloads.common(self._user(user)) | payload
        return await self._delivery.deliver(
            "interactive", is_full if is_full["type"] == "view_closed" else is_full | trigger
        )

    def _carry_out(self, view: View, response: Json) -> None:
        action = response.get("response_action")
        if action is None or action == "clear":
            self._memory.close_view(view, whole_stack=action == "clear")
        elif action == "update":
            self._memory.update_view(view, content_of(self._memory, response.get("view"), "modal"))
        elif action == "push":
            self._memory.push_view(view.user, content_of(self._memory, response.get("view"), "modal"))
        elif action == "errors":
            inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
            errors = response.get("errors") or {}
            if not errors or not errors.keys() <= inputs:
                raise Refusal("invalid_arguments", ["[ERROR] errors must name input blocks of the view"])
        else:
            raise Refusal("invalid_arguments", ["[ERROR] unknown response_action"])

    def _action(self, block: Json, element: Json, value: Entered) -> Json:
        shown: Json = {key: element[key] for key in ("text", "value", "style", "placeholder") if key in element}
        chosen = answer(element, value) if element["type"] in KEYS else {"type": element["type"]}
        ids = {"action_id": element["action_id"], "block_id": block["block_id"]}
        return {**shown, **chosen, **ids, "action_ts": self._memory.new_ts()}

    def _user(self, user: str) -> User:
        if user not in self._memory.users:
            raise NotPossible(f"There is no user {user}.")
        return self._memory.users[user]

    def _view(self, user: str, view_id: str) -> View:
        open_ones: list[View | None] = [*self._memory.views.get(user, ()), self._memory.homes.get(user)]
        view = next((view for view in open_ones if view and view.id == view_id), None)
        if view is None:
            raise NotPossible("This window is not open any more.")
        return view


def _find(blocks: Sequence[Json], action_id: str, value: Entered, block_id: str | None) -> tuple[Json, Json]:
    for block, element in elements(blocks):
        fits = element["type"] != "button" or value in (None, element.get("value"))
        if element["action_id"] == action_id and block_id in (None, block["block_id"]) and fits:
            return block, element
    raise NotPossible(f"There is no {action_id} to press here.")
