"""The email form, its preview, and the buttons under queued emails and those of unknown outcome."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.card import title
from bot.domain.evaluation import ContactRole
from bot.domain.mail import LawfulBasis, MailContent, MailState
from bot.domain.mail_policy import NeedsLawfulBasis, Refused
from bot.errors import BotError, CardUnknown
from bot.listeners.modal_calls import change_modal
from bot.listeners.payloads import card_of
from bot.listeners.respond import read_form, reply
from bot.listeners.services import ListenerServices, name_evaluation, placed
from bot.services.mail.draft import Draft, FormWords, base_of
from bot.services.team.permissions import Permission
from bot.slack.client.payload import read_id
from bot.slack.ids import Field
from bot.slack.views import email_form, email_preview, feedback, modals, replies, submissions
from bot.slack.views.modal_metadata import EmailMetadata, ModalMetadata, PreviewMetadata
from bot.slack.views.modals import Modal
from bot.store.mail.repository import MailStatus, QueuedMail

_PREVIEW_TIMEOUT_S: Final = 2.0
"""Slack waits three seconds for the preview."""
_FOLLOW: Final = timedelta(minutes=1)
"""How long the modal follows an email after its hold."""
_BAD: Final = frozenset({MailState.FAILED, MailState.UNKNOWN, MailState.DEFERRED})
"""Outcomes that the sender must hear of, even if they closed the modal."""


class MailListeners:
    """Handles an email from the form to its outcome. Permission is checked at every step."""

    def __init__(self, services: ListenerServices) -> None:
        self._services = services

    async def choosing(self, args: AsyncArgs) -> None:
        """Fill the form for another template or recipient; the person's own words are kept."""
        metadata, filled = read_form(args, EmailMetadata)
        metadata = await placed(self._services, metadata)
        user = args.body["user"]["id"]
        signature = await self._services.permissions.require(user, Permission.CONTACT)
        draft = await self._services.outreach.draft(
            metadata.evaluation_id,
            by=user,
            signature=signature,
            template=filled.get(Field.TEMPLATE),
            recipient=filled.get(Field.RECIPIENT),
            words=FormWords(
                template=metadata.template,
                recipient=metadata.recipient,
                subject=filled.get(Field.SUBJECT, ""),
                body=filled.get(Field.BODY, ""),
                edits=metadata.edits,
            ),
        )
        modal = draft_modal(draft, metadata, now=self._services.clock())
        await change_modal(self._services, args.body["view"]["id"], modal)

    async def preview(self, args: AsyncArgs) -> dict[str, Any]:
        """Keep the draft and return the acknowledgement that shows it as it will be sent, or says why it cannot be."""
        metadata, filled = read_form(args, EmailMetadata)

        async def shown() -> dict[str, Any]:
            return await self._preview(args, await placed(self._services, metadata), filled)

        return await in_time(args, shown)

    async def _preview(self, args: AsyncArgs, metadata: EmailMetadata, filled: dict[Field, str]) -> dict[str, Any]:
        await self._services.permissions.require(args.body["user"]["id"], Permission.CONTACT)
        content = MailContent(
            template=base_of(filled[Field.TEMPLATE]),
            recipient=ContactRole(filled[Field.RECIPIENT]),
            subject=filled[Field.SUBJECT],
            body=filled[Field.BODY],
        )
        return await self.show_preview(args, metadata, content, submissions.basis(filled))

    async def show_preview(
        self, args: AsyncArgs, metadata: ModalMetadata, content: MailContent, basis: LawfulBasis | None
    ) -> dict[str, Any]:
        """Keep the draft and return the acknowledgement that shows its preview, or says why it cannot be sent."""
        mail = await self._services.outreach.preview(metadata.evaluation_id, content, basis=basis)
        if isinstance(mail, Refused):
            return {
                "response_action": "push",
                "view": modals.message(replies.refused(mail, now=self._services.clock())),
            }
        token = submissions.draft_token(args.body["trigger_id"])
        await self._services.outreach.keep(token, content)
        shown = PreviewMetadata.about(metadata, draft=token, basis=basis)
        return {"response_action": "push", "view": email_preview.preview(shown, mail)}

    async def previewed(self, args: AsyncArgs) -> None:
        """Do nothing more: the draft was kept before the preview was shown."""

    async def sent(self, args: AsyncArgs) -> None:
        """Queue the email, and show in the modal what becomes of it."""
        metadata, _ = read_form(args, PreviewMetadata)
        view_id, user = args.body["view"]["id"], args.body["user"]["id"]
        try:
            metadata = await placed(self._services, metadata)
            await self.require_sender(user, metadata.basis)
            content = await self._services.outreach.kept(metadata.draft)
            if content is None:
                await self._show(args, view_id, modals.message(replies.DRAFT_GONE))
                return
            found = await self._services.outreach.enqueue(
                metadata.evaluation_id, content, basis=metadata.basis, by=user
            )
        except BotError as exc:
            await self._show(args, view_id, modals.message(replies.problem(exc)))
            return
        if isinstance(found, QueuedMail):
            self._services.background.start("follow_email", self._follow(args, view_id, metadata, found))
            return
        about = await name_evaluation(self._services, metadata.evaluation_id) if isinstance(found, Refused) else ""
        await self._show(args, view_id, modals.message(words_for(found, now=self._services.clock(), about=about)))

    async def require_sender(self, user: str, basis: LawfulBasis | None) -> None:
        """Raise NotAllowed if this person may not send an email on this basis."""
        await self._services.permissions.require(user, Permission.CONTACT)
        if basis is LawfulBasis.ASKED_SINCE:
            self._services.permissions.require_admin(user, feedback.ONLY_ADMINS)

    async def undone(self, args: AsyncArgs) -> None:
        """Cancel the email unless it was sent; the answer replaces the button."""
        user = args.body["user"]["id"]
        mail_id, about = await self._mail(args)
        status = await self._services.outreach.cancel(mail_id, by=user)
        answer = (
            replies.MAIL_GONE
            if status is None
            else replies.undone(status.state, by=status.by, user=user, changed=status.changed, about=about)
        )
        view = args.body.get("view")
        if view is None:  # an ephemeral message of an earlier version
            await reply(args, self._services.slack, answer, replaces=True)
        elif status is None or status.state is not MailState.SENDING:
            metadata = ModalMetadata.unpack(view.get("private_metadata", ""))
            await change_modal(self._services, view["id"], email_preview.sending(metadata, answer))

    async def arrived(self, args: AsyncArgs) -> None:
        """Record that an email of unknown outcome arrived."""
        user = args.body["user"]["id"]
        await self._services.permissions.require(user, Permission.CONTACT)
        mail_id, about = await self._mail(args)
        settled = await self._services.outreach.confirm(mail_id, by=user)
        await reply(args, self._services.slack, words_for(settled, now=self._services.clock(), about=about))

    async def again(self, args: AsyncArgs) -> None:
        """Send an email of unknown outcome again, with the same words."""
        user = args.body["user"]["id"]
        await self._services.permissions.require(user, Permission.CONTACT)
        mail_id, about = await self._mail(args)
        found = await self._services.outreach.resend(mail_id, by=user)
        await reply(args, self._services.slack, words_for(found, now=self._services.clock(), about=about))

    async def _follow(self, args: AsyncArgs, view_id: str, metadata: ModalMetadata, queued: QueuedMail) -> None:
        """Show what becomes of an email, in the modal while it is open. A bad outcome is told in any case."""
        recipient = replies.recipient_name(queued.contact)
        hold = queued.due_at - self._services.clock()
        text = replies.held_text(hold, recipient)
        undo = queued.mail_id if hold > timedelta(0) else None
        is_open = await self._change(view_id, email_preview.sending(metadata, text, mail_id=undo))
        state = MailState.QUEUED
        async for found in self._services.outreach.follow(
            queued.mail_id, seconds=max(hold, timedelta(0)).total_seconds() + _FOLLOW.total_seconds()
        ):
            if found.state is state or found.state is MailState.SENDING:
                continue
            state, text = found.state, email_preview.outcome_text(found, recipient)
            undo = queued.mail_id if found.state.is_pending else None
            is_open = is_open and await self._change(view_id, email_preview.sending(metadata, text, mail_id=undo))
            if not is_open and state in _BAD:
                await reply(args, self._services.slack, text)
        if is_open and state.is_pending:  # it can no longer be followed, so the button goes
            late = text if state is MailState.DEFERRED else email_preview.late_text(recipient)
            await self._change(view_id, email_preview.sending(metadata, late))

    async def _change(self, view_id: str, modal: Modal) -> bool:
        """Change the modal and return whether it is still open, as far as Slack says."""
        try:
            return await change_modal(self._services, view_id, modal)
        except BotError:
            return False

    async def _show(self, args: AsyncArgs, view_id: str, modal: Modal) -> None:
        """Show an answer in the modal, or, if it is closed, to the person in the channel."""
        modal = {**modal, "clear_on_close": True}
        if not await self._change(view_id, modal):
            await reply(args, self._services.slack, modal["blocks"][0]["text"]["text"])

    async def _mail(self, args: AsyncArgs) -> tuple[int, str]:
        """Return the id of the email that a button refers to, and the name of its evaluation for an answer.

        Raises CardUnknown if the email does not belong to the card of this thread.
        """
        mail_id = read_id(args.body["actions"][0].get("value"))
        if mail_id is None:
            raise CardUnknown(replies.MAIL_GONE)
        evaluation_id = await self._services.outreach.evaluation_of(mail_id, card_of(args.body))
        return mail_id, "" if evaluation_id is None else await name_evaluation(self._services, evaluation_id)


async def in_time(args: AsyncArgs, shown: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Return the acknowledgement with a preview, or with an error at the text if that takes too long or fails."""
    block_id = submissions.field_of(args.body["view"], Field.BODY) or ""
    try:
        async with asyncio.timeout(_PREVIEW_TIMEOUT_S):
            return await shown()
    except TimeoutError:
        return submissions.errors({block_id: "That took too long. Please press Preview again."})
    except BotError as exc:
        return submissions.errors({block_id: str(exc)})


def draft_modal(draft: Draft | Refused, metadata: ModalMetadata, *, now: datetime) -> Modal:
    """Return the form, or a modal that says why nobody can be emailed."""
    if isinstance(draft, Refused):
        return modals.message(replies.refused(draft, now=now))
    warnings = replies.warnings(draft.card, draft.recipients[draft.recipient], draft.decision)
    warnings += [replies.not_open(each, now=now) for each in draft.refused]
    if draft.kept:
        warnings = [replies.KEPT, *warnings]
    license_ = draft.card.evaluation.license
    return email_form.email(
        metadata,
        email_form.MailForm(
            company=title(license_),
            app=license_.app_name,
            template=draft.template,
            templates=draft.names,
            recipient=draft.recipient,
            recipients=draft.recipients,
            subject=draft.rendered.subject,
            body=draft.rendered.body,
            edits=draft.edits,
            warnings=warnings,
            basis=_question(draft),
            problem=draft.problem,
        ),
    )


def _question(draft: Draft) -> email_form.BasisQuestion | None:
    """Return the question for a legal basis, or None if none needs to be chosen."""
    if not isinstance(draft.decision, NeedsLawfulBasis):
        return None
    return email_form.BasisQuestion(
        country=draft.card.evaluation.license.country,
        rule=draft.decision.country,
        suggested=draft.suggested.basis if draft.suggested else None,
        is_last=draft.suggested is not None and draft.suggested.is_last,
    )


def words_for(
    found: QueuedMail | NeedsLawfulBasis | Refused | MailStatus | None, *, now: datetime, about: str = ""
) -> str:
    """Return the answer to the person who asked for the email. `about` names the evaluation."""
    match found:
        case QueuedMail(contact=contact, due_at=due_at):
            return replies.held_text(due_at - now, replies.recipient_name(contact))
        case NeedsLawfulBasis():
            return replies.NEEDS_BASIS
        case Refused():
            return replies.refused(found, now=now, about=about)
        case MailStatus(changed=changed, state=state, by=by, at=at):
            return replies.settled(state, by=by, at=at, changed=changed, now=now, about=about)
        case None:
            return replies.MAIL_GONE
