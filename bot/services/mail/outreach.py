"""The email a person wants to send: draft, preview, queue, cancel."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from bot.domain.card import Card, Person, Recipient, recipients
from bot.domain.card_snapshot import UnmatchedCard
from bot.domain.dnc import targets_for
from bot.domain.evaluation import CardRef, Contact, ContactRole
from bot.domain.feedback import answered_feedback
from bot.domain.mail import OWN_TEXT, ClaimedMail, LawfulBasis, MailContent, MailOutcome, MailPreview, MailState
from bot.domain.mail_policy import Decision, MailRules, NeedsLawfulBasis, RefusalReason, Refused
from bot.domain.replies import Reply, answered_reply
from bot.errors import CardUnknown, TemplateWrong
from bot.mail.outbound.compose import footer_of, new_message_id
from bot.mail.templating.selection import TemplateSelection, select_templates
from bot.mail.templating.template import RenderedMail, Template, TemplateVariables
from bot.mail.templating.variables import missing, variables_for
from bot.metrics.catalog import MAIL_GATE, MAILS
from bot.metrics.labels import EmailOutcome, GateAnswer, GateReason
from bot.metrics.meter import OFF, Meter
from bot.services.mail.answers import AnswerDraft, FeedbackDraft, draft_answer, draft_feedback_answer
from bot.services.mail.draft import Draft, FormWords, SuggestedBasis, base_of, choose_recipient, menu
from bot.services.mail.mailer import PREVIEWED, Mailer
from bot.services.team.permissions import Signature
from bot.store import Store
from bot.store.mail.repository import MailRequest, MailStatus, QueuedMail

_POLL_INTERVAL_S: Final = 1.0
"""Seconds between looks at an email: another copy of the bot may send it."""
_EXPIRED: Final = "Your text was kept for a day and is gone. Please choose a template."


class Outreach:
    """Drafts and queues emails. Without a `mailer` nothing is sent, and everybody who tries learns why."""

    def __init__(  # noqa: PLR0913  its collaborators, one by one
        self,
        store: Store,
        mailer: Mailer | None,
        templates: Mapping[str, Template],
        *,
        rules: MailRules,
        address_of: Callable[[str], Awaitable[str | None]],
        clock: Callable[[], datetime],
        today: Callable[[], date],
        token: Callable[[], str],
    ) -> None:
        self.meter: Meter = OFF
        self._store = store
        self._mailer = mailer
        self._templates = templates
        self._rules = rules
        self._address_of = address_of
        self._clock = clock
        self._today = today
        self._token = token

    async def draft(
        self,
        evaluation_id: int,
        *,
        by: str,
        signature: Signature,
        template: str | None = None,
        recipient: str | None = None,
        words: FormWords | None = None,
    ) -> Draft | Refused:
        """Fill a template for a contact; by default the first of each.

        Words that the person edited are kept: in the form while only the recipient changes, else in the menu of
        templates.
        """
        if self._mailer is None or not self._templates:
            return Refused(RefusalReason.NOT_SET_UP)
        card = await self._store.evaluations.card(evaluation_id)
        if card is None:
            return Refused(RefusalReason.NO_CONTACT)
        choices = recipients(card, self._rules, now=self._clock())
        recipient_chosen = choose_recipient(choices, recipient)
        if isinstance(recipient_chosen, Refused):
            return recipient_chosen
        role, decision = recipient_chosen
        facts = self._facts(card, choices, signature)
        offered = self._offered(card, facts[role])
        if offered.chosen is None:
            return Refused(RefusalReason.NO_TEMPLATE)
        own = await self._own(words, facts)
        chosen = template if template is not None and base_of(template) in self._templates else offered.chosen.id
        if own is not None and words is not None and chosen != words.template:
            words, own = words.keeping(await self._keep_edit(words)), None
        edits = {} if words is None else words.edits
        names = menu(offered.templates, {each.id: missing(each, facts[role]) for each in offered.templates}, edits)
        chosen = chosen if chosen in names else offered.chosen.id
        rendered, problem = await self._words(chosen, own, edits, facts[role])
        return Draft(
            card=card,
            template=chosen,
            names=names,
            recipient=role,
            choices=choices,
            decision=decision,
            rendered=rendered,
            kept=own is not None and words is not None and words.recipient != role,
            problem=problem,
            suggested=await self._suggested(card, decision, by=by),
            edits=edits,
        )

    def _facts(self, card: Card, choices: Sequence[Recipient], signature: Signature) -> dict[str, TemplateVariables]:
        """Return what a template can say, by the recipient's role."""
        return {each.role: self._variables(card, each.person.contact, signature) for each in choices}

    async def keep(self, token: str, content: MailContent) -> None:
        """Keep a draft until it is sent or a day has passed."""
        await self._store.drafts.keep(token, content, at=self._clock())

    async def kept(self, token: str) -> MailContent | None:
        """Return a draft, or None once it is gone."""
        return await self._store.drafts.read(token)

    async def preview(
        self, evaluation_id: int, content: MailContent, *, basis: LawfulBasis | None
    ) -> MailPreview | Refused:
        """Return the email as it would be sent now. Raises MailError if it cannot be composed."""
        if self._mailer is None:
            return Refused(RefusalReason.NOT_SET_UP)
        card = await self._store.evaluations.card(evaluation_id)
        found = await self._complete(content, card)
        if isinstance(found, Refused):
            return found
        who = None if card is None else await self._recipient(content, card)
        if card is None or who is None or who.contact.email is None:
            return Refused(RefusalReason.NO_CONTACT)
        mail = self._mailer.preview(
            ClaimedMail(
                mail_id=PREVIEWED,
                evaluation_id=evaluation_id,
                contact=who.contact,
                address=who.contact.email,
                content=found,
                message_id=new_message_id("preview", self._mailer.sender.address.domain),
                requested_at=self._clock(),
                attempts=0,
                first=who.last_mail is None,
            ),
            card.evaluation,
        )
        return MailPreview(
            sender=mail["From"],
            to=mail["To"],
            reply_to=mail["Reply-To"],
            basis=basis or LawfulBasis.TRIAL,
            subject=mail["Subject"],
            body=content.body,
            footer=footer_of(mail),
        )

    async def enqueue(
        self, evaluation_id: int, content: MailContent, *, basis: LawfulBasis | None, by: str
    ) -> QueuedMail | NeedsLawfulBasis | Refused:
        """Queue the mail; it is sent after the undo window if the policy still allows it."""
        if self._mailer is None:
            return Refused(RefusalReason.NOT_SET_UP)
        card = await self._store.evaluations.card(evaluation_id)
        found = await self._complete(content, card)
        if isinstance(found, Refused):
            return found
        now = self._clock()
        request = MailRequest(
            evaluation_id=evaluation_id,
            content=found,
            basis=basis,
            message_id=new_message_id(self._token(), self._mailer.sender.address.domain),
            by=by,
            at=now,
            due_at=now + self._rules.hold,
        )
        answer = await self._store.mails.enqueue(request, self._rules)
        self._count(answer, basis)
        return answer

    def _count(self, answer: object, basis: LawfulBasis | None) -> None:
        """Count what the policy answered. A question for a legal basis is no answer yet."""
        match answer:
            case Refused(reason=reason):
                self.meter.count(MAIL_GATE, GateAnswer.REFUSED, GateReason(reason.name.lower()))
            case QueuedMail():
                gate = GateAnswer.ALLOWED if basis is None else GateAnswer.CONFIRMED
                self.meter.count(MAIL_GATE, gate, GateReason.NONE)

    async def evaluation_of(self, mail_id: int, card: CardRef | None) -> int | None:
        """Return the evaluation that an email is about, None if the email is not on record.

        Raises CardUnknown if that is another one than the card shows whose thread contains the button.
        """
        evaluation_id = await self._store.bounces.evaluation(mail_id)
        if evaluation_id is None or card is None or await self._store.evaluations.is_shown_by(evaluation_id, card):
            return evaluation_id
        raise CardUnknown(UnmatchedCard.UNKNOWN)

    async def cancel(self, mail_id: int, *, by: str) -> MailStatus | None:
        """Cancel one's own queued email. None if there is no such email."""
        status = await self._store.mails.cancel(mail_id, by=by, at=self._clock())
        if status is not None and status.changed:
            self.meter.count(MAILS, EmailOutcome.UNDONE)
        return status

    async def follow(self, mail_id: int, *, seconds: float) -> AsyncIterator[MailOutcome]:
        """Yield how far an email has come at each change, until it is settled or so many seconds have passed."""
        ends, last = time.monotonic() + seconds, None
        while time.monotonic() < ends:
            moment = self._store.database.writes
            found = await self._store.mails.outcome(mail_id)
            if found is not None and found != last:
                yield found
            if found is None or not (found.state.is_pending or found.state is MailState.SENDING):
                return
            last = found
            await self._store.mails.changed(moment, seconds=_POLL_INTERVAL_S)

    async def resend(self, mail_id: int, *, by: str) -> QueuedMail | Refused | MailStatus | None:
        """Send an email of unknown outcome again, once, if the policy still allows it.

        If somebody was faster, return their decision. None if there is no such email.
        """
        if self._mailer is None:
            return Refused(RefusalReason.NOT_SET_UP)
        answer = await self._store.mails.resend(mail_id, self._rules, by=by, at=self._clock())
        self._count(answer, None)
        return answer

    async def confirm(self, mail_id: int, *, by: str) -> MailStatus | None:
        """Record a person's word that an email of unknown outcome arrived. None if there is no such email."""
        return await self._store.mails.confirm(mail_id, by=by, at=self._clock())

    async def answer(self, reply_id: int) -> AnswerDraft | Refused:
        """Return what the form for an answer shows. Refused if the reply cannot be answered by email."""
        if self._mailer is None:
            return Refused(RefusalReason.NOT_SET_UP)
        found = await self._store.replies.find(reply_id)
        card = None if found is None else await self._store.evaluations.card(found.reply.evaluation_id)
        if found is None or card is None:
            return Refused(RefusalReason.NO_WORDS)
        return draft_answer(card, found.reply, found.mail, self._rules)

    async def answer_feedback(self, feedback_id: int) -> FeedbackDraft | Refused:
        """Return what the form for an answer to feedback shows. Refused if it cannot be answered by email."""
        if self._mailer is None:
            return Refused(RefusalReason.NOT_SET_UP)
        message = await self._store.feedback.find(feedback_id)
        person = None if message is None else message.person
        if message is None or message.evaluation_id is None or person is None or person.email is None:
            return Refused(RefusalReason.NO_WORDS)
        card = await self._store.evaluations.card(message.evaluation_id)
        if card is None:
            return Refused(RefusalReason.NO_WORDS)
        entries = await self._store.dnc.active_entries(targets_for(card.evaluation.license, person.email))
        return draft_feedback_answer(card, message, self._rules, entries)

    async def latest_reply(self, evaluation_id: int) -> int | None:
        """Return the id of the latest reply about an evaluation, or None."""
        return await self._store.replies.latest(evaluation_id)

    async def reply(self, reply_id: int) -> Reply | None:
        """Return a reply, or None if it is not on record."""
        found = await self._store.replies.find(reply_id)
        return None if found is None else found.reply

    async def _complete(self, content: MailContent, card: Card | None) -> MailContent | Refused:
        """Return the content with what the form does not know: the template's family and language or the thread that it
        answers, and the owner's address for replies.
        """
        owner = None if card is None else card.evaluation.owner
        reply_to = None if owner is None else await self._address_of(owner)
        if (number := answered_reply(content.template)) is not None:
            answered = await self._store.replies.find(number)
            words = None if answered is None else answered.reply.content
            if answered is None or answered.mail is None or words is None:
                return Refused(RefusalReason.NO_WORDS)
            return replace(
                content,
                language=answered.mail.language,
                reply_to=reply_to,
                in_reply_to=words.message_id,
                references=words.references,
            )
        if (number := answered_feedback(content.template)) is not None:
            message = await self._store.feedback.find(number)
            if message is None or message.content is None:
                return Refused(RefusalReason.NO_WORDS)
            return replace(content, language=message.content.locale[:2] or content.language, reply_to=reply_to)
        template = self._templates.get(content.template)
        if template is None:
            return Refused(RefusalReason.NO_TEMPLATE)
        return replace(content, template=template.family, language=template.language, reply_to=reply_to)

    async def _recipient(self, content: MailContent, card: Card) -> Person | None:
        """Return who would get an email: who asked for an answer, or else a contact on the license."""
        if (number := answered_feedback(content.template)) is not None:
            message = await self._store.feedback.find(number)
            asked = None if message is None else message.person
            return None if asked is None else Person(contact=asked)
        return next((each.person for each in recipients(card, self._rules) if each.role == content.recipient), None)

    def _variables(self, card: Card, contact: Contact, signature: Signature) -> TemplateVariables:
        return variables_for(
            card.evaluation,
            contact,
            sender_name=signature.name,
            sender_title=signature.title or None,
            vendor=None if self._mailer is None else self._mailer.vendor,
            today=self._today(),
        )

    def _offered(self, card: Card, facts: TemplateVariables) -> TemplateSelection:
        return select_templates(
            self._templates.values(),
            card.evaluation,
            today=self._today(),
            sent={mail.template for mail in card.mails if mail.attempt.state.blocks_resend},
            can_fill=lambda each: not missing(each, facts),
        )

    async def _words(
        self, chosen: str, own: RenderedMail | None, edits: Mapping[str, str], facts: TemplateVariables
    ) -> tuple[RenderedMail, str | None]:
        """Return the words in the form: those that are there, those that were kept, or the template's. With the last, a
        sentence says why it cannot be filled.
        """
        if own is not None:
            return own, None
        if chosen.startswith(OWN_TEXT):
            content = await self.kept(edits[base_of(chosen)])
            return (RenderedMail("", ""), _EXPIRED) if content is None else (_rendered(content), None)
        return self._fill(chosen, facts)

    def _fill(self, template: str, facts: TemplateVariables) -> tuple[RenderedMail, str | None]:
        if lacks := missing(self._templates[template], facts):
            return RenderedMail(
                "", ""
            ), f"This template needs the {' and the '.join(lacks)}. Please choose another one."
        try:
            return self._templates[template].fill(facts), None
        except TemplateWrong as exc:
            return RenderedMail("", ""), str(exc)

    async def _own(self, words: FormWords | None, facts: Mapping[str, TemplateVariables]) -> RenderedMail | None:
        """Return the words in the form if the person edited them, or None if they are a template's."""
        if words is None or words.recipient not in facts or base_of(words.template) not in self._templates:
            return None
        own = RenderedMail(words.subject, words.body)
        if words.template.startswith(OWN_TEXT):
            return own
        given, _ = self._fill(words.template, facts[words.recipient])
        return own if (own.subject or own.body) and own != given else None

    async def _keep_edit(self, words: FormWords) -> str:
        """Keep the words that the person edited and return their token."""
        token = self._token()
        await self.keep(
            token,
            MailContent(
                template=base_of(words.template),
                recipient=ContactRole(words.recipient),
                subject=words.subject,
                body=words.body,
            ),
        )
        return token

    async def _suggested(self, card: Card, decision: Decision, *, by: str) -> SuggestedBasis | None:
        """Return the basis that the country's rule allows, or else this person's last answer for the country."""
        rule = decision.country if isinstance(decision, NeedsLawfulBasis) else None
        if rule is None:
            return None
        if rule.basis is not None:
            return SuggestedBasis(basis=rule.basis, is_last=False)
        last = await self._store.mails.last_basis(by=by, country=card.evaluation.license.country)
        return None if last is None else SuggestedBasis(basis=last, is_last=True)


def _rendered(content: MailContent) -> RenderedMail:
    return RenderedMail(content.subject, content.body)
