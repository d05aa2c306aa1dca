"""The email a person wants to send: draft, preview, queue, cancel."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from bot.domain.card import Card, Recipient, recipients
from bot.domain.card_snapshot import UnmatchedCard
from bot.domain.evaluation import CardRef, Contact
from bot.domain.mail import LawfulBasis, MailContent
from bot.domain.mail_policy import Allowed, MailRules, NeedsLawfulBasis, RefusalReason, Refused
from bot.errors import CardUnknown, TemplateWrong
from bot.mail.outbound.compose import new_message_id
from bot.mail.templating.selection import select_templates
from bot.mail.templating.template import RenderedMail, Template
from bot.mail.templating.variables import variables_for
from bot.services.mail.mailer import Mailer
from bot.services.team.permissions import Signature
from bot.store import Store
from bot.store.mail.repository import MailRequest, MailStatus, QueuedMail

_LOOKS: Final = 50
_LOOK_AGAIN: Final = 0.1
"""Seconds between looks: another copy of the bot may have received the form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormWords:
    """What the form holds: the choices it was rendered with, and the words as the person edited them."""

    template: str
    recipient: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An email that may be sent, as far as is known now. `problem` says why the template could not be filled."""

    card: Card
    template: str
    names: Mapping[str, str]
    """Template ids to names."""
    recipient: str
    recipients: Mapping[str, Contact]
    refused: Sequence[Recipient]
    """The recipients on the license who cannot be emailed."""
    decision: Allowed | NeedsLawfulBasis
    rendered: RenderedMail
    kept: bool
    """Whether the person's own words were kept although the recipient changed."""
    problem: str | None


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
        self._store = store
        self._mailer = mailer
        self._templates = templates
        self._rules = rules
        self._address_of = address_of
        self._clock = clock
        self._today = today
        self._token = token
        self._keeping: dict[str, MailContent] = {}
        """Drafts being written to the store, by token; under load that can take a while."""

    async def draft(
        self,
        evaluation_id: int,
        *,
        signature: Signature,
        template: str | None = None,
        recipient: str | None = None,
        words: FormWords | None = None,
    ) -> Draft | Refused:
        """Fill a template for a contact; by default the first of each.

        Words that the person edited are kept while only the recipient changes.
        """
        if self._mailer is None or not self._templates:
            return Refused(RefusalReason.NOT_SET_UP)
        card = await self._store.evaluations.card(evaluation_id)
        if card is None:
            return Refused(RefusalReason.NO_CONTACT)
        choices = {each.role: each for each in recipients(card, self._rules, now=self._clock())}
        open_to = {role: each.decision for role, each in choices.items() if not isinstance(each.decision, Refused)}
        if not open_to:
            refusals = [each.decision for each in choices.values() if isinstance(each.decision, Refused)]
            return refusals[0] if refusals else Refused(RefusalReason.NO_CONTACT)
        role = next((each for each in open_to if each == recipient), next(iter(open_to)))
        sent = {mail.template for mail in card.mails if mail.attempt.state.blocks_resend}
        offered = select_templates(self._templates.values(), card.evaluation, today=self._today(), sent=sent)
        if offered.chosen is None:
            return Refused(RefusalReason.NO_TEMPLATE)
        names = _labels(offered.templates)
        chosen = template if template is not None and template in names else offered.chosen.id
        contacts: dict[str, Contact] = {each.role: each.person.contact for each in choices.values()}
        rendered, problem = self._fill(card, chosen, contacts[role], signature)
        own = self._own(card, words, contacts, signature) if words and words.template == chosen else None
        return Draft(
            card=card,
            template=chosen,
            names=names,
            recipient=role,
            recipients={each: contacts[each] for each in open_to},
            refused=[each for each in choices.values() if not each.is_open],
            decision=open_to[role],
            rendered=own or rendered,
            kept=own is not None and words is not None and words.recipient != role,
            problem=problem if own is None else None,
        )

    async def keep(self, token: str, content: MailContent) -> None:
        """Keep a draft until it is sent or a day has passed."""
        self._keeping[token] = content
        try:
            await self._store.drafts.keep(token, content, at=self._clock())
        finally:
            del self._keeping[token]

    async def kept(self, token: str) -> MailContent | None:
        """Return a draft, waiting for it if it is still being stored. None once it is gone."""
        for _ in range(_LOOKS):
            if content := self._keeping.get(token) or await self._store.drafts.read(token):
                return content
            await asyncio.sleep(_LOOK_AGAIN)
        return None

    async def enqueue(
        self, evaluation_id: int, content: MailContent, *, basis: LawfulBasis | None, by: str
    ) -> QueuedMail | NeedsLawfulBasis | Refused:
        """Queue the mail; it is sent after the undo window if the policy still allows it."""
        if self._mailer is None:
            return Refused(RefusalReason.NOT_SET_UP)
        template = self._templates.get(content.template)
        if template is None:
            return Refused(RefusalReason.NO_TEMPLATE)
        card = await self._store.evaluations.card(evaluation_id)
        owner = None if card is None else card.evaluation.owner
        now = self._clock()
        request = MailRequest(
            evaluation_id=evaluation_id,
            content=replace(
                content,
                template=template.family,
                language=template.language,
                reply_to=None if owner is None else await self._address_of(owner),
            ),
            basis=basis,
            message_id=new_message_id(self._token(), self._mailer.sender.address.domain),
            by=by,
            at=now,
            due_at=now + self._rules.hold,
        )
        return await self._store.mails.enqueue(request, self._rules)

    async def verify_card(self, mail_id: int, card: CardRef | None) -> None:
        """Raise CardUnknown if the email belongs to another evaluation than the card whose thread contains
        its button.
        """
        if card is None:
            return
        claimed = await self._store.bounces.evaluation(mail_id)
        if claimed is not None and not await self._store.evaluations.is_shown_by(claimed, card):
            raise CardUnknown(UnmatchedCard.UNKNOWN)

    async def cancel(self, mail_id: int, *, by: str) -> MailStatus | None:
        """Cancel one's own queued email. None if there is no such email."""
        return await self._store.mails.cancel(mail_id, by=by, at=self._clock())

    async def resend(self, mail_id: int, *, by: str) -> QueuedMail | Refused | MailStatus | None:
        """Send an email of unknown outcome again, once, if the policy still allows it.

        If somebody was faster, return their decision. None if there is no such email.
        """
        if self._mailer is None:
            return Refused(RefusalReason.NOT_SET_UP)
        return await self._store.mails.resend(mail_id, self._rules, by=by, at=self._clock())

    async def confirm(self, mail_id: int, *, by: str) -> MailStatus | None:
        """Record a person's word that an email of unknown outcome arrived. None if there is no such email."""
        return await self._store.mails.confirm(mail_id, by=by, at=self._clock())

    def _fill(
        self, card: Card, template: str, contact: Contact, signature: Signature
    ) -> tuple[RenderedMail, str | None]:
        variables = variables_for(
            card.evaluation,
            contact,
            sender_name=signature.name,
            sender_title=signature.title or None,
            vendor=None if self._mailer is None else self._mailer.vendor,
            today=self._today(),
        )
        try:
            return self._templates[template].fill(variables), None
        except TemplateWrong as exc:
            return RenderedMail("", ""), str(exc)

    def _own(
        self, card: Card, words: FormWords, contacts: Mapping[str, Contact], signature: Signature
    ) -> RenderedMail | None:
        """Return the words in the form if the person edited them, or None if they are the template's."""
        own = RenderedMail(words.subject, words.body)
        if words.recipient not in contacts:
            return None
        given, _ = self._fill(card, words.template, contacts[words.recipient], signature)
        return None if own == given else own


def _labels(templates: Sequence[Template]) -> dict[str, str]:
    """Return template names by id. Several templates with one name say which is which."""
    names = [each.name for each in templates]
    return {each.id: each.name if names.count(each.name) == 1 else f"{each.name} ({each.id})" for each in templates}
