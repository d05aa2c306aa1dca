"""`/evaluators dnc …`: do-not-contact entries by command."""

from collections.abc import Awaitable, Callable

from bot.domain.dnc import DncReason, DncTarget
from bot.domain.target_parser import is_another_target, read_words, split_target
from bot.listeners.services import ListenerServices
from bot.services.team.permissions import Permission
from bot.slack.blocks import Message, note_message
from bot.slack.views import dnc, replies


class DncListeners:
    """Lists, shows, adds and lifts entries."""

    def __init__(self, services: ListenerServices) -> None:
        self._services = services

    async def typed(self, user: str, text: str) -> Message:
        """Return the answer to the words after `dnc`."""
        verb, rest = split_target(text)
        match read_words(verb):
            case []:
                await self._services.permissions.require(user, Permission.VIEW)
                return dnc.list_message(await self._services.dnc.list_active())
            case ["add"]:
                return await self._change(self._add, user, rest)
            case ["lift"]:
                return await self._change(self._lift, user, rest)
            case _ if not rest and (target := DncTarget.read(verb)) is not None:
                await self._services.permissions.require(user, Permission.VIEW)
                return dnc.status_message(target, await self._services.dnc.find_active(target))
            case _:
                return note_message(dnc.NOT_A_TARGET)

    async def _change(
        self, change: Callable[[str, DncTarget, str], Awaitable[Message]], user: str, text: str
    ) -> Message:
        named, why = split_target(text)
        target = DncTarget.read(named)
        if target is None:
            return note_message(dnc.NOT_A_TARGET)
        if not why:
            return note_message(dnc.REASON_MISSING)
        if is_another_target(why.split(maxsplit=1)[0]):
            return note_message(dnc.ONE_AT_A_TIME)
        return await change(user, target, why)

    async def _add(self, user: str, target: DncTarget, note: str) -> Message:
        await self._services.permissions.require(user, Permission.EDIT)
        added = await self._services.dnc.add(target, reason=DncReason.ASKED, note=note, by=user)
        return note_message(replies.marked(added.entry, changed=added.changed, now=self._services.clock()))

    async def _lift(self, user: str, target: DncTarget, note: str) -> Message:
        await self._services.permissions.require(user, Permission.CONTACT)
        found = await self._services.dnc.take_back(target, note=note, by=user)
        return note_message(
            replies.lifted(found.by, found.at, found.remaining, changed=found.changed, now=self._services.clock())
        )
