"""Send the mail a person asked for: at most once, and never against policy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from bot.domain.card import Card
from bot.domain.evaluation import Contact, Evaluation
from bot.domain.policy import Allowed, MailState, Reason, Refused, may_contact
from bot.errors import MailError, MailOutcomeUnknown, TemplateWrong
from bot.mail.compose import Sender, compose, new_message_id
from bot.mail.facts import facts_of
from bot.mail.smtp import Smtp
from bot.mail.template import Filled, Template
from bot.mail.words import Words, words
from bot.store import Store
from bot.store.mails import Claimed, Order, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What it takes to send mail: a server, and who we are."""

    smtp: Smtp
    sender: Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A mail that may be sent, as far as is known now; `problem` says why the template could not be filled."""

    card: Card
    template: str
    names: Mapping[str, str]
    """Id to name, of each template there is."""
    recipient: str
    recipients: Mapping[str, Contact]
    filled: Filled
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The server has taken the mail for this contact."""

    contact: Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """The mail did not go, or, `unsure`, nobody knows; `why` is a sentence."""

    why: str
    unsure: bool


Outcome = Sent | NotSent | Refused


class Outreach:
    """Drafts and sends. Without a `post` office nothing is sent, and everybody who tries is told why."""

    def __init__(
        self,
        store: Store,
        post: Post | None,
        templates: Mapping[str, Template],
        *,
        clock: Callable[[], datetime],
        today: Callable[[], date],
        token: Callable[[], str],
    ) -> None:
        self._store = store
        self._post = post
        self._templates = templates
        self._clock = clock
        self._today = today
        self._token = token

    async def draft(
        self, evaluation_id: int, *, sender_name: str, template: str | None = None, recipient: str | None = None
    ) -> Draft | Refused:
        """A template filled in for a contact; where none is named, the first that there is."""
        if self._post is None or not self._templates:
            return Refused(Reason.NOT_SET_UP)
        card = await self._store.evaluations.card(evaluation_id)
        if card is None:
            return Refused(Reason.NO_CONTACT)
        choices = _choices(card)
        allowed = {role: contact for role, (contact, decision) in choices.items() if isinstance(decision, Allowed)}
        if not allowed:
            refusals = [decision for _, decision in choices.values() if isinstance(decision, Refused)]
            return refusals[0] if refusals else Refused(Reason.NO_CONTACT)
        role = recipient if recipient in allowed else next(iter(allowed))
        chosen = template if template is not None and template in self._templates else self._first_unsent(card)
        facts = facts_of(card.evaluation, allowed[role], sender_name=sender_name, today=self._today())
        try:
            filled, problem = self._templates[chosen].fill(facts), None
        except TemplateWrong as exc:
            filled, problem = Filled("", ""), str(exc)
        return Draft(
            card=card,
            template=chosen,
            names={id_: each.name for id_, each in self._templates.items()},
            recipient=role,
            recipients=allowed,
            filled=filled,
            problem=problem,
        )

    async def send(
        self, evaluation_id: int, *, template: str, recipient: str, subject: str, body: str, by: str
    ) -> Outcome:
        """Send these words, if policy allows it at this moment and nobody has sent this template before."""
        if self._post is None:
            return Refused(Reason.NOT_SET_UP)
        order = Order(
            evaluation_id=evaluation_id,
            template=template,
            recipient=recipient,
            subject=subject,
            body=body,
            message_id=new_message_id(self._token(), self._post.sender.address.domain),
            by=by,
            at=self._clock(),
        )
        claimed = await self._store.mails.claim(order)
        if isinstance(claimed, Refused):
            return claimed
        return await self._hand_over(self._post, claimed)

    async def send_again(self, mail_id: int, *, by: str) -> Outcome | Verdict | None:
        """Send a mail again of which nobody knows whether it arrived, once, if policy still allows it.

        Whoever comes late gets the verdict of who came first; None for a mail that never was.
        """
        if self._post is None:
            return Refused(Reason.NOT_SET_UP)
        claimed = await self._store.mails.claim_again(mail_id, by=by, at=self._clock())
        return await self._hand_over(self._post, claimed) if isinstance(claimed, Claimed) else claimed

    async def confirm(self, mail_id: int, *, by: str) -> Verdict | None:
        """Take a person's word that a mail arrived of which nobody knew; None for a mail that never was."""
        return await self._store.mails.confirm(mail_id, by=by, at=self._clock())

    async def _hand_over(self, post: Post, claimed: Claimed) -> Outcome:
        order = claimed.order
        card = await self._store.evaluations.card(order.evaluation_id)
        try:
            message = compose(
                sender=post.sender,
                to_address=claimed.address,
                to_name=claimed.contact.name,
                subject=order.subject,
                body=order.body,
                words=_words(card.evaluation if card else None),
                message_id=order.message_id,
                date=order.at,
            )
            await post.smtp.send(
                message.as_bytes(), envelope_from=post.sender.address.addr_spec, recipient=claimed.address
            )
        except MailOutcomeUnknown as exc:
            await self._settle(claimed, MailState.UNKNOWN, error=str(exc))
            return NotSent(why=str(exc), unsure=True)
        except MailError as exc:
            await self._settle(claimed, MailState.FAILED, error=str(exc))
            return NotSent(why=str(exc), unsure=False)
        await self._settle(claimed, MailState.SENT)
        return Sent(contact=claimed.contact)

    async def _settle(self, claimed: Claimed, state: MailState, *, error: str = "") -> None:
        await self._store.mails.settle(claimed.mail_id, state, at=self._clock(), error=error)

    def _first_unsent(self, card: Card) -> str:
        sent = {mail.template for mail in card.mails if mail.attempt.state is not MailState.FAILED}
        welcome_first = sorted(
            self._templates, key=lambda template: (template in sent, template != "welcome", template)
        )
        return welcome_first[0]


def _choices(card: Card) -> dict[str, tuple[Contact, Allowed | Refused]]:
    """Each contact on the license by role, and whether they may be written to."""
    evaluation = card.evaluation
    marked = {person.contact: person.opt_out is not None for person in card.people}
    roles = {"technical": evaluation.license.technical, "billing": evaluation.license.billing}
    return {
        role: (
            contact,
            may_contact(
                evaluation.license,
                evaluation.trial,
                contact,
                opted_out=marked.get(contact, False),
                context=card.context,
            ),
        )
        for role, contact in roles.items()
        if contact is not None
    }


def _words(evaluation: Evaluation | None) -> Words:
    if evaluation is None:
        return words("en", app=None, began=None)
    return words("en", app=evaluation.license.app_name, began=evaluation.trial.started)
