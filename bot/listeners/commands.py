"""The slash command, and the buttons of its lists."""

from datetime import date

import structlog
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.target_parser import bare_line, read_words, split_target
from bot.errors import InteractionUnreadable
from bot.listeners.dnc_commands import DncListeners
from bot.listeners.respond import reply
from bot.listeners.services import ListenerServices
from bot.services.team.permissions import Permission
from bot.slack.blocks import Message
from bot.slack.client.payload import expects_answer
from bot.slack.views.health import health_message
from bot.slack.views.today import help_message, read_page, read_post_again, today_message

log = structlog.get_logger()


class CommandListeners:
    """Handles `/evaluators`."""

    def __init__(self, services: ListenerServices, dnc: DncListeners) -> None:
        self._services = services
        self._dnc = dnc

    async def typed(self, args: AsyncArgs) -> None:
        """Answer only the person who typed the command."""
        text = bare_line(str(args.body.get("text") or ""))
        if read_words(text)[:1] != ["dnc"]:  # whose forms must open before anything is asked
            await self._services.permissions.require(args.body["user_id"], Permission.VIEW)
        answer: Message | None
        match read_words(text):
            case ["today"]:
                answer = await self._page(self._services.today.today(), 0)
            case ["health"]:
                answer = health_message(await self._services.health.report())
            case ["dnc", *_]:
                answer = await self._dnc.typed(args, split_target(text)[1])
            case [] | ["help"]:
                answer = help_message()
            case _:
                answer = help_message(text)
        if answer is not None:
            await reply(args, self._services.slack, answer)

    async def unknown(self, args: AsyncArgs) -> None:
        """Answer an interaction that no listener handles, such as a shortcut, a dialog or a button in an old
        attachment.
        """
        kind = args.body["actions"][0].get("value", "")
        log.info("interaction_unknown", kind=kind[:40])
        if expects_answer(kind):
            raise InteractionUnreadable

    async def turned(self, args: AsyncArgs) -> None:
        """Replace a list by another page of it."""
        await self._services.permissions.require(args.body["user"]["id"], Permission.VIEW)
        await self._show(args, _value(args))

    async def asked_for_card(self, args: AsyncArgs) -> None:
        """Enqueue a deleted card again. Who asks second sees that it is no longer deleted."""
        await self._services.permissions.require(args.body["user"]["id"], Permission.EDIT)
        page, evaluation_id = read_post_again(_value(args))
        await self._services.cards.post_again(evaluation_id)
        await self._show(args, page)

    async def _show(self, args: AsyncArgs, value: str) -> None:
        day, page = read_page(value)
        answer = await self._page(day, page)
        await reply(args, self._services.slack, answer, replaces=True)

    async def _page(self, day: date, page: int) -> Message:
        found = await self._services.today.on(day, page=page)
        return today_message(found, today=day, workspace_url=self._services.workspace_url())


def _value(args: AsyncArgs) -> str:
    return str(args.body["actions"][0].get("value", ""))
