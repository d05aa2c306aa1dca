"""`/evaluators dnc …`: do-not-contact marks by what is typed."""

from collections.abc import Awaitable, Callable

from bot.domain.dnc import DncReason, DncTarget
from bot.domain.target_parser import is_another_target, read_words, split_target
from bot.listeners.services import ListenerServices
from bot.services.team.permissions import Permission
from bot.slack.blocks import Message, note_message
from bot.slack.views import dnc, replies


class DncListeners:
    """Lists, says, sets and lifts marks."""

    def __init__(self, deps: ListenerServices) -> None:
        self._deps = deps

    async def typed(self, user: str, text: str) -> Message:
        """The answer to what somebody typed after `dnc`."""
        verb, rest = split_target(text)
        match read_words(verb):
            case []:
                await self._deps.actors.admit(user, Permission.READ)
                return dnc.list_message(await self._deps.consent.all_standing())
            case ["add"]:
                return await self._change(self._add, user, rest)
            case ["lift"]:
                return await self._change(self._lift, user, rest)
            case _ if not rest and (subject := DncTarget.read(verb)) is not None:
                await self._deps.actors.admit(user, Permission.READ)
                return dnc.status_message(subject, await self._deps.consent.against(subject))
            case _:
                return note_message(dnc.NOT_A_TARGET)

    async def _change(self, change: Callable[[str, DncTarget, str], Awaitable[Message]], user: str, text: str) -> Message:
        target, why = split_target(text)
        subject = DncTarget.read(target)
        if subject is None:
            return note_message(dnc.NOT_A_TARGET)
        if not why:
            return note_message(dnc.REASON_MISSING)
        if is_another_target(why.split(maxsplit=1)[0]):
            return note_message(dnc.ONE_AT_A_TIME)
        return await change(user, subject, why)

    async def _add(self, user: str, subject: DncTarget, note: str) -> Message:
        await self._deps.actors.admit(user, Permission.TAKE)
        marked = await self._deps.consent.add(subject, cause=DncReason.ASKED, note=note, by=user)
        return note_message(replies.marked(marked.opt_out, won=marked.won, now=self._deps.clock()))

    async def _lift(self, user: str, subject: DncTarget, note: str) -> Message:
        await self._deps.actors.admit(user, Permission.OUTREACH)
        found = await self._deps.consent.take_back(subject, note=note, by=user)
        return note_message(replies.lifted(found.by, found.at, found.stands, won=found.won, now=self._deps.clock()))
