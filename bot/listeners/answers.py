"""The buttons under a reply: answer it, show all of it, snooze until somebody is back."""

from dataclasses import replace
from datetime import datetime, time
from typing import Any

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.evaluation import ContactRole
from bot.domain.mail import LawfulBasis, MailContent
from bot.domain.mail_policy import Refused
from bot.domain.replies import ANSWER
from bot.domain.snooze import SnoozeChoice
from bot.listeners.feedback import FeedbackListeners
from bot.listeners.mail_actions import MailListeners, in_time
from bot.listeners.modal_calls import show_form
from bot.listeners.payloads import Press, read_press
from bot.listeners.respond import read_form, reply
from bot.listeners.services import ListenerServices, placed
from bot.services.team.permissions import Permission
from bot.slack.client.payload import read_id
from bot.slack.ids import Field, View
from bot.slack.views import answer_form, modals, received, replies
from bot.slack.views.modal_metadata import AnswerMetadata
from bot.slack.views.modals import Modal

_MORNING = time(9)


class AnswerListeners:
    """Handles what people do about a reply. The button's value is its id; on a card, what came last is meant."""

    def __init__(self, services: ListenerServices, mails: MailListeners, feedback: FeedbackListeners) -> None:
        self._services = services
        self._mails = mails
        self._feedback = feedback

    async def asked(self, args: AsyncArgs) -> None:
        """Open the form for an answer to the reply that the button is under."""
        if (press := await self._press(args)) is not None:
            await show_form(self._services, press, View.ANSWER, self._named)

    async def show(self, args: AsyncArgs) -> None:
        """Show all that is kept of a reply."""
        if (press := await self._press(args)) is not None:
            await show_form(self._services, press, View.REPLY, self._full)

    async def latest(self, press: Press) -> Modal:
        """Return the form for an answer to the latest reply or feedback about the evaluation that a card shows."""
        await self._services.permissions.require(press.user, Permission.CONTACT)
        metadata = await placed(self._services, press.metadata)
        reply_id = await self._services.outreach.latest_reply(metadata.evaluation_id)
        found = None if reply_id is None else await self._services.outreach.reply(reply_id)
        message = await self._services.feedback.latest(metadata.evaluation_id)
        if message is not None and (found is None or found.at < message.at):
            return await self._feedback.answer_form(press, message)
        if found is None:
            return modals.message(received.GONE)
        return await self._form(replace(press, metadata=metadata), found.id)

    async def snooze(self, args: AsyncArgs) -> None:
        """Remind the person when the contact is back, as their automatic answer says."""
        user = args.body["user"]["id"]
        await self._services.permissions.require(user, Permission.EDIT)
        found = await self._services.outreach.reply(read_id(args.body["actions"][0].get("value")) or 0)
        until = None if found is None or found.content is None else found.content.absent_until
        if found is None or until is None:
            await reply(args, self._services.slack, received.GONE)
            return
        morning = datetime.combine(until, _MORNING, tzinfo=await self._services.follow_up.zone(user))
        when = await self._services.follow_up.time_of(found.evaluation_id, SnoozeChoice.PICK, morning, by=user)
        if not isinstance(when, datetime):
            answer = replies.snooze_refused(when)
        elif await self._services.follow_up.snooze(found.evaluation_id, when, by=user):
            answer = replies.snoozed(when)
        else:
            answer = replies.TRIAL_OVER
        await reply(args, self._services.slack, answer)

    async def preview(self, args: AsyncArgs) -> dict[str, Any]:
        """Keep the answer and return the acknowledgement that shows it as it will be sent."""
        metadata, filled = read_form(args, AnswerMetadata)

        async def shown() -> dict[str, Any]:
            await self._services.permissions.require(args.body["user"]["id"], Permission.CONTACT)
            content = MailContent(
                template=f"{ANSWER}{metadata.reply_id}",
                recipient=ContactRole(metadata.recipient),
                subject=filled[Field.SUBJECT],
                body=filled[Field.BODY],
            )
            return await self._mails.show_preview(args, metadata, content, LawfulBasis.WROTE)

        return await in_time(args, shown)

    async def _press(self, args: AsyncArgs) -> Press | None:
        """Return the press, or answer that the reply is gone."""
        if (press := read_press(args)) is None:
            await reply(args, self._services.slack, received.GONE)
        return press

    async def _named(self, press: Press) -> Modal:
        await self._services.permissions.require(press.user, Permission.CONTACT)
        return await self._form(press, press.metadata.evaluation_id)

    async def _form(self, press: Press, reply_id: int) -> Modal:
        draft = await self._services.outreach.answer(reply_id)
        if isinstance(draft, Refused):
            return modals.message(replies.refused(draft, now=self._services.clock()))
        metadata = replace(press.metadata, evaluation_id=draft.card.evaluation.id)
        about = AnswerMetadata.about(metadata, reply_id=reply_id, recipient=draft.role.value)
        contact = draft.person.contact
        return answer_form.answer(
            about,
            answer_form.Answering(
                license=draft.card.evaluation.license,
                quoted=draft.content.text,
                to=contact,
                writer=None if contact.email == draft.content.sender else draft.content.sender,
                subject=draft.subject,
                basis=draft.basis,
            ),
        )

    async def _full(self, press: Press) -> Modal:
        await self._services.permissions.require(press.user, Permission.VIEW)
        found = await self._services.outreach.reply(press.metadata.evaluation_id)
        metadata = press.metadata if found is None else replace(press.metadata, evaluation_id=found.evaluation_id)
        return received.full_reply(metadata, found)
