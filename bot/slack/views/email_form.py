"""The form in which a person writes an email."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

from bot.domain.country_rules import CountryRule
from bot.domain.evaluation import Contact
from bot.domain.mail import LawfulBasis
from bot.slack.blocks import Block, plain, section, small
from bot.slack.ids import Field, View
from bot.slack.text import escape
from bot.slack.views.inputs import input_block, person_label, radio, select, text_input
from bot.slack.views.modal_metadata import EmailMetadata, ModalMetadata
from bot.slack.views.modals import Modal, build_modal

_SUBJECT_LENGTH: Final = 200
_BODY_LENGTH: Final = 3000  # Slack's own limit of a text input


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisQuestion:
    """The question for a legal basis: why it is asked, and what is selected from the start."""

    country: str | None = None
    rule: CountryRule | None = None
    """The country's rule, if it is the reason for the question."""
    suggested: LawfulBasis | None = None
    is_last: bool = False
    """Whether the suggestion is what this person answered last time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailForm:
    """An email in the form: ids of template and recipient, the words, and what to know before sending."""

    company: str
    app: str
    template: str
    templates: Mapping[str, str]
    """Template ids to names."""
    recipient: str
    recipients: Mapping[str, Contact]
    """`technical`, `billing`: those who can be emailed."""
    subject: str
    body: str
    edits: Mapping[str, str] = field(default_factory=dict)
    """The tokens of drafts that hold the person's own words, by template."""
    warnings: Sequence[str] = ()
    """Sentences of escaped mrkdwn."""
    basis: BasisQuestion | None = None
    """None if no legal basis needs to be chosen."""
    problem: str | None = None
    """Why this template cannot be filled. The form then has no words, and cannot be submitted."""


def email(metadata: ModalMetadata, form: MailForm) -> Modal:
    """Return the email form. A choice may replace the words, so their inputs get new ids."""
    templates = {template: plain(name) for template, name in form.templates.items()}
    recipients = {role: person_label(contact.name or contact.email, role) for role, contact in form.recipients.items()}
    blocks = [
        section(f"*{escape(form.company)}*\n{escape(form.app)}"),
        *(section(f":warning: {warning}") for warning in form.warnings),
        input_block("Template", Field.TEMPLATE, select(templates, form.template), dispatches=True),
        input_block("To", Field.RECIPIENT, radio(recipients, form.recipient), dispatches=True),
        small(f"Goes to {escape(form.recipients[form.recipient].email or '')}"),
    ]
    if form.problem is not None:
        blocks.append(section(f":no_entry_sign: {escape(form.problem, longest=500)}"))
    else:
        blocks += [*([] if form.basis is None else _basis(form.basis)), *_words(form)]
    shown = EmailMetadata.about(metadata, template=form.template, recipient=form.recipient, edits=form.edits)
    return build_modal(View.EMAIL, shown, blocks, title=f"Email {form.company}", submit="Preview")


def country_rule(country: str | None, rule: CountryRule) -> str:
    """Return a country's rule in one sentence of escaped mrkdwn, with a link to the law if there is one."""
    if not rule.why:
        no_rule = f"We have no rule for {escape(country)}" if country else "We don't know their country"
        return f"{no_rule}, so please choose a legal basis."
    law = f" <{rule.law}|Read the law>" if rule.law.startswith("https://") else ""
    return f"{escape(country) if country else 'Unknown country'}: {escape(rule.why, longest=400)}{law}"


def _basis(question: BasisQuestion) -> list[Block]:
    """Ask for the legal basis."""
    why = (
        "This address may not belong to the person who started the trial, so please choose a legal basis."
        if question.rule is None
        else country_rule(question.country, question.rule)
    )
    labels = {
        basis.name: plain(f"{basis.value} – last time" if question.is_last and basis is question.suggested else basis)
        for basis in LawfulBasis
        if not basis.is_of_answer
    }
    chosen = None if question.suggested is None else question.suggested.name
    return [small(why), input_block("Legal basis for this email", Field.BASIS, select(labels, chosen))]


def _words(form: MailForm) -> list[Block]:
    """Return the inputs of subject and text."""
    # Going back to a template must not bring back what was typed before: with other words, or since an edit was kept,
    # the ids differ.
    words = crc32(f"{form.subject}\n{form.body}\n{sorted(form.edits.values())}".encode(errors="replace"))
    version = f"{form.template}.{form.recipient}.{words:08x}"
    return [
        input_block("Subject", Field.SUBJECT, text_input(form.subject, longest=_SUBJECT_LENGTH), version=version),
        input_block(
            "Text",
            Field.BODY,
            {**text_input(form.body, longest=_BODY_LENGTH), "multiline": True},
            version=version,
            hint="Formatting: **bold**, [text](https://…). A footer with the reason, opt-out and postal address is "
            "added automatically.",
        ),
    ]
