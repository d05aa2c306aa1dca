"""The email form and its preview."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.evaluation import Contact
from bot.domain.mail import LawfulBasis
from bot.slack.blocks import plain, section, small
from bot.slack.ids import Field, View
from bot.slack.mrkdwn import render_markdown
from bot.slack.text import escape
from bot.slack.views.inputs import input_block, person_label, radio, select, text_input
from bot.slack.views.modal_metadata import EmailMetadata, ModalMetadata, PreviewMetadata
from bot.slack.views.modals import Modal, build_modal

_SUBJECT_LENGTH = 200
_BODY_LENGTH = 3000  # Slack's own limit of a text input


@dataclass(frozen=True, slots=True, kw_only=True)
class MailForm:
    """An email in the form: ids of template and recipient, the words, and what to know before sending."""

    template: str
    templates: Mapping[str, str]
    """Template ids to names."""
    recipient: str
    recipients: Mapping[str, Contact]
    """`technical`, `billing`: those who can be emailed."""
    subject: str
    body: str
    warnings: Sequence[str] = ()
    """Sentences of escaped mrkdwn."""
    needs_lawful_basis: bool = False


def email(metadata: ModalMetadata, letter: MailForm) -> Modal:
    """Return the email form. A choice may replace the words, so their inputs get new ids."""
    version = f"{letter.template}.{letter.recipient}"
    blocks = [section(f":warning: {warning}") for warning in letter.warnings]
    templates = {template: plain(name) for template, name in letter.templates.items()}
    recipients = {
        role: person_label(contact.name or contact.email, role) for role, contact in letter.recipients.items()
    }
    blocks += [
        input_block("Template", Field.TEMPLATE, select(templates, letter.template), dispatches=True),
        input_block("To", Field.RECIPIENT, radio(recipients, letter.recipient), dispatches=True),
        small(f"Goes to {escape(letter.recipients[letter.recipient].email or '')}"),
    ]
    if letter.needs_lawful_basis:
        grounds = {basis.name: plain(basis.value) for basis in LawfulBasis}
        blocks.append(input_block("On what ground may we write?", Field.GROUND, select(grounds, None)))
    blocks += [
        input_block("Subject", Field.SUBJECT, text_input(letter.subject, longest=_SUBJECT_LENGTH), version=version),
        input_block(
            "Text",
            Field.BODY,
            {**text_input(letter.body, longest=_BODY_LENGTH), "multiline": True},
            version=version,
            hint="Markdown: **bold**, [label](https://…). Why they get this, how to say no and your postal "
            "address are added below it.",
        ),
    ]
    shown = EmailMetadata.about(metadata, template=letter.template, recipient=letter.recipient)
    return build_modal(View.EMAIL, shown, blocks, submit="Preview")


def preview(view: Mapping[str, Any], filled: Mapping[Field, str], token: str) -> Modal:
    """Return the preview, made from the submitted form; `token` is where the draft is kept."""
    basis = filled.get(Field.GROUND)
    metadata = PreviewMetadata.about(
        ModalMetadata.unpack(view.get("private_metadata", "")),
        draft=token,
        basis=None if basis is None else LawfulBasis[basis],
    )
    blocks = [
        small(f"To {escape(_label(view, Field.RECIPIENT), longest=200)}"),
        section(f"*{escape(filled.get(Field.SUBJECT, ''), longest=400)}*"),
        *(section(text) for text in render_markdown(filled.get(Field.BODY, ""))),
        {"type": "divider"},
        small("Below it follow why they get this, how to say no, and your postal address."),
    ]
    return build_modal(View.PREVIEW, metadata, blocks, submit="Send")


def _label(view: Mapping[str, Any], field: Field) -> str:
    """Return the label of the chosen option."""
    states = (block.get(field) for block in view.get("state", {}).get("values", {}).values())
    options = ((state.get("selected_option") or {}) for state in states if state)
    return next((str(option.get("text", {}).get("text", "")) for option in options), "")
