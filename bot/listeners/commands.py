"""The slash command, and the paging of its lists."""

from datetime import date

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.listeners.deps import Deps
from bot.slack.blocks import Message
from bot.slack.today import help_message, read_page, today_message


class CommandListeners:
    """What `/evaluators` knows."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def typed(self, args: AsyncArgs) -> None:
        """Answer the person who typed it, and nobody else."""
        await args.ack()
        match str(args.body.get("text") or "").strip().lower():
            case "today":
                answer = await self._page(self._deps.daily.today(), 0)
            case "" | "help":
                answer = help_message()
            case unknown:
                answer = help_message(unknown)
        await args.respond(text=answer.text, blocks=answer.blocks, response_type="ephemeral")

    async def turned(self, args: AsyncArgs) -> None:
        """Show another page in place of the one whose button was pressed."""
        await args.ack()
        day, page = read_page(args.body["actions"][0]["value"])
        answer = await self._page(day, page)
        await args.respond(text=answer.text, blocks=answer.blocks, replace_original=True)

    async def _page(self, day: date, page: int) -> Message:
        lines = await self._deps.daily.of(day)
        return today_message(lines, today=day, page=page, workspace_url=self._deps.workspace_url)
