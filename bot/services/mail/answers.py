"""An answer to a reply: who gets it, under which subject, and whether it may be sent."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.domain.address import canonical
from bot.domain.card import Card, Person, mailable
from bot.domain.dnc import DncEntry, forbidding
from bot.domain.evaluation import Contact, ContactRole
from bot.domain.feedback import FeedbackMessage
from bot.domain.mail import LawfulBasis, MailContent
from bot.domain.mail_policy import MailRules, RefusalReason, Refused
from bot.domain.replies import Reply, ReplyContent
from bot.domain.reply_matching import without_prefixes

_SPACES: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDraft:
    """What the form for an answer shows."""

    card: Card
    reply: Reply
    content: ReplyContent
    role: ContactRole
    person: Person
    subject: str
    basis: LawfulBasis = LawfulBasis.WROTE


def draft_answer(card: Card, reply: Reply, mail: MailContent | None, rules: MailRules) -> AnswerDraft | Refused:
    """Return the form's content. The answer goes to the address that our email went to, or not at all.

    Somebody else may have written the reply. Their address came from nobody who may give it to us.
    """
    if reply.content is None or mail is None:
        return Refused(RefusalReason.NO_WORDS)
    license_ = card.evaluation.license
    for role in (mail.recipient, *ContactRole):
        contact = license_.contact(role)
        if contact is None or contact.email is None or canonical(contact.email) != canonical(mail.to):
            continue
        who = next((each for each in card.people if each.contact == contact), Person(contact=contact))
        decision = mailable(card, who, rules, basis=LawfulBasis.WROTE)
        if isinstance(decision, Refused):
            return decision
        subject = _SPACES.sub(" ", without_prefixes(reply.content.subject) or without_prefixes(mail.subject)).strip()
        return AnswerDraft(
            card=card, reply=reply, content=reply.content, role=role, person=who, subject=f"Re: {subject}"
        )
    return Refused(RefusalReason.ANOTHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackDraft:
    """What the form for an answer to feedback shows."""

    card: Card
    message: FeedbackMessage
    person: Contact
    subject: str
    basis: LawfulBasis
    unsubscribed: DncEntry | None = None
    """They unsubscribed, and asked for an answer after that: only an admin sends it."""


def draft_feedback_answer(
    card: Card, message: FeedbackMessage, rules: MailRules, entries: Sequence[DncEntry]
) -> FeedbackDraft | Refused:
    """Return the form's content. The answer goes to the address that the person gave for it, which `entries` cover."""
    person = message.person
    if person is None:
        return Refused(RefusalReason.NO_WORDS)
    entry, before = forbidding(entries, asked_at=message.at), forbidding(entries)
    basis = LawfulBasis.ASKED if before is None else LawfulBasis.ASKED_SINCE
    decision = mailable(card, Person(contact=person, dnc_entry=entry), rules, basis=basis)
    if isinstance(decision, Refused):
        return decision
    app = card.evaluation.license.app_name
    return FeedbackDraft(card=card, message=message, person=person, subject=app, basis=basis, unsubscribed=before)
