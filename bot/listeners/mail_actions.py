"""The email form, its preview, and the buttons under queued emails and those of unknown outcome."""

from datetime import datetime

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.evaluation import ContactRole
from bot.domain.mail import MailContent
from bot.domain.mail_policy import NeedsLawfulBasis, Refused
from bot.errors import CardUnknown
from bot.listeners.modal_calls import change_modal
from bot.listeners.payloads import card_of
from bot.listeners.respond import read_form, reply
from bot.listeners.services import ListenerServices, name_evaluation, placed
from bot.services.mail.outreach import Draft, FormWords
from bot.services.team.permissions import Permission
from bot.slack.blocks import Message
from bot.slack.client.payload import read_id
from bot.slack.ids import Field
from bot.slack.text import escape
from bot.slack.views import email_form, modals, replies, submissions
from bot.slack.views.modal_metadata import EmailMetadata, ModalMetadata, PreviewMetadata
from bot.slack.views.modals import Modal
from bot.store.mail.repository import MailStatus, QueuedMail


class MailListeners:
    """Handles an email from the form to its outcome. Permission is checked at every step."""

    def __init__(self, services: ListenerServices) -> None:
        self._services = services

    async def choosing(self, args: AsyncArgs) -> None:
        """Fill the form for another template or recipient, but keep the person's own words."""
        metadata, filled = read_form(args, EmailMetadata)
        metadata = await placed(self._services, metadata)
        signature = await self._services.permissions.require(args.body["user"]["id"], Permission.CONTACT)
        draft = await self._services.outreach.draft(
            metadata.evaluation_id,
            signature=signature,
            template=filled.get(Field.TEMPLATE),
            recipient=filled.get(Field.RECIPIENT),
            words=FormWords(
                template=metadata.template,
                recipient=metadata.recipient,
                subject=filled.get(Field.SUBJECT, ""),
                body=filled.get(Field.BODY, ""),
            ),
        )
        modal = draft_modal(draft, metadata, now=self._services.clock())
        await change_modal(self._services, args.body["view"]["id"], modal)

    async def previewed(self, args: AsyncArgs) -> None:
        """Keep the draft until it is sent. The preview itself was part of the acknowledgement."""
        _, filled = read_form(args, EmailMetadata)
        await self._services.permissions.require(args.body["user"]["id"], Permission.CONTACT)
        content = MailContent(
            template=filled.get(Field.TEMPLATE, ""),
            recipient=ContactRole(filled.get(Field.RECIPIENT, ContactRole.TECHNICAL)),
            subject=filled.get(Field.SUBJECT, ""),
            body=filled.get(Field.BODY, ""),
        )
        await self._services.outreach.keep(submissions.draft_token(args.body["trigger_id"]), content)

    async def sent(self, args: AsyncArgs) -> None:
        """Queue the email and confirm it.

        The confirmation is not in the modal: a Web API call and the acknowledgement could reach Slack in either order.
        """
        metadata, _ = read_form(args, PreviewMetadata)
        metadata = await placed(self._services, metadata)
        user = args.body["user"]["id"]
        await self._services.permissions.require(user, Permission.CONTACT)
        content = await self._services.outreach.kept(metadata.draft)
        if content is None:
            await reply(args, self._services.slack, replies.DRAFT_GONE)
            return
        found = await self._services.outreach.enqueue(metadata.evaluation_id, content, basis=metadata.basis, by=user)
        about = await name_evaluation(self._services, metadata.evaluation_id) if isinstance(found, Refused) else ""
        await reply(args, self._services.slack, words_for(found, now=self._services.clock(), about=about))

    async def undone(self, args: AsyncArgs) -> None:
        """Cancel the email unless it was sent; the answer replaces the button."""
        user = args.body["user"]["id"]
        status = await self._services.outreach.cancel(await self._mail(args), by=user)
        answer = (
            replies.MAIL_GONE
            if status is None
            else replies.undone(status.state, by=status.by, user=user, changed=status.changed)
        )
        await reply(args, self._services.slack, answer, replaces=True)

    async def arrived(self, args: AsyncArgs) -> None:
        """Record that an email of unknown outcome arrived."""
        user = args.body["user"]["id"]
        await self._services.permissions.require(user, Permission.CONTACT)
        settled = await self._services.outreach.confirm(await self._mail(args), by=user)
        await reply(args, self._services.slack, words_for(settled, now=self._services.clock()))

    async def again(self, args: AsyncArgs) -> None:
        """Send an email of unknown outcome again, with the same words."""
        user = args.body["user"]["id"]
        await self._services.permissions.require(user, Permission.CONTACT)
        found = await self._services.outreach.resend(await self._mail(args), by=user)
        await reply(args, self._services.slack, words_for(found, now=self._services.clock()))

    async def _mail(self, args: AsyncArgs) -> int:
        """Return the id of the email that a button refers to. Raises CardUnknown if it does not belong to the card of
        this thread.
        """
        mail_id = read_id(args.body["actions"][0].get("value"))
        if mail_id is None:
            raise CardUnknown(replies.MAIL_GONE)
        await self._services.outreach.verify_card(mail_id, card_of(args.body))
        return mail_id


def draft_modal(draft: Draft | Refused, metadata: ModalMetadata, *, now: datetime) -> Modal:
    """Return the form, or a modal that says why nobody can be emailed."""
    if isinstance(draft, Refused):
        return modals.message(replies.refused(draft, now=now))
    warnings = replies.warnings(draft.card, draft.recipients[draft.recipient], draft.decision)
    warnings += [replies.not_open(each) for each in draft.refused]
    if draft.kept:
        warnings = [replies.KEPT, *warnings]
    if draft.problem is not None:
        warnings = [escape(draft.problem, longest=500), *warnings]
    return email_form.email(
        metadata,
        email_form.MailForm(
            template=draft.template,
            templates=draft.names,
            recipient=draft.recipient,
            recipients=draft.recipients,
            subject=draft.rendered.subject,
            body=draft.rendered.body,
            warnings=warnings,
            needs_lawful_basis=isinstance(draft.decision, NeedsLawfulBasis),
        ),
    )


def words_for(
    found: QueuedMail | NeedsLawfulBasis | Refused | MailStatus | None, *, now: datetime, about: str = ""
) -> Message | str:
    """Return the answer to the person who asked for the email. `about` names the evaluation."""
    match found:
        case QueuedMail(contact=contact, due_at=due_at, mail_id=mail_id):
            return replies.held(due_at - now, contact.name, contact.email, mail_id)
        case NeedsLawfulBasis():
            return replies.NEEDS_GROUND
        case Refused():
            return replies.refused(found, now=now, about=about)
        case MailStatus(changed=changed, state=state, by=by, at=at):
            return replies.settled(state, by=by, at=at, changed=changed, now=now)
        case None:
            return replies.MAIL_GONE
