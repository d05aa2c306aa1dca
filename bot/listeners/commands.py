"""The slash command, and the buttons of its lists."""

from typing import assert_never

import structlog
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.away import AwayCommand
from bot.domain.commands import Command, CommandProblem, OtherCommand, Word, read_command
from bot.domain.listing import FindQuery, ListQuery
from bot.domain.report_request import ReportRequest
from bot.domain.target_parser import bare_line, split_target
from bot.errors import InteractionUnreadable
from bot.listeners.away import AwayListeners
from bot.listeners.dnc_commands import DncListeners
from bot.listeners.respond import reply
from bot.listeners.services import ListenerServices
from bot.services.team.permissions import Permission
from bot.slack.blocks import Message
from bot.slack.client.payload import expects_answer
from bot.slack.views.health import health_message
from bot.slack.views.help import help_message, problem_message
from bot.slack.views.lists import found_message, list_message, read_page, read_post_again
from bot.slack.views.report import report_message

log = structlog.get_logger()


class CommandListeners:
    """Handles `/evaluators`."""

    def __init__(self, services: ListenerServices, dnc: DncListeners, away: AwayListeners) -> None:
        self._services = services
        self._dnc = dnc
        self._away = away

    async def typed(self, args: AsyncArgs) -> None:
        """Answer only the person who typed the command."""
        text, user = str(args.body.get("text") or ""), str(args.body["user_id"])
        command = read_command(text, today=self._services.lists.today())
        if isinstance(command, OtherCommand) and command.word is Word.DNC:
            # Its forms must open before anything is asked.
            answer = await self._dnc.typed(args, split_target(bare_line(text))[1])
        else:
            await self._services.permissions.require(user, Permission.VIEW)
            answer = await self._answer(command, user)
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
        text, page = read_page(value)
        command = read_command(text, today=self._services.lists.today())
        if not isinstance(command, ListQuery | FindQuery):
            raise InteractionUnreadable
        answer = await self._answer(command, args.body["user"]["id"], page)
        await reply(args, self._services.slack, answer, replaces=True)

    async def _answer(self, command: Command | CommandProblem, user: str, page: int = 0) -> Message:
        match command:
            case ListQuery() | FindQuery():
                return await self._evaluations(command, user, page)
            case ReportRequest():
                report = await self._services.reports.report(command)
                return problem_message(report) if isinstance(report, CommandProblem) else report_message(report)
            case AwayCommand(until=until):
                return await self._away.left(user, until)
            case OtherCommand():
                return await self._other(command.word, user)
            case CommandProblem():
                return problem_message(command)
        assert_never(command)

    async def _other(self, word: Word, user: str) -> Message:
        match word:
            case Word.BACK:
                return await self._away.returned(user)
            case Word.HEALTH:
                return health_message(await self._services.health.report())
            case _:
                return help_message()

    async def _evaluations(self, query: ListQuery | FindQuery, user: str, page: int) -> Message:
        lists, url = self._services.lists, self._services.workspace_url()
        if isinstance(query, FindQuery):
            found = await lists.find(query, user=user)
            if isinstance(found, CommandProblem):
                return problem_message(found)
            return found_message(found, query, today=lists.today(), workspace_url=url)
        listed = await lists.page(query, page, user=user)
        if isinstance(listed, CommandProblem):
            return problem_message(listed)
        return list_message(listed, query, today=lists.today(), workspace_url=url)


def _value(args: AsyncArgs) -> str:
    return str(args.body["actions"][0].get("value", ""))
