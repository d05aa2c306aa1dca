"""The listeners for the buttons of a card."""

from collections.abc import Awaitable, Callable, Mapping

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.card import Action
from bot.domain.dnc import may_lift
from bot.domain.evaluation import DispositionChange, DispositionRef, OwnerChange
from bot.errors import InteractionUnreadable
from bot.listeners.answers import AnswerListeners
from bot.listeners.follow_up import FollowUpListeners
from bot.listeners.mail_actions import draft_modal
from bot.listeners.modal_calls import change_modal, show_form
from bot.listeners.payloads import Press, read_press
from bot.listeners.respond import reply, why_lost
from bot.listeners.services import ListenerServices, placed
from bot.services.team.permissions import Permission
from bot.slack.ids import View
from bot.slack.views import assign_form, dnc_forms, modals, replies
from bot.slack.views.modal_metadata import AssignMetadata, ContactAgainMetadata
from bot.slack.views.modals import Modal


class CardListeners:
    """Handles the buttons and the menu of a card."""

    def __init__(self, services: ListenerServices, follow_up: FollowUpListeners, answers: AnswerListeners) -> None:
        self._services = services
        self._forms: Mapping[Action, tuple[View, Callable[[Press], Awaitable[Modal]]]] = {
            Action.ANSWER: (View.ANSWER, answers.latest),
            Action.EMAIL: (View.EMAIL, self._email),
            Action.DO_NOT_CONTACT: (View.DO_NOT_CONTACT, self._do_not_contact),
            Action.CONTACT_AGAIN: (View.CONTACT_AGAIN, self._contact_again),
            Action.ASSIGN: (View.ASSIGN, self._assign),
            Action.NOTE: (View.NOTE, follow_up.note),
            Action.SNOOZE: (View.SNOOZE, follow_up.snooze),
            Action.NOT_FOR_US: (View.NOT_FOR_US, follow_up.not_for_us),
            Action.REST: (View.REST, follow_up.rest),
        }

    async def pressed(self, args: AsyncArgs) -> None:
        """Do what the button or the menu option says."""
        press = read_press(args)
        if press is None:
            await reply(args, self._services.slack, replies.UNREADABLE)
        elif press.action not in set(Action):
            metadata = await placed(self._services, press.metadata)
            await self._services.cards.update(metadata.evaluation_id)
            await reply(args, self._services.slack, replies.RETIRED)
        elif (form := self._forms.get(Action(press.action))) is not None:
            await show_form(self._services, press, *form)
        else:
            await self._change(args, press)

    async def _change(self, args: AsyncArgs, press: Press) -> None:
        """Change the evaluation at once, and answer if that came too late, or in the modal with the button."""
        await self._services.permissions.require(press.user, Permission.EDIT)
        metadata = await placed(self._services, press.metadata)
        found = await self._changed(Action(press.action), metadata.evaluation_id, press)
        answer = await why_lost(self._services, found, metadata.evaluation_id)
        if press.view_id is not None:
            await change_modal(self._services, press.view_id, modals.message(answer or replies.SAVED))
        elif answer is not None:
            await reply(args, self._services.slack, answer)

    async def _changed(
        self, action: Action, evaluation_id: int, press: Press
    ) -> OwnerChange | DispositionChange | None:
        ownership, follow_up = self._services.ownership, self._services.follow_up
        match action:
            case Action.CLAIM:
                return await ownership.claim(evaluation_id, by=press.user)
            case Action.RELEASE:
                return await ownership.release(evaluation_id, owner=press.seen, by=press.user)
            case Action.DONE:
                return await follow_up.done(evaluation_id, by=press.user)
            case Action.UNDO:
                shown = None if press.seen is None else DispositionRef.read(press.seen)
                return await follow_up.undo(evaluation_id, shown, by=press.user)
            case _:
                raise InteractionUnreadable

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
