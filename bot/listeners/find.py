"""The shortcuts *Find an evaluator* and *Who is this?*, which answer in a modal, and questions to the bot."""

import asyncio
from typing import Any, Final

import structlog
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.card import title
from bot.domain.command_line import CommandLine, join_line
from bot.domain.commands import MOST_CHARACTERS, CommandProblem, Word, read_command
from bot.domain.evaluation import CardRef
from bot.domain.listing import FindQuery
from bot.domain.message_words import company_words, exact_words, question_words
from bot.errors import BotError, InteractionUnreadable, NotAllowed
from bot.listeners.modal_calls import change_modal, open_modal
from bot.listeners.services import ListenerServices
from bot.services.team.permissions import Permission
from bot.slack.blocks import Block, Message, note_message, plain, section
from bot.slack.ids import Field
from bot.slack.views import find_form, modals, replies, submissions
from bot.slack.views.help import HOW_TO_ASK, problem_text
from bot.slack.views.lists import found_blocks, public_message

log = structlog.get_logger()

_SEARCH_TIMEOUT_S: Final = 2.0
"""Slack waits three seconds for an acknowledgement."""


class FindListeners:
    """Opens the form and shows in it what was found, and answers who mentions the bot."""

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

    async def mentioned(self, args: AsyncArgs) -> None:
        """Answer a question to the bot in its thread, where everybody reads it. Guests get no answer."""
        event = args.body["event"]
        if event.get("bot_id") or not (event.get("channel") and event.get("ts")):
            return
        try:
            await self._services.permissions.require(event["user"], Permission.VIEW)
        except NotAllowed:
            log.info("mention_ignored")
            return
        answer = await self._public_answer(str(event.get("text") or ""), event["user"])
        await self._services.slack.answer(event["channel"], event.get("thread_ts") or event["ts"], answer)

    async def _public_answer(self, text: str, user: str) -> Message:
        words = exact_words(text) or question_words(text)
        query = read_command(f"{Word.FIND} {words}", today=self._services.lists.today())
        if not words or not isinstance(query, FindQuery):
            return note_message(problem_text(query) if words and isinstance(query, CommandProblem) else HOW_TO_ASK)
        found = await self._services.lists.find(query, user=user)
        if isinstance(found, CommandProblem):
            return note_message(problem_text(found))
        url = self._services.workspace_url()
        return public_message(found, query, today=self._services.lists.today(), workspace_url=url)

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
        """Return the words to look for: what the message names exactly, else the customer on its card, else a name."""
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
