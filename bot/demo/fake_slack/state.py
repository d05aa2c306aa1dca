"""What the workspace remembers: people, channels, messages, open views."""

import itertools
from collections.abc import Callable, Iterator, Sequence

from bot.demo.fake_slack.broadcast import Broadcast
from bot.demo.fake_slack.models import (
    BOT_USER,
    CHANNEL,
    EMAIL_SCOPE,
    MENTIONS_SCOPE,
    REACTIONS_SCOPE,
    Channel,
    Json,
    Message,
    Refusal,
    SlackSecrets,
    User,
    View,
)
from bot.demo.fake_slack.triggers import Tickets

STACK_LIMIT = 3
PEOPLE = (
    User(id="U0ANA", name="ana", real_name="Ana", title="Product", email="ana@vendor.example"),
    User(id="U0BEN", name="ben", real_name="Ben", title="Customer success", email="ben@vendor.example"),
    User(id="U0CHIKA", name="chika", real_name="Chika", email="chika@vendor.example"),
    User(id=BOT_USER, name="evaluator_bot", real_name="Evaluator Bot", is_bot=True),
)


class SlackState:
    """Every change goes through here, so that every page hears of it."""

    def __init__(self, clock: Callable[[], float], *, strict: bool, keys: SlackSecrets) -> None:
        self.strict = strict
        self._keys = keys
        self.events = Broadcast()
        self.tickets = Tickets(clock)
        self.users = {user.id: user for user in PEOPLE}
        self.groups: dict[str, list[str]] = {}
        self.channels: dict[str, Channel] = {}
        self.views: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self._clock = clock
        self._ids = itertools.count(1)
        self._last_ts = 0  # microseconds: floats run out of digits here
        self._messages: dict[tuple[str, str], Message] = {}
        self.channels[CHANNEL] = Channel(id=CHANNEL, name="evaluators")

    @property
    def shows_email(self) -> bool:
        """Whether the app may see people's addresses."""
        return EMAIL_SCOPE in self._keys.scopes

    @property
    def tells_of_mentions(self) -> bool:
        """Whether the app hears of messages that mention it."""
        return MENTIONS_SCOPE in self._keys.scopes

    @property
    def tells_of_reactions(self) -> bool:
        """Whether the app hears of reactions."""
        return REACTIONS_SCOPE in self._keys.scopes

    def new_id(self, letter: str) -> str:
        """Return an id that was never used, in Slack's shape."""
        return f"{letter}{next(self._ids):08X}"

    def new_ts(self) -> str:
        """Return the present as a message ts, later than every one before."""
        self._last_ts = max(int(self._clock() * 1e6), self._last_ts + 1)
        return f"{self._last_ts // 10**6}.{self._last_ts % 10**6:06}"

    # Messages

    def messages(self) -> Iterator[Message]:
        """Yield all messages, ephemeral ones too, oldest first."""
        return iter(tuple(self._messages.values()))

    def message(self, channel: str, ts: object) -> Message | None:
        """Return a message that all can see; ephemeral ones are not found."""
        message = self._messages.get((channel, str(ts)))
        return None if message is None or message.only_for else message

    def message_for(self, user: str, ts: str) -> Message | None:
        """Return the message with this ts that the user can see."""
        return next((m for m in self.messages() if m.ts == ts and m.only_for in (None, user)), None)

    def post(
        self,
        channel: str,
        content: Json,
        *,
        user: str = BOT_USER,
        thread_ts: str | None = None,
        only_for: str | None = None,
    ) -> Message:
        """Post in the name of a user, or the bot; a reply to a message that is gone lands in the channel."""
        parent = self.message(channel, thread_ts)
        message = Message(
            channel=channel,
            ts=self.new_ts(),
            user=user,
            text=str(content.get("text") or ""),
            blocks=self._with_ids(content.get("blocks") or ()),
            thread_ts=(parent.thread_ts or parent.ts) if parent else None,
            metadata=content.get("metadata"),
            only_for=only_for,
        )
        self._messages[channel, message.ts] = message
        self.tell(message)
        if message.thread_ts and not only_for:
            self._count_replies(channel, message.thread_ts)
        return message

    def change(self, message: Message, content: Json) -> None:
        """Show something else in the place of a message: what is not given is gone, except the metadata."""
        message.text = str(content.get("text") or "")
        message.edited = not content.get("blocks")  # Slack marks only what has no blocks as "(edited)"
        message.blocks = self._with_ids(content.get("blocks") or ())
        message.metadata = content.get("metadata") or message.metadata
        self.tell(message)

    def delete(self, message: Message) -> None:
        """Take a message away; its replies stay."""
        del self._messages[message.channel, message.ts]
        kind = "ephemeral_deleted" if message.only_for else "message_deleted"
        gone = {"kind": kind, "channel": message.channel, "ts": message.ts}
        self.events.send(gone, only_for=message.only_for)
        if message.thread_ts and not message.only_for:
            self._count_replies(message.channel, message.thread_ts)

    def tell(self, message: Message) -> None:
        """Let the pages show the message as it is now."""
        reader = self.reader(message)
        event = {"kind": "ephemeral" if reader else "message", "message": self.picture(message)}
        self.events.send(event, only_for=reader)

    def reader(self, message: Message) -> str | None:
        """Return the one user who sees an ephemeral or direct message; None where all do."""
        return message.only_for or self.channels[message.channel].user

    def picture(self, message: Message) -> Json:
        """Return the message as the page takes it; a direct one stands in the channel there, for its reader alone."""
        direct = {"channel": CHANNEL, "ephemeral": True} if self.channels[message.channel].user else {}
        return message.page() | direct

    def _count_replies(self, channel: str, ts: str) -> None:
        if parent := self.message(channel, ts):
            parent.reply_count = sum(
                m.channel == channel and m.thread_ts == ts and not m.only_for for m in self.messages()
            )
            self.tell(parent)

    def _with_ids(self, blocks: Sequence[Json]) -> list[Json]:
        """Give blocks and their elements the ids that the app left out, as Slack does."""
        named = [{"block_id": self.new_id("b"), **block} for block in blocks]
        for block in named:
            for place in ("accessory", "element"):
                if place in block:
                    block[place] = self._with_action_id(block[place])
            if block["type"] == "actions":
                block["elements"] = [self._with_action_id(element) for element in block["elements"]]
        return named

    def _with_action_id(self, element: Json) -> Json:
        return element if element["type"] == "image" else {"action_id": self.new_id("a"), **element}

    # Channels

    def channel(self, channel_id: object) -> Channel:
        """Return a channel by its id."""
        if (channel := self.channels.get(str(channel_id))) is None:
            raise Refusal("channel_not_found")
        return channel

    def direct(self, user: str) -> Channel:
        """Return the direct message between the bot and a user, opened if need be."""
        if user not in self.users:
            raise Refusal("user_not_found")
        known = (channel for channel in self.channels.values() if channel.user == user)
        channel = next(known, None) or Channel(id=self.new_id("D"), name="", scopes="im", user=user)
        return self.channels.setdefault(channel.id, channel)

    # Views

    def view(self, view_id: str | None, external_id: str | None = None) -> View:
        """Return an open modal, or a home tab."""
        for view in (*itertools.chain.from_iterable(self.views.values()), *self.homes.values()):
            if view.id == view_id or (external_id and view.content.get("external_id") == external_id):
                return view
        raise Refusal("not_found")

    def open_view(self, user: str, content: Json) -> View:
        """Show a modal as the only one."""
        for view in self.views.pop(user, []):
            self._tell_closed(view)
        return self.push_view(user, content)

    def push_view(self, user: str, content: Json) -> View:
        """Show a modal on top of those that are open."""
        stack = self.views.setdefault(user, [])
        if len(stack) >= STACK_LIMIT:
            raise Refusal("push_limit_reached")
        view = self._new_view(user, content, below=stack[-1] if stack else None)
        stack.append(view)
        self.tell_view(view)
        return view

    def publish_home(self, user: str, content: Json) -> View:
        """Show a home tab in the place of the one before."""
        if user not in self.users:
            raise Refusal("user_not_found")
        self.homes[user] = self._new_view(user, content, below=None)
        self.events.send({"kind": "home", "view": self.homes[user].wire()}, only_for=user)
        return self.homes[user]

    def update_view(self, view: View, content: Json) -> None:
        """Show something else in the place of a view; what was entered stays where block and action stay."""
        view.content = content | {"blocks": self._with_ids(content["blocks"])}
        view.hash = self._new_hash()
        self.tell_view(view)

    def close_view(self, view: View, *, whole_stack: bool = False) -> list[View]:
        """Close a modal with those above it, or the whole stack; the closed ones, top first."""
        stack = self.views.get(view.user, [])
        if view not in stack:
            return []
        first = 0 if whole_stack else stack.index(view)
        closed = stack[first:][::-1]
        del stack[first:]
        for gone in closed:
            self._tell_closed(gone)
        return closed

    def tell_view(self, view: View) -> None:
        """Let the pages of its user show the view as it is now."""
        self.events.send({"kind": "view", "view": view.wire()}, only_for=view.user)

    def _tell_closed(self, view: View) -> None:
        self.events.send({"kind": "view_closed", "id": view.id}, only_for=view.user)

    def _new_view(self, user: str, content: Json, *, below: View | None) -> View:
        view_id = self.new_id("V")
        return View(
            id=view_id,
            user=user,
            content=content | {"blocks": self._with_ids(content["blocks"])},
            hash=self._new_hash(),
            root_id=below.root_id if below else view_id,
            previous_id=below.id if below else None,
        )

    def _new_hash(self) -> str:
        return f"{self._clock():.0f}.{next(self._ids):08x}"
