"""The HTTP side of Slack's Web API: tokens, scopes, rate limits, faults, then the method itself."""

import json
from collections.abc import Callable, Collection
from typing import NamedTuple

from aiohttp import web

from bot.demo.fake_slack import methods_chat, methods_conversations, methods_views
from bot.demo.fake_slack.faults import Faults
from bot.demo.fake_slack.methods import Method
from bot.demo.fake_slack.models import Json, Refusal, SlackSecrets
from bot.demo.fake_slack.rate_limits import TIER_1, Limits
from bot.demo.fake_slack.state import SlackState

METHODS = methods_chat.METHODS | methods_conversations.METHODS | methods_views.METHODS
JSON_ARGUMENTS = ("blocks", "view", "metadata", "attachments")


class Request(NamedTuple):
    """One call of the Web API, as it arrived; the token is left out."""

    method: str
    args: Json


class WebApi:
    """Answers /api/<method> for one bot token and one app-level token."""

    def __init__(self, memory: SlackState, keys: SlackSecrets, limits: Limits, socket_url: Callable[[], str]) -> None:
        self.requests: list[Request] = []
        self.faults = Faults()
        self._memory = memory
        self._keys = keys
        self._limits = limits
        self._socket_url = socket_url

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        name = request.match_info["method"]
        try:
            args = await arguments(request)
        except Refusal as refusal:
            return refused(refusal)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or str(args.get("token", ""))
        args.pop("token", None)
        self.requests.append(Request(name, args))
        self._memory.events.wake()

        async def act() -> web.Response:
            return self._act(name, token, args)

        return await self.faults.around(name, request, act)

    def _act(self, name: str, token: str, args: Json) -> web.Response:
        try:
            if name == "apps.connections.open":
                return self._open_connection(token)
            method = self._permitted(name, token, args)
            key = (name, args.get("channel") if method.per_channel else None)
            if method.rate and (wait := self._limits.take(key, method.rate)):
                return too_many(wait)
            answer = {"ok": True, **method.act(self._memory, args)}
        except Refusal as refusal:
            return refused(refusal, scopes=self._keys.scopes)
        return web.json_response(answer, headers={"x-oauth-scopes": ",".join(sorted(self._keys.scopes))})

    def _permitted(self, name: str, token: str, args: Json) -> Method:
        if not token:
            raise Refusal("not_authed")
        if token != self._keys.bot_token:
            raise Refusal("not_allowed_token_type" if token == self._keys.app_token else "invalid_auth")
        if (method := METHODS.get(name)) is None:
            raise Refusal("unknown_method", req_method=name)
        scope = method.scope or ""
        if scope.startswith(":"):
            channel = self._memory.channels.get(str(args.get("channel")))
            scope = (channel.scopes if channel else "channels") + scope
        if scope and scope not in self._keys.scopes:
            raise Refusal("missing_scope", needed=scope, provided=",".join(sorted(self._keys.scopes)))
        return method

    def _open_connection(self, token: str) -> web.Response:
        if token != self._keys.app_token:
            raise Refusal("not_allowed_token_type" if token == self._keys.bot_token else "invalid_auth")
        if wait := self._limits.take("apps.connections.open", TIER_1):
            return too_many(wait)
        return web.json_response({"ok": True, "url": self._socket_url()})


async def arguments(request: web.Request) -> Json:
    """Return the arguments of a call from query, form or JSON."""
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        args |= _decoded(await request.text() or "{}", "invalid_json")
    elif request.method == "POST":
        args |= await request.post()
    for name in JSON_ARGUMENTS:
        if isinstance(args.get(name), str):
            args[name] = _decoded(args[name], f"invalid_{name}_format" if name != "view" else "invalid_arguments")
    return args


def refused(refusal: Refusal, *, scopes: Collection[str] = (), status: int = 200) -> web.Response:
    """Return an error in Slack's shape."""
    answer: Json = {"ok": False, "error": refusal.error, **refusal.details}
    if refusal.messages:
        answer |= {"errors": list(refusal.messages), "response_metadata": {"messages": list(refusal.messages)}}
    return web.json_response(answer, status=status, headers={"x-oauth-scopes": ",".join(sorted(scopes))})


def too_many(wait: int) -> web.Response:
    """Return 429 with Retry-After in seconds."""
    return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(wait)})


def _decoded(text: str, error: str) -> Json:
    try:
        value: Json = json.loads(text)
    except json.JSONDecodeError:
        raise Refusal(error) from None
    return value
