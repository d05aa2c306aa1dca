"""The HTTP side of the demo's page: its files, its state, and what a person does on it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from bot.demo.fake_slack.models import Json, NotPossible, Refusal
from bot.demo.fake_slack.state import SlackState
from bot.demo.fake_slack.user_actions import People

FOLDER = Path(__file__).parent.parent / "page"
HEARTBEAT_SECONDS = 15.0


class Page:
    """Answers / and /demo/*; `extras` adds other parts' state, such as emails, and `acts` what can be done to
    them.
    """

    def __init__(self, memory: SlackState, people: People) -> None:
        self.extras: dict[str, Callable[[], object]] = {"mails": list}
        self.acts: dict[str, Callable[[Json], Awaitable[Json]]] = {}
        self._memory = memory
        self._people = people

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes of the page."""
        acts = {
            "press": self._press,
            "submit": self._submit,
            "close": self._close,
            "command": self._command,
            "say": self._say,
            "shortcut": self._shortcut,
            "react": self._react,
            "home": self._home,
            **self.acts,
        }
        return [
            web.get("/", self._index),
            web.get("/demo/state", self._state),
            web.get("/demo/events", self._events),
            *(web.post(f"/demo/{name}", _act(act)) for name, act in acts.items()),
            *([web.static("/page", FOLDER)] if FOLDER.is_dir() else []),
        ]

    async def _index(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(FOLDER / "index.html")

    async def _state(self, request: web.Request) -> web.Response:
        memory, user = self._memory, request.query.get("user", "")
        if user not in memory.users:
            return web.json_response({"ok": False, "error": f"There is no user {user}."}, status=404)
        keys = ("id", "name", "real_name", "is_bot")
        messages = list(memory.messages())
        state = {
            "team": {"name": "Demo Vendor"},
            "me": user,
            "users": [{key: getattr(member, key) for key in keys} for member in memory.users.values()],
            "channels": [{"id": c.id, "name": c.name} for c in memory.channels.values() if c.scopes != "im"],
            "messages": [memory.picture(m) for m in messages if memory.reader(m) is None],
            "ephemerals": [memory.picture(m) for m in messages if memory.reader(m) == user],
            "home": memory.homes[user].wire() if user in memory.homes else None,
            "views": [view.wire() for view in memory.views.get(user, ())],
            "commands": [{"command": name, "hint": hint} for name, hint in self._people.commands.items()],
            "shortcuts": self._people.shortcuts,
        }
        return web.json_response(state | {name: extra() for name, extra in self.extras.items()})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers)
        with self._memory.events.listen(request.query.get("user", "")) as queue:
            await response.prepare(request)
            await response.write(b": hello\n\n")
            while (line := await _next_line(queue)) is not None:
                await response.write(line)
        return response

    async def _press(self, said: Json) -> Json:
        value, block_id = said.get("selected", said.get("value")), said.get("block_id")
        if "view_id" in said:
            values, view_id = said.get("state"), said["view_id"]
            await self._people.press_view(
                said["user"], view_id, said["action_id"], value, block_id=block_id, values=values
            )
        else:
            await self._people.press(said["user"], said["ts"], said["action_id"], value, block_id=block_id)
        return {}

    async def _submit(self, said: Json) -> Json:
        answer = await self._people.submit(said["user"], said["view_id"], said.get("state"))
        return {"errors": answer["errors"]} if "errors" in answer else {}

    async def _close(self, said: Json) -> Json:
        await self._people.close_view(said["user"], said["view_id"])
        return {}

    async def _home(self, said: Json) -> Json:
        await self._people.open_home(said["user"])
        return {}

    async def _command(self, said: Json) -> Json:
        await self._people.command(said["user"], said["text"], channel=said["channel"])
        return {}

    async def _say(self, said: Json) -> Json:
        await self._people.say(said["user"], said["text"], channel=said["channel"])
        return {}

    async def _react(self, said: Json) -> Json:
        await self._people.react(said["user"], said["ts"], said["name"])
        return {}

    async def _shortcut(self, said: Json) -> Json:
        await self._people.use_shortcut(said["user"], said["callback_id"], said.get("ts"))
        return {}


def _act(act: Callable[[Json], Awaitable[Json]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        # Other sites cannot send this content type to us without a preflight request, which we never allow.
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        try:
            result = await act(await request.json())
        except (NotPossible, Refusal) as refusal:
            return web.json_response({"ok": False, "error": str(refusal)})
        except (KeyError, json.JSONDecodeError) as exc:
            return web.json_response({"ok": False, "error": f"The page left something out: {exc}"}, status=400)
        return web.json_response({"ok": True, **result})

    return answer


async def _next_line(queue: asyncio.Queue[Json | None]) -> bytes | None:
    try:
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            event = await queue.get()
    except TimeoutError:
        return b": still here\n\n"
    return None if event is None else f"data: {json.dumps(event)}\n\n".encode()
