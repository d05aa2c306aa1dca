"""The buttons under feedback, and the form for an answer in the app."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.evaluation import ContactRole
from bot.domain.feedback import FeedbackMessage, answer_template
from bot.domain.mail import LawfulBasis, MailContent
from bot.domain.mail_policy import Refused
from bot.listeners.mail_actions import MailListeners, in_time
from bot.listeners.modal_calls import show_form
from bot.listeners.payloads import Press, read_press
from bot.listeners.respond import read_form, reply
from bot.listeners.services import ListenerServices
from bot.services.team.permissions import Permission
from bot.slack.ids import Field, View
from bot.slack.views import answer_form, modals, replies
from bot.slack.views import feedback as views
from bot.slack.views.modal_metadata import FeedbackMetadata
from bot.slack.views.modals import Modal


class FeedbackListeners:
    """Shows feedback, and takes answers to it. A button's value is the id of the message."""

    def __init__(self, services: ListenerServices, mails: MailListeners) -> None:
        self._services = services
        self._mails = mails

    async def show(self, args: AsyncArgs) -> None:
        """Open a window with all that is kept of a message."""
        await self._open(args, View.FEEDBACK, self._everything)

    async def answer_in_app(self, args: AsyncArgs) -> None:
        """Open the form for an answer in the app."""
        await self._open(args, View.FEEDBACK_ANSWER, self._form)

    async def answered_in_app(self, args: AsyncArgs) -> None:
        """Record the answer."""
        metadata, filled = read_form(args, FeedbackMetadata)
        user = args.body["user"]["id"]
        await self._services.permissions.require(user, Permission.EDIT)
        text = filled[Field.FEEDBACK_ANSWER].strip()
        is_there = bool(text) and await self._services.feedback.answer(metadata.feedback_id, text, by=user)
        await reply(args, self._services.slack, views.ANSWERED if is_there else views.GONE)

    async def answer(self, args: AsyncArgs) -> None:
        """Open the form for an answer by email."""
        await self._open(args, View.FEEDBACK_EMAIL, self._email)

    async def preview(self, args: AsyncArgs) -> dict[str, Any]:
        """Keep the email and return the acknowledgement that shows it as it will be sent."""
        metadata, filled = read_form(args, FeedbackMetadata)

        async def shown() -> dict[str, Any]:
            user, basis = args.body["user"]["id"], metadata.basis or LawfulBasis.ASKED
            await self._mails.require_sender(user, basis)
            content = MailContent(
                template=answer_template(metadata.feedback_id),
                recipient=ContactRole.TECHNICAL,  # the message says who gets it
                subject=filled[Field.SUBJECT],
                body=filled[Field.BODY],
            )
            return await self._mails.show_preview(args, metadata, content, basis)

        return await in_time(args, shown)

    async def _open(self, args: AsyncArgs, view: View, content: Callable[[Press], Awaitable[Modal]]) -> None:
        press = read_press(args)
        if press is None:
            await reply(args, self._services.slack, views.GONE)
        else:
            await show_form(self._services, press, view, content)

    async def _everything(self, press: Press) -> Modal:
        await self._services.permissions.require(press.user, Permission.EDIT)
        message = await self._services.feedback.find(press.metadata.evaluation_id)
        return views.full_feedback(press.metadata, message)

    async def answer_form(self, press: Press, message: FeedbackMessage) -> Modal:
        """Return the form for an answer where the person wants it: by email, or else in the app."""
        this = replace(press, metadata=replace(press.metadata, evaluation_id=message.id))
        return await (self._form(this) if message.person is None else self._email(this))

    async def _email(self, press: Press) -> Modal:
        await self._services.permissions.require(press.user, Permission.CONTACT)
        draft = await self._services.outreach.answer_feedback(press.metadata.evaluation_id)
        if isinstance(draft, Refused):
            return modals.message(replies.refused(draft, now=self._services.clock()))
        await self._mails.require_sender(press.user, draft.basis)
        metadata = replace(press.metadata, evaluation_id=draft.card.evaluation.id)
        about = FeedbackMetadata.about(metadata, feedback_id=draft.message.id, basis=draft.basis)
        content, before = draft.message.content, draft.unsubscribed
        return answer_form.answer(
            about,
            answer_form.Answering(
                license=draft.card.evaluation.license,
                quoted="" if content is None else content.text,
                to=draft.person,
                writer=None,
                subject=draft.subject,
                basis=draft.basis,
                warning="" if before is None else views.unsubscribed_before(before),
            ),
            view=View.FEEDBACK_EMAIL,
        )

    async def _form(self, press: Press) -> Modal:
        await self._services.permissions.require(press.user, Permission.EDIT)
        message = await self._services.feedback.find(press.metadata.evaluation_id)
        if message is None or message.content is None:
            return modals.message(views.GONE)
        if not message.may_answer_in_app:
            return modals.message(views.NO_WAY_BACK)
        return views.answer_form(FeedbackMetadata.about(press.metadata, feedback_id=message.id), message)
