"""`/evaluators dnc …`: the do-not-contact list, and the forms that change it."""

from typing import Final

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.dnc import DncTarget, may_lift
from bot.domain.dnc_reason import DncReason
from bot.domain.target_parser import is_another_target, read_words, split_target
from bot.errors import BotError, InteractionUnreadable, SlackRefused
from bot.listeners.modal_calls import EXPIRED_TRIGGER, change_modal, open_modal
from bot.listeners.respond import reply
from bot.listeners.services import ListenerServices
from bot.services.team.permissions import Permission
from bot.slack.blocks import Message, note_message
from bot.slack.ids import Field, View
from bot.slack.text import escape
from bot.slack.views import dnc, dnc_forms, modals, replies, submissions
from bot.slack.views.dnc_forms import DncRequest
from bot.slack.views.modals import Modal

_PAGE_DIGITS: Final = 6


class DncListeners:
    """Lists and shows entries, and opens the forms that add and lift them. A form asks for permission again."""

    def __init__(self, services: ListenerServices) -> None:
        self._services = services

    async def typed(self, args: AsyncArgs, text: str) -> Message | None:
        """Return the answer to the words after `dnc`, or None if a form has opened instead."""
        verb, rest = split_target(text)
        match read_words(verb):
            case ["add"]:
                return await self._ask(args, View.DNC_ADD, rest)
            case ["lift"]:
                return await self._ask(args, View.DNC_LIFT, rest)
            case []:
                await self._may(args, Permission.VIEW)
                return dnc.list_message(await self._services.dnc.list_active())
            case _:
                await self._may(args, Permission.VIEW)
                target = None if rest else DncTarget.read(verb)
                if target is None:
                    return note_message(dnc.NOT_A_TARGET)
                return dnc.status_message(target, await self._services.dnc.find_active(target))

    async def turned(self, args: AsyncArgs) -> None:
        """Replace the list by another page of it."""
        await self._may(args, Permission.VIEW)
        page = str(args.body["actions"][0].get("value", ""))
        if not page.isdecimal() or len(page) > _PAGE_DIGITS:
            raise InteractionUnreadable
        answer = dnc.list_message(await self._services.dnc.list_active(), int(page))
        await reply(args, self._services.slack, answer, replaces=True)

    async def opened(self, args: AsyncArgs) -> None:
        """Open a form by the button of a command whose trigger had expired."""
        request = DncRequest.unpack(str(args.body["actions"][0].get("value", "")))
        if (answer := await self._open(args, request)) is not None:
            await reply(args, self._services.slack, answer, replaces=True)

    async def added(self, args: AsyncArgs) -> None:
        """Block the target, for the reason that was chosen in the form."""
        request, filled = _read(args)
        user = await self._may(args, Permission.EDIT)
        added = await self._services.dnc.add(
            request.target, reason=DncReason[filled[Field.REASON]], note=filled.get(Field.NOTE, ""), by=user
        )
        answer = replies.blocked(added, now=self._services.clock(), about=_name(request))
        await reply(args, self._services.slack, answer)

    async def lifted(self, args: AsyncArgs) -> None:
        """Lift the entry that the form showed, unless somebody lifted or changed it since."""
        request, filled = _read(args)
        user = await self._may(args, Permission.CONTACT)
        found = await self._services.dnc.take_back(
            request.target, added_at=request.added_at, note=filled[Field.NOTE], by=user
        )
        await reply(args, self._services.slack, replies.lifted(found, now=self._services.clock(), about=_name(request)))

    async def _ask(self, args: AsyncArgs, view: View, text: str) -> Message | None:
        named, note = split_target(text)
        target = DncTarget.read(named)
        if target is not None and not (note and is_another_target(note.split(maxsplit=1)[0])):
            channel = str(args.body.get("channel_id", ""))
            return await self._open(args, DncRequest(view=view, channel=channel, target=target, note=note))
        await self._may(args, Permission.VIEW)
        if target is not None:
            return note_message(dnc.ONE_AT_A_TIME)
        return note_message(dnc.NOT_A_TARGET if named else dnc.NO_TARGET)

    async def _open(self, args: AsyncArgs, request: DncRequest) -> Message | None:
        """Open a form while the trigger is valid, then fill it. Return a button to it if the trigger has expired."""
        try:
            view_id = await open_modal(self._services, args.body.get("trigger_id", ""), dnc_forms.loading(request))
        except SlackRefused as exc:
            if exc.code not in EXPIRED_TRIGGER:
                raise
            return dnc_forms.button_to_form(request)
        try:
            modal = await (self._add_form if request.view is View.DNC_ADD else self._lift_form)(args, request)
        except BotError as exc:
            modal = modals.message(replies.problem(exc))
        await change_modal(self._services, view_id, modal)
        return None

    async def _add_form(self, args: AsyncArgs, request: DncRequest) -> Modal:
        await self._may(args, Permission.EDIT)
        return dnc_forms.add_form(request)

    async def _lift_form(self, args: AsyncArgs, request: DncRequest) -> Modal:
        user = await self._may(args, Permission.CONTACT)
        entry = await self._services.dnc.find_active(request.target)
        if entry is None:
            return modals.message(f"{_name(request)} isn't blocked.")
        if not may_lift(entry.reason, self._services.dnc.authority(user)):
            return modals.message(replies.why_not_lifted(entry))
        return dnc_forms.lift_form(request, entry)

    async def _may(self, args: AsyncArgs, permission: Permission) -> str:
        """Return who typed or pressed. Raises NotAllowed if they may not do this."""
        user = str(args.body.get("user_id") or args.body["user"]["id"])
        await self._services.permissions.require(user, permission)
        return user


def _read(args: AsyncArgs) -> tuple[DncRequest, dict[Field, str]]:
    """Return the request of a submitted form, and the values filled in. The middleware refuses empty inputs."""
    view = args.body["view"]
    request, filled = DncRequest.unpack(view.get("private_metadata", "")), submissions.values(view)
    if (Field.REASON if request.view is View.DNC_ADD else Field.NOTE) not in filled:
        raise InteractionUnreadable
    return request, filled


def _name(request: DncRequest) -> str:
    return escape(str(request.target))
