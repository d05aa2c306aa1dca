"""The forms for a note, a snooze and *Not for us…*, and the buttons under a note."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.card import known_end
from bot.domain.evaluation import NotForUsReason
from bot.domain.note import NoteRefusal, may_change
from bot.domain.snooze import SnoozeChoice, SnoozeRefused, tomorrow
from bot.listeners.modal_calls import change_modal, show_form
from bot.listeners.payloads import Press, read_press
from bot.listeners.respond import read_form, reply, why_lost
from bot.listeners.services import ListenerServices, placed
from bot.services.team.permissions import Permission
from bot.slack.client.payload import read_id
from bot.slack.ids import Field, View
from bot.slack.views import follow_up_forms, modals, replies, submissions
from bot.slack.views.card import rest_buttons
from bot.slack.views.departure import words_message
from bot.slack.views.modal_metadata import ModalMetadata, NoteMetadata
from bot.slack.views.modals import Modal


class FollowUpListeners:
    """Handles what people do about an evaluation beside emailing. Permission is checked at every step."""

    def __init__(self, services: ListenerServices) -> None:
        self._services = services
        self._follow_up = services.follow_up

    async def note(self, press: Press) -> Modal:
        """Return the form for a note."""
        return follow_up_forms.note_form(await self._placed(press))

    async def snooze(self, press: Press) -> Modal:
        """Return the form for a snooze."""
        return await self._snooze_form(await self._placed(press), SnoozeChoice.TOMORROW, by=press.user)

    async def not_for_us(self, press: Press) -> Modal:
        """Return the form that asks why the team does not work on an evaluation."""
        return follow_up_forms.not_for_us_form(await self._placed(press))

    async def rest(self, press: Press) -> Modal:
        """Return the window with the actions that the menu has no room for."""
        metadata = await self._placed(press)
        card = await self._follow_up.card(metadata.evaluation_id)
        buttons = [] if card is None else rest_buttons(card)
        return follow_up_forms.rest_of_menu(metadata, buttons) if buttons else modals.message(replies.NOTHING_MORE)

    async def show_words(self, args: AsyncArgs) -> None:
        """Show one person what somebody wrote when they left. The audit log has who looked."""
        user, number = args.body["user"]["id"], read_id(args.body["actions"][0].get("value"))
        await self._services.permissions.require(user, Permission.EDIT)
        words = None if number is None else await self._follow_up.words_of_departure(number, by=user)
        await reply(args, self._services.slack, words_message(words))

    async def noted(self, args: AsyncArgs) -> None:
        """Add the note."""
        metadata, filled = await self._read(args)
        added = await self._follow_up.add_note(
            metadata.evaluation_id, filled[Field.NOTE_TEXT], by=args.body["user"]["id"]
        )
        if not added:
            await reply(args, self._services.slack, replies.GONE)

    async def edit(self, args: AsyncArgs) -> None:
        """Open the form with the text of a note, for its author."""
        press = read_press(args)
        if press is None:
            await reply(args, self._services.slack, NoteRefusal.REMOVED)
        else:
            await show_form(self._services, press, View.NOTE_EDIT, self._edit)

    async def edited(self, args: AsyncArgs) -> None:
        """Change the text of a note."""
        metadata, filled = read_form(args, NoteMetadata)
        await self._change_note(args, metadata.note_id, filled[Field.NOTE_TEXT])

    async def deleted(self, args: AsyncArgs) -> None:
        """Delete a note."""
        await self._change_note(args, read_id(args.body["actions"][0].get("value")) or 0, "")

    async def choosing(self, args: AsyncArgs) -> None:
        """Show the picker once a person wants to pick a time."""
        metadata, filled = await self._read(args)
        choice = SnoozeChoice(filled.get(Field.SNOOZE, SnoozeChoice.TOMORROW))
        form = await self._snooze_form(metadata, choice, by=args.body["user"]["id"])
        await change_modal(self._services, args.body["view"]["id"], form)

    async def check_snooze(self, args: AsyncArgs) -> dict[str, Any]:
        """Keep the form open if nobody can be reminded at the time that was chosen.

        The permission is checked afterwards: Slack waits three seconds for this.
        """
        metadata, filled = read_form(args, ModalMetadata)
        found = await self._time(await placed(self._services, metadata), filled, by=args.body["user"]["id"])
        if isinstance(found, datetime):
            return {}
        view = args.body["view"]
        block_id = submissions.field_of(view, Field.SNOOZE_TIME) or submissions.field_of(view, Field.SNOOZE) or ""
        return submissions.errors({block_id: replies.snooze_refused(found)})

    async def snoozed(self, args: AsyncArgs) -> None:
        """Remind the person at the time that they chose."""
        metadata, filled = await self._read(args)
        user = args.body["user"]["id"]
        found = await self._time(metadata, filled, by=user)
        if not isinstance(found, datetime):
            answer = replies.snooze_refused(found)
        elif await self._follow_up.snooze(metadata.evaluation_id, found, by=user):
            answer = replies.snoozed(found)
        else:
            answer = replies.TRIAL_OVER
        await reply(args, self._services.slack, answer)

    async def decided_not_for_us(self, args: AsyncArgs) -> None:
        """Take the evaluation out of lists, reminders and rates."""
        metadata, filled = await self._read(args)
        changed = await self._follow_up.not_for_us(
            metadata.evaluation_id,
            NotForUsReason(filled[Field.NOT_FOR_US]),
            filled.get(Field.NOT_FOR_US_WORDS, ""),
            by=args.body["user"]["id"],
        )
        lost = await why_lost(self._services, changed, metadata.evaluation_id)
        if lost is not None:
            await reply(args, self._services.slack, lost)

    async def _edit(self, press: Press) -> Modal:
        """Return the form for the note under which the button is; the button's value is the id of the note."""
        await self._services.permissions.require(press.user, Permission.EDIT)
        note = await self._follow_up.note(press.metadata.evaluation_id)
        refusal = may_change(note, press.user, now=self._services.clock())
        if note is None or refusal is not None:
            return modals.message(refusal or NoteRefusal.REMOVED)
        return follow_up_forms.edit_form(replace(press.metadata, evaluation_id=note.evaluation_id), note)

    async def _change_note(self, args: AsyncArgs, note_id: int, text: str) -> None:
        user = args.body["user"]["id"]
        await self._services.permissions.require(user, Permission.EDIT)
        refusal = await self._follow_up.change_note(note_id, text, by=user)
        if refusal is not None:
            await reply(args, self._services.slack, refusal)

    async def _snooze_form(self, metadata: ModalMetadata, choice: SnoozeChoice, *, by: str) -> Modal:
        card = await self._follow_up.card(metadata.evaluation_id)
        start = tomorrow(self._services.clock(), await self._follow_up.zone(by))
        return follow_up_forms.snooze_form(
            metadata, choice, ends=None if card is None else known_end(card.evaluation), start=start
        )

    async def _time(
        self, metadata: ModalMetadata, filled: Mapping[Field, str], *, by: str
    ) -> datetime | SnoozeRefused | None:
        choice, picked = SnoozeChoice(filled[Field.SNOOZE]), submissions.picked_time(filled)
        return await self._follow_up.time_of(metadata.evaluation_id, choice, picked, by=by)

    async def _placed(self, press: Press) -> ModalMetadata:
        await self._services.permissions.require(press.user, Permission.EDIT)
        return await placed(self._services, press.metadata)

    async def _read(self, args: AsyncArgs) -> tuple[ModalMetadata, dict[Field, str]]:
        metadata, filled = read_form(args, ModalMetadata)
        await self._services.permissions.require(args.body["user"]["id"], Permission.EDIT)
        return await placed(self._services, metadata), filled
