"""The listeners for the buttons of a card."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import assert_never

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.card import Action
from bot.domain.dnc import may_lift
from bot.errors import BotError
from bot.listeners.mail_actions import draft_modal
from bot.listeners.modal_calls import change_modal, open_modal
from bot.listeners.payloads import Press, read_press
from bot.listeners.respond import reply, reply_if_stale
from bot.listeners.services import ListenerServices, placed
from bot.services.team.permissions import Permission
from bot.slack.ids import View
from bot.slack.views import assign_form, dnc_forms, modals, replies
from bot.slack.views.modal_metadata import AssignMetadata, ContactAgainMetadata
from bot.slack.views.modals import Modal


class CardListeners:
    """Handles the buttons and the menu of a card."""

    def __init__(self, services: ListenerServices) -> None:
        self._services = services

    async def pressed(self, args: AsyncArgs) -> None:
        """Do what the button or the menu option says."""
        action = read_press(args)
        if action is None:
            await reply(args, self._services.slack, replies.UNREADABLE)
            return
        if action.action not in set(Action):
            metadata = await placed(self._services, action.metadata)
            await self._services.cards.update(metadata.evaluation_id)
            await reply(args, self._services.slack, replies.RETIRED)
            return
        match Action(action.action):
            case Action.EMAIL:
                await self._open(action, View.EMAIL, partial(self._email, action))
            case Action.DO_NOT_CONTACT:
                await self._open(action, View.DO_NOT_CONTACT, partial(self._do_not_contact, action))
            case Action.CONTACT_AGAIN:
                await self._open(action, View.CONTACT_AGAIN, partial(self._contact_again, action))
            case Action.ASSIGN:
                await self._open(action, View.ASSIGN, partial(self._assign, action))
            case Action.CLAIM:
                await self._services.permissions.require(action.user, Permission.EDIT)
                metadata = await placed(self._services, action.metadata)
                owned = await self._services.ownership.claim(metadata.evaluation_id, by=action.user)
                await reply_if_stale(args, self._services, owned, metadata.evaluation_id)
            case Action.RELEASE:
                await self._services.permissions.require(action.user, Permission.EDIT)
                metadata = await placed(self._services, action.metadata)
                owned = await self._services.ownership.release(
                    metadata.evaluation_id, owner=action.seen, by=action.user
                )
                await reply_if_stale(args, self._services, owned, metadata.evaluation_id)
            case _ as never:
                assert_never(never)

    async def _open(self, action: Press, view: View, content: Callable[[], Awaitable[Modal]]) -> None:
        """Open a modal while the trigger is valid, then fill it; errors appear in the modal.

        Before that, only duplicates are checked: neither the person nor the database.
        """
        view_id = await open_modal(self._services, action.trigger, modals.loading(view, action.metadata))
        try:
            modal = await content()
        except BotError as exc:
            modal = modals.message(replies.problem(exc))
        await change_modal(self._services, view_id, modal)

    async def _email(self, action: Press) -> Modal:
        signature = await self._services.permissions.require(action.user, Permission.CONTACT)
        metadata = await placed(self._services, action.metadata)
        draft = await self._services.outreach.draft(metadata.evaluation_id, by=action.user, signature=signature)
        return draft_modal(draft, metadata, now=self._services.clock())

    async def _do_not_contact(self, action: Press) -> Modal:
        await self._services.permissions.require(action.user, Permission.EDIT)
        metadata = await placed(self._services, action.metadata)
        contacts = await self._services.dnc.contacts(metadata.evaluation_id)
        return dnc_forms.do_not_contact(metadata, contacts) if contacts else modals.message(replies.NOBODY_TO_BLOCK)

    async def _contact_again(self, action: Press) -> Modal:
        await self._services.permissions.require(action.user, Permission.CONTACT)
        metadata = await placed(self._services, action.metadata)
        entry = await self._services.dnc.active_for_evaluation(metadata.evaluation_id)
        if entry is None:
            return modals.message(replies.NOT_BLOCKED)
        if not may_lift(entry.reason, self._services.dnc.authority(action.user)):
            return modals.message(replies.why_not_lifted(entry))
        return dnc_forms.contact_again(ContactAgainMetadata.about(metadata, added_at=entry.at), entry)

    async def _assign(self, action: Press) -> Modal:
        await self._services.permissions.require(action.user, Permission.EDIT)
        metadata = await placed(self._services, action.metadata)
        owner = await self._services.ownership.owner(metadata.evaluation_id)
        return assign_form.assign(AssignMetadata.about(metadata, owner=owner))
