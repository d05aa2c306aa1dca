"""The buttons of a card."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import assert_never

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.card import Action
from bot.domain.dnc import may_lift
from bot.errors import BotError
from bot.listeners.mail_actions import draft_modal
from bot.listeners.modal_calls import change_modal, open_modal
from bot.listeners.payloads import Press, read_press
from bot.listeners.services import ListenerServices, placed, reply, reply_if_stale
from bot.services.team.permissions import Permission
from bot.slack.ids import View
from bot.slack.text import escape
from bot.slack.views import modals, replies
from bot.slack.views.modals import Modal


class CardListeners:
    """What happens when somebody presses a button on a card, or chooses from its menu."""

    def __init__(self, deps: ListenerServices) -> None:
        self._deps = deps

    async def pressed(self, args: AsyncArgs) -> None:
        """Do what the button or the menu's option says."""
        press = read_press(args)
        if press is None:
            await reply(args, self._deps.poster, replies.UNREADABLE)
            return
        if press.action not in set(Action):
            about = await placed(self._deps, press.about)
            await self._deps.cards.repaint(about.evaluation_id)
            await reply(args, self._deps.poster, replies.RETIRED)
            return
        match Action(press.action):
            case Action.EMAIL:
                await self._open(press, View.EMAIL, partial(self._email, press))
            case Action.DO_NOT_CONTACT:
                await self._open(press, View.DO_NOT_CONTACT, partial(self._do_not_contact, press))
            case Action.CONTACT_AGAIN:
                await self._open(press, View.CONTACT_AGAIN, partial(self._contact_again, press))
            case Action.ASSIGN:
                await self._open(press, View.ASSIGN, partial(self._assign, press))
            case Action.CLAIM:
                await self._deps.actors.admit(press.user, Permission.TAKE)
                about = await placed(self._deps, press.about)
                owned = await self._deps.ownership.claim(about.evaluation_id, by=press.user)
                await reply_if_stale(args, self._deps, owned)
            case Action.RELEASE:
                await self._deps.actors.admit(press.user, Permission.TAKE)
                about = await placed(self._deps, press.about)
                owned = await self._deps.ownership.release(about.evaluation_id, owner=about.seen, by=press.user)
                await reply_if_stale(args, self._deps, owned)
            case _ as never:
                assert_never(never)

    async def _open(self, press: Press, view: View, content: Callable[[], Awaitable[Modal]]) -> None:
        """Open a modal while the trigger lives, then fill it; what goes wrong stands where the person looks.

        Nothing is asked before but whether the press is new: neither who it is, nor the database.
        """
        view_id = await open_modal(self._deps, press.trigger, modals.loading(view, press.about))
        try:
            modal = await content()
        except BotError as exc:
            modal = modals.message(escape(str(exc), longest=1000))
        await change_modal(self._deps, view_id, modal)

    async def _email(self, press: Press) -> Modal:
        signature = await self._deps.actors.admit(press.user, Permission.OUTREACH)
        about = await placed(self._deps, press.about)
        draft = await self._deps.outreach.draft(about.evaluation_id, signature=signature)
        return draft_modal(draft, about, now=self._deps.clock())

    async def _do_not_contact(self, press: Press) -> Modal:
        await self._deps.actors.admit(press.user, Permission.TAKE)
        about = await placed(self._deps, press.about)
        contacts = await self._deps.consent.contacts(about.evaluation_id)
        return modals.do_not_contact(about, contacts) if contacts else modals.message(replies.NOBODY_TO_MARK)

    async def _contact_again(self, press: Press) -> Modal:
        await self._deps.actors.admit(press.user, Permission.OUTREACH)
        about = await placed(self._deps, press.about)
        opt_out = await self._deps.consent.standing(about.evaluation_id)
        if opt_out is None:
            return modals.message(replies.NOT_MARKED)
        if not may_lift(opt_out.cause, self._deps.consent.authority(press.user)):
            return modals.message(f"{opt_out.cause.words}. {replies.NOT_YOURS}")
        return modals.contact_again(replace(about, seen=opt_out.at.isoformat()), opt_out)

    async def _assign(self, press: Press) -> Modal:
        await self._deps.actors.admit(press.user, Permission.TAKE)
        about = await placed(self._deps, press.about)
        owner = await self._deps.ownership.owner(about.evaluation_id)
        return modals.assign(replace(about, seen=owner))
