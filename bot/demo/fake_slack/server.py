"""The workspace as a whole: its parts put together, served, and looked at."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from bot.demo.fake_slack.app_delivery import Delivery
from bot.demo.fake_slack.models import CHANNEL, Channel, Json, Message, SlackSecrets, User, View
from bot.demo.fake_slack.page_api import Page
from bot.demo.fake_slack.rate_limits import Limits
from bot.demo.fake_slack.response_urls import ResponseUrls
from bot.demo.fake_slack.state import SlackState
from bot.demo.fake_slack.user_actions import People
from bot.demo.fake_slack.web_api import WebApi


class Workspace:
    """A Slack workspace with one channel, three people and the bot; all of it lives in memory."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        *,
        strict: bool = True,
        rate_limits: bool = True,
        keys: SlackSecrets | None = None,
    ) -> None:
        self.keys = keys or SlackSecrets()
        self.url = ""
        self.routes: list[web.AbstractRouteDef] = []
        """Further routes to serve beside Slack's, such as those of a mailbox."""
        self._memory = SlackState(clock, strict=strict, keys=self.keys)
        events = self._memory.events
        self.delivery = Delivery(self.keys, events.wake)
        self.limits = Limits(clock, enabled=rate_limits)
        self._api = WebApi(self._memory, self.keys, self.limits, self._socket_url)
        self.faults, self.requests = self._api.faults, self._api.requests
        self._response_urls = ResponseUrls(self._memory, self.faults, self.requests)
        people = People(self._memory, self.delivery, lambda key: f"{self.url}/actions/{key}")
        self.press, self.press_view, self.submit = people.press, people.press_view, people.submit
        self.close_view, self.command, self.open_home = people.close_view, people.command, people.open_home
        self.commands, self.shortcuts, self.deactivate = people.commands, people.shortcuts, people.deactivate
        self.say, self.use_shortcut, self.react = people.say, people.use_shortcut, people.react
        self.disconnect_sockets, self.redeliver = self.delivery.disconnect_sockets, self.delivery.redeliver
        self.broadcast, self.until = events.send, events.until
        self._page = Page(self._memory, people)
        self.page_extras = self._page.extras
        self.page_acts = self._page.acts

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Serve on 127.0.0.1 and give the base url; port 0 takes a free one."""
        app = web.Application()
        app.add_routes(
            [
                web.route("*", "/api/{method}", self._api.answer),
                web.get("/link", self.delivery.socket),
                web.post("/actions/{key:.+}", self._response_urls.answer),
                *self._page.routes(),
                *self.routes,
            ]
        )
        # An app that hangs up ends its handler, or `hang_after` would wait for ever.
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self.url
        finally:
            self._memory.events.end()
            await self.delivery.disconnect_sockets(reason=None)
            await runner.cleanup()

    @property
    def api_url(self) -> str:
        """The base url for a Web API client, with the slash at its end."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        """The xoxb token."""
        return self.keys.bot_token

    @property
    def app_token(self) -> str:
        """The xapp token, for Socket Mode."""
        return self.keys.app_token

    @property
    def signing_secret(self) -> str:
        """The secret that signs what is sent to `request_url`."""
        return self.keys.signing_secret

    @property
    def request_url(self) -> str | None:
        """Where the app listens over HTTP; used while no socket is open."""
        return self.delivery.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.delivery.request_url = url

    def allow(self, *, seconds: float) -> None:
        """Give the app so long to acknowledge what it is brought, and to use a trigger; Slack gives three seconds."""
        self.delivery.ack_within = seconds
        self._memory.tickets.trigger_seconds = seconds

    @property
    def sockets(self) -> int:
        """How many sockets the app has open."""
        return self.delivery.sockets

    @property
    def views(self) -> dict[str, list[View]]:
        """The open modals by user, bottom first."""
        return self._memory.views

    @property
    def homes(self) -> dict[str, View]:
        """The published home tabs by user."""
        return self._memory.homes

    @property
    def channels(self) -> dict[str, Channel]:
        """The channels by id; change them to archive one or to put the bot out."""
        return self._memory.channels

    @property
    def groups(self) -> dict[str, list[str]]:
        """The ids of the members of each user group, by its id."""
        return self._memory.groups

    def add_channel(self, channel_id: str, name: str, *, private: bool = False) -> Channel:
        """Add a channel with the bot in it."""
        channel = Channel(id=channel_id, name=name, scopes="groups" if private else "channels")
        return self.channels.setdefault(channel_id, channel)

    def add_user(self, user: User) -> None:
        """Add a person."""
        self._memory.users[user.id] = user

    def trigger(self, user: str) -> str:
        """Issue a trigger, for a payload that is made by hand."""
        return self._memory.tickets.trigger(user)

    def messages(self, channel: str = CHANNEL) -> list[Message]:
        """Return what stands in the channel, oldest first, without replies and ephemeral messages."""
        return [m for m in self._memory.messages() if m.channel == channel and not m.thread_ts and not m.only_for]

    def thread(self, channel: str, ts: str) -> list[Message]:
        """Return the replies to a message, oldest first."""
        return [m for m in self._memory.messages() if (m.channel, m.thread_ts) == (channel, ts) and not m.only_for]

    def direct(self, user: str) -> list[Message]:
        """Return what the bot wrote to this user alone, in their direct message, oldest first."""
        return [m for m in self._memory.messages() if self.channels[m.channel].user == user]

    def ephemerals(self, user: str) -> list[Message]:
        """Return what only this user sees, oldest first."""
        return [m for m in self._memory.messages() if m.only_for == user]

    def clear_answers(self) -> None:
        """Close every modal, and take away what was said to one user alone."""
        self.views.clear()
        for message in [m for m in self._memory.messages() if self._memory.reader(m)]:
            self._memory.delete(message)

    def calls(self, method: str) -> list[Json]:
        """Return the arguments of all calls of one method so far, those that went wrong too."""
        return [request.args for request in self.requests if request.method == method]

    def _socket_url(self) -> str:
        return f"{self.url.replace('http', 'ws', 1)}/link?ticket={self.delivery.ticket()}"
