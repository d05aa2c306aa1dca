"""The shortcuts *Find an evaluator* and *Who is this?*: they answer in a modal."""

import asyncio
from typing import Any, Final

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.card import title
from bot.domain.command_line import CommandLine, join_line
from bot.domain.commands import MOST_CHARACTERS, CommandProblem, Word, read_command
from bot.domain.evaluation import CardRef
from bot.domain.listing import FindQuery
from bot.domain.message_words import company_words, exact_words
from bot.errors import BotError, InteractionUnreadable
from bot.listeners.modal_calls import change_modal, open_modal
from bot.listeners.services import ListenerServices
from bot.services.team.permissions import Permission
from bot.slack.blocks import Block, plain, section
from bot.slack.ids import Field
from bot.slack.views import find_form, modals, replies, submissions
from bot.slack.views.help import problem_text
from bot.slack.views.lists import found_blocks

_SEARCH_TIMEOUT_S: Final = 2.0
"""Slack waits three seconds for an acknowledgement."""


class FindListeners:
    """Opens the form, and shows in it what was found."""

    def __init__(self, services: ListenerServices) -> None:
        self._services = services

    async def asked(self, args: AsyncArgs) -> None:
        """Open the form of *Find an evaluator*."""
        view_id = await open_modal(self._services, _trigger(args), find_form.find_form())
        try:
            await self._services.permissions.require(args.body["user"]["id"], Permission.VIEW)
        except BotError as exc:
            await change_modal(self._services, view_id, modals.message(replies.problem(exc)))

    async def who(self, args: AsyncArgs) -> None:
        """Show who a message is about."""
        view_id = await open_modal(self._services, _trigger(args), find_form.searching(find_form.WHO_TITLE))
        try:
            user = args.body["user"]["id"]
            await self._services.permissions.require(user, Permission.VIEW)
            words = await self._words(args.body)
            answer = await self._search(words, user) if words else [section(find_form.NOT_SAID)]
            modal = find_form.find_form(words, answer, title=find_form.WHO_TITLE)
        except BotError as exc:
            modal = modals.message(replies.problem(exc))
        await change_modal(self._services, view_id, modal)

    async def check(self, args: AsyncArgs) -> dict[str, Any]:
        """Return the acknowledgement that shows what was found for the words in the form."""
        view = args.body["view"]
        try:
            async with asyncio.timeout(_SEARCH_TIMEOUT_S):
                await self._services.permissions.require(args.body["user"]["id"], Permission.VIEW)
                words = submissions.values(view).get(Field.WORDS)
                if words is None:
                    raise InteractionUnreadable
                modal = find_form.find_form(words, await self._search(words, args.body["user"]["id"]))
        except TimeoutError:
            block_id = submissions.field_of(view, Field.WORDS) or ""
            return submissions.errors({block_id: "That took too long. Please press Find again."})
        except BotError as exc:
            modal = modals.message(replies.problem(exc))
        return {"response_action": "update", "view": modal}

    async def submitted(self, args: AsyncArgs) -> None:
        """Do nothing more: the acknowledgement shows what was found."""

    async def _search(self, words: str, user: str) -> list[Block]:
        lists = self._services.lists
        query = read_command(f"{Word.FIND} {words}", today=lists.today())
        if isinstance(query, FindQuery):
            found = await lists.find(query, user=user)
            if not isinstance(found, CommandProblem):
                url = self._services.workspace_url()
                return found_blocks(found, query, today=lists.today(), workspace_url=url, can_post=False)
            return [section(problem_text(found))]
        if isinstance(query, CommandProblem):
            return [section(problem_text(query))]
        raise InteractionUnreadable

    async def _words(self, body: dict[str, Any]) -> str:
        """Return the words to look for: what the message names exactly, else whom its card shows, else a name."""
        message, channel = body.get("message") or {}, (body.get("channel") or {}).get("id")
        text = str(message.get("text") or "")
        if exact := exact_words(text):
            return exact
        for ts in (message.get("ts"), message.get("thread_ts")):
            shown = await self._services.cards.shown_on(CardRef(channel=channel, ts=ts)) if channel and ts else None
            evaluation = None if shown is None else await self._services.ownership.evaluation(shown)
            if evaluation is not None:
                return _quoted(title(evaluation.license))
        return company_words(text) or ""


def _quoted(name: str) -> str:
    """Return a name as one word, so that nothing in it is a filter."""
    return join_line(CommandLine(words=(plain(name, longest=MOST_CHARACTERS // 2)["text"],)))


def _trigger(args: AsyncArgs) -> str:
    return str(args.body.get("trigger_id", ""))
