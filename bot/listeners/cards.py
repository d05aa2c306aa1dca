"""The buttons of a card."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.card import Action
from bot.domain.policy import Refused
from bot.listeners.guard import tell
from bot.listeners.press import Press, read_press
from bot.services.cards import Cards
from bot.services.consent import Consent
from bot.services.outreach import Draft, Outreach
from bot.services.ownership import Ownership
from bot.slack import answers, modals
from bot.slack.ids import View
from bot.slack.poster import Poster
from bot.slack.text import escape
from bot.store.evaluations import Owned


class CardListeners:
    """What happens when somebody presses a button on a card, or chooses from its menu."""

    def __init__(
        self,
        *,
        cards: Cards,
        outreach: Outreach,
        consent: Consent,
        ownership: Ownership,
        poster: Poster,
        clock: Callable[[], datetime],
    ) -> None:
        self._cards = cards
        self._outreach = outreach
        self._consent = consent
        self._ownership = ownership
        self._poster = poster
        self._clock = clock

    async def pressed(self, args: AsyncArgs) -> None:
        """Acknowledge, then do what the button or the menu's option says."""
        await args.ack()
        press = read_press(args)
        if press is None or press.action not in set(Action):
            if press is not None:
                await self._cards.repaint(press.about.evaluation_id)
            await tell(args, self._poster, answers.RETIRED)
            return
        match Action(press.action):
            case Action.EMAIL:
                await self._email(press)
            case Action.DO_NOT_CONTACT:
                await self._do_not_contact(press)
            case Action.CONTACT_AGAIN:
                await self._contact_again(press)
            case Action.ASSIGN:
                await self._assign(press)
            case Action.CLAIM:
                owned = await self._ownership.claim(press.about.evaluation_id, by=press.user)
                await self._tell_if_lost(args, owned)
            case Action.RELEASE:
                owned = await self._ownership.release(press.about.evaluation_id, by=press.user)
                await self._tell_if_lost(args, owned)
            case _ as never:
                assert_never(never)

    async def _email(self, press: Press) -> None:
        view_id = await self._poster.open_modal(press.trigger, modals.loading(View.EMAIL, press.about))
        draft = await self._outreach.draft(
            press.about.evaluation_id, sender_name=await self._poster.person_name(press.user)
        )
        await self._poster.change_modal(view_id, draft_modal(draft, press.about))

    async def _do_not_contact(self, press: Press) -> None:
        view_id = await self._poster.open_modal(press.trigger, modals.loading(View.DO_NOT_CONTACT, press.about))
        contacts = await self._consent.contacts(press.about.evaluation_id)
        modal = modals.do_not_contact(press.about, contacts) if contacts else modals.message(answers.NOBODY_TO_MARK)
        await self._poster.change_modal(view_id, modal)

    async def _contact_again(self, press: Press) -> None:
        view_id = await self._poster.open_modal(press.trigger, modals.loading(View.CONTACT_AGAIN, press.about))
        opt_out = await self._consent.standing(press.about.evaluation_id)
        modal = modals.contact_again(press.about, opt_out.reason) if opt_out else modals.message(answers.NOT_MARKED)
        await self._poster.change_modal(view_id, modal)

    async def _assign(self, press: Press) -> None:
        view_id = await self._poster.open_modal(press.trigger, modals.loading(View.ASSIGN, press.about))
        owner = await self._ownership.owner(press.about.evaluation_id)
        await self._poster.change_modal(view_id, modals.assign(replace(press.about, owner=owner)))

    async def _tell_if_lost(self, args: AsyncArgs, owned: Owned | None) -> None:
        """The card shows who won; only the loser needs a word."""
        if owned is None:
            await tell(args, self._poster, answers.GONE)
        elif not owned.won:
            await tell(args, self._poster, answers.lost(owned.owner, owned.since, now=self._clock()))


def draft_modal(draft: Draft | Refused, about: modals.About) -> modals.Modal:
    """The modal to write a mail in, or to learn why none can be written."""
    if isinstance(draft, Refused):
        return modals.message(answers.refused(draft))
    warnings = answers.warnings(draft.card)
    if draft.problem is not None:
        warnings = [escape(draft.problem, longest=500), *warnings]
    return modals.email(
        about,
        modals.Letter(
            template=draft.template,
            templates=draft.names,
            recipient=draft.recipient,
            recipients=draft.recipients,
            subject=draft.filled.subject,
            body=draft.filled.body,
            warnings=warnings,
        ),
    )
