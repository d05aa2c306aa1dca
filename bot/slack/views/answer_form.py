"""The form in which a person answers somebody who wrote to us."""

from dataclasses import dataclass
from typing import Final

from bot.domain.address import canonical
from bot.domain.card import title
from bot.domain.evaluation import Contact, License
from bot.domain.mail import LawfulBasis
from bot.slack.blocks import section, small
from bot.slack.ids import Field, View
from bot.slack.text import escape
from bot.slack.views.inputs import input_block, lines_input, text_input
from bot.slack.views.modal_metadata import ModalMetadata
from bot.slack.views.modals import Modal, build_modal
from bot.slack.views.received import quote

_SUBJECT_LENGTH: Final = 200
_BODY_LENGTH: Final = 3000  # Slack's own limit of a text input
_QUOTED: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """What the form shows: what they wrote, and who gets the answer."""

    license: License
    quoted: str
    to: Contact
    writer: str | None
    """The address that wrote, if the answer goes to another one."""
    subject: str
    basis: LawfulBasis
    warning: str = ""
    """What the sender should know first, as mrkdwn."""


def answer(metadata: ModalMetadata, about: Answering, *, view: View = View.ANSWER) -> Modal:
    """Return the form for an answer."""
    license_, address = about.license, about.to.email or ""
    warnings = [section(f":warning: {about.warning}")] if about.warning else []
    if about.writer is not None and canonical(about.writer) != canonical(address):
        wrote = f"{escape(about.writer)} wrote this. Your answer goes to {escape(address)}, the contact in the report."
        warnings.append(section(f":warning: {wrote}"))
    thread = "It goes into the same email thread, with the usual footer. " if view is View.ANSWER else ""
    hint = f"{thread}Formatting: **bold**, [text](https://…)."
    blocks = [
        section(f"*{escape(title(license_))}*\n{escape(license_.app_name)}"),
        *([quote(about.quoted, longest=_QUOTED)] if about.quoted else []),
        *warnings,
        small(f"Goes to {escape(address)} · Legal basis: {about.basis}"),
        input_block("Subject", Field.SUBJECT, text_input(about.subject[:_SUBJECT_LENGTH], longest=_SUBJECT_LENGTH)),
        input_block("Text", Field.BODY, lines_input(_BODY_LENGTH), hint=hint),
    ]
    return build_modal(view, metadata, blocks, title=f"Answer {title(license_)}", submit="Preview")
