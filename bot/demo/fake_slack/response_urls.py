"""Handle an app's posts to a response_url: a new message, a replacement, or a deletion."""

from aiohttp import web

from bot.demo.fake_slack.faults import Faults
from bot.demo.fake_slack.methods import truth
from bot.demo.fake_slack.models import Json, Refusal
from bot.demo.fake_slack.state import SlackState
from bot.demo.fake_slack.triggers import ResponseUrl
from bot.demo.fake_slack.validation import check_message
from bot.demo.fake_slack.web_api import Request, arguments, refused


class ResponseUrls:
    """Answers /actions/<key>."""

    def __init__(self, memory: SlackState, faults: Faults, requests: list[Request]) -> None:
        self._memory = memory
        self._faults = faults
        self._requests = requests

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one post to a response url."""
        args = await arguments(request)
        self._requests.append(Request("response_url", args))

        async def act() -> web.Response:
            try:
                self.act(self._memory.tickets.respond(request.match_info["key"]), args)
            except Refusal as refusal:
                return refused(refusal, status=404 if refusal.error.endswith("_url") else 400)
            return web.Response(text="ok")

        return await self._faults.around("response_url", request, act)

    def act(self, url: ResponseUrl, args: Json) -> None:
        """Do what the app asks. A new message is ephemeral, unless it says in_channel."""
        pressed = self._memory.message_for(url.user, url.ts) if url.ts else None
        if truth(args, "delete_original"):
            if pressed is None:
                raise Refusal("message_not_found")
            self._memory.delete(pressed)
            return
        if self._memory.strict:
            check_message(args)
        if truth(args, "replace_original") and pressed is not None:
            self._memory.change(pressed, args)
        else:
            only_for = None if args.get("response_type") == "in_channel" else url.user
            self._memory.post(url.channel, args, thread_ts=args.get("thread_ts") or url.thread_ts, only_for=only_for)
