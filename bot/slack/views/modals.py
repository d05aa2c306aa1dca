"""The modals: what a person fills in, and what comes back."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.domain.dnc import REASON_CHOICES
from bot.domain.evaluation import CardRef, Contact
from bot.domain.mail import LawfulBasis
from bot.errors import InteractionUnreadable
from bot.slack.blocks import Block, plain, section, small
from bot.slack.client.payload import read_id
from bot.slack.ids import Field, View
from bot.slack.mrkdwn import render_markdown
from bot.slack.text import escape, mention
from bot.slack.views.inputs import input_block, person_label, radio, select, text_input

Modal = dict[str, Any]

_SUBJECT_LENGTH = 200
_BODY_LENGTH = 3000  # Slack's own limit of a text input


@dataclass(frozen=True, slots=True, kw_only=True)
class ModalMetadata:
    """What a modal is about. Slack passes it back in the open, so it holds only ids."""

    evaluation_id: int
    channel: str
    seen: str | None = None
    """What the person saw and is about to change: the owner, or when the entry was added."""
    card: str | None = None
    """The timestamp of the card that the modal was opened from."""

    @property
    def place(self) -> CardRef | None:
        """The card that the modal was opened from, as a reference."""
        return None if self.card is None else CardRef(channel=self.channel, ts=self.card)

    def pack(self) -> str:
        """Return it as a view's private metadata."""
        return json.dumps([self.evaluation_id, self.channel, self.seen, self.card])

    @classmethod
    def unpack(cls, metadata: str) -> "ModalMetadata":
        """Read the metadata from a view's private metadata. Raises InteractionUnreadable if the bot did not
        write it.
        """
        try:
            # A modal opened by an older version has no card.
            number, channel, seen, card = [*json.loads(metadata), None][:4]
        except (ValueError, TypeError, RecursionError) as exc:
            raise InteractionUnreadable from exc
        evaluation_id = read_id(str(number))
        if evaluation_id is None or not isinstance(channel, str):
            raise InteractionUnreadable
        if not isinstance(seen, str | None) or not isinstance(card, str | None):
            raise InteractionUnreadable
        return cls(evaluation_id=evaluation_id, channel=channel, seen=seen, card=card)


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


def loading(view: View, metadata: ModalMetadata) -> Modal:
    """Return the modal shown at once while its content is loaded: a trigger expires after three seconds."""
    return build_modal(view, metadata, [section(":hourglass_flowing_sand: One moment…")])


def message(text: str) -> Modal:
    """Return a modal with one message. `text` is escaped mrkdwn."""
    return {
        "type": "modal",
        "callback_id": View.MESSAGE,
        "title": plain("Evaluator Bot", longest=24),
        "close": plain("Close", longest=24),
        "blocks": [section(text)],
    }


def email(metadata: ModalMetadata, letter: MailForm) -> Modal:
    """Return the email form. A choice may replace the words, so their inputs get new ids."""
    version = f"{letter.template}.{letter.recipient}"
    metadata = replace(metadata, seen=f"{letter.template} {letter.recipient}")
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
        input_block(
            "Subject",
            Field.SUBJECT,
            text_input(letter.subject, longest=_SUBJECT_LENGTH),
            version=version,
        ),
        input_block(
            "Text",
            Field.BODY,
            {**text_input(letter.body, longest=_BODY_LENGTH), "multiline": True},
            version=version,
            hint="Markdown: **bold**, [label](https://…). Why they get this, how to say no and your postal "
            "address are added below it.",
        ),
    ]
    return build_modal(View.EMAIL, metadata, blocks, submit="Preview")


def preview(view: Mapping[str, Any], token: str) -> Modal:
    """Return the preview, made from the submitted form; `token` is where the draft is kept."""
    filled = values(view)
    metadata = ModalMetadata.unpack(view.get("private_metadata", ""))
    chosen = f"{token} {filled.get(Field.GROUND, '')}".strip()
    blocks = [
        small(f"To {escape(_label(view, Field.RECIPIENT), longest=200)}"),
        section(f"*{escape(filled.get(Field.SUBJECT, ''), longest=400)}*"),
        *(section(text) for text in render_markdown(filled.get(Field.BODY, ""))),
        {"type": "divider"},
        small("Below it follow why they get this, how to say no, and your postal address."),
    ]
    return build_modal(View.PREVIEW, replace(metadata, seen=chosen), blocks, submit="Send")


def acknowledgement(view: Mapping[str, Any], token: str) -> dict[str, Any]:
    """Return the acknowledgement of a submitted modal: what to show next, if anything."""
    if wrong := blank(view):
        return {"response_action": "errors", "errors": wrong}
    match view.get("callback_id"):
        case View.EMAIL if not incomplete(view):
            return {"response_action": "push", "view": preview(view, token)}
        case View.PREVIEW:
            return {"response_action": "clear"}
        case _:
            return {}


def draft_token(trigger: str) -> str:
    """Return the token of a draft, made from the form's trigger: each form is submitted once, and nobody
    can guess it.
    """
    return hashlib.sha256(trigger.encode()).hexdigest()[:32]


def shown(metadata: ModalMetadata) -> tuple[str, str]:
    """Return the template and the recipient that the form was rendered with."""
    template, _, recipient = (metadata.seen or "").rpartition(" ")
    return template, recipient


def chosen(metadata: ModalMetadata) -> tuple[str, LawfulBasis | None]:
    """Return the token of a preview's stored draft, and the lawful basis named. Raises InteractionUnreadable for any
    other basis.
    """
    token, _, basis = (metadata.seen or "").partition(" ")
    if basis and basis not in LawfulBasis.__members__:
        raise InteractionUnreadable
    return token, LawfulBasis[basis] if basis else None


def assign(metadata: ModalMetadata) -> Modal:
    """Ask who will own the evaluation."""
    chooser: Block = {"type": "users_select", "placeholder": plain("Choose a person")}
    if metadata.seen:
        chooser["initial_user"] = metadata.seen
    now = f"Owner now: {mention(metadata.seen)}" if metadata.seen else "It has no owner yet."
    return build_modal(View.ASSIGN, metadata, [small(now), input_block("Owner", Field.OWNER, chooser)], submit="Assign")


def values(view: Mapping[str, Any]) -> dict[Field, str]:
    """Return the values a person entered, by field: texts, ids of options, users.

    A field is missing if it was left empty, has only white space, or is not one of its options.
    """
    found = {}
    for _, field, state in _inputs(view):
        chosen = state.get("selected_option") or {}
        value = str(state.get("value") or state.get("selected_user") or chosen.get("value") or "")
        if value.strip() and value in _OPTIONS.get(field, {value}):
            found[field] = value
    return found


def blank(view: Mapping[str, Any]) -> dict[str, str]:
    """Return the message for each required input that was left empty, by block id."""
    found = values(view)
    # These are in a form only where they are required; a note is optional in some forms and not in others.
    needed = {*_needed(view), Field.SUBJECT, Field.BODY, Field.GROUND}
    return {
        block_id: "Please write something." if field in _WRITTEN else "Please choose."
        for block_id, field, _ in _inputs(view)
        if field in needed and field not in found
    }


def incomplete(view: Mapping[str, Any]) -> bool:
    """Return whether a form lacks a required field or is not about an evaluation."""
    try:
        ModalMetadata.unpack(view.get("private_metadata", ""))
    except InteractionUnreadable:
        return True
    return not _needed(view) <= values(view).keys()


def field_of(view: Mapping[str, Any], field: Field) -> str | None:
    """Return the id of the block of a field, or None."""
    return next((block_id for block_id, each, _ in _inputs(view) if each is field), None)


_NEEDED: Final[Mapping[str, frozenset[Field]]] = {
    View.EMAIL: frozenset({Field.TEMPLATE, Field.RECIPIENT, Field.SUBJECT, Field.BODY}),
    View.DO_NOT_CONTACT: frozenset({Field.RECIPIENT, Field.REASON}),
    View.CONTACT_AGAIN: frozenset({Field.NOTE}),
    View.ASSIGN: frozenset({Field.OWNER}),
}
_WRITTEN: Final = frozenset({Field.SUBJECT, Field.BODY, Field.NOTE})
_OPTIONS: Final[Mapping[Field, frozenset[str]]] = {
    Field.RECIPIENT: frozenset({"technical", "billing"}),
    Field.REASON: frozenset(reason.name for reason in REASON_CHOICES),
    Field.GROUND: frozenset(LawfulBasis.__members__),
}


def _needed(view: Mapping[str, Any]) -> frozenset[Field]:
    return _NEEDED.get(view.get("callback_id", ""), frozenset())


def _inputs(view: Mapping[str, Any]) -> Iterator[tuple[str, Field, Mapping[str, Any]]]:
    """Yield each of the bot's inputs with the id of its block and its state."""
    for block_id, block in view.get("state", {}).get("values", {}).items():
        for action_id, state in block.items():
            if action_id in set(Field):
                yield block_id, Field(action_id), state


_TITLES = {
    View.EMAIL: "Write a mail",
    View.PREVIEW: "Is it right?",
    View.DO_NOT_CONTACT: "Do not contact",
    View.CONTACT_AGAIN: "Lift do-not-contact",
    View.ASSIGN: "Assign",
}


def _label(view: Mapping[str, Any], field: Field) -> str:
    """Return the label of the chosen option."""
    options = (state.get("selected_option") or {} for _, each, state in _inputs(view) if each is field)
    return next((str(option.get("text", {}).get("text", "")) for option in options), "")


def build_modal(view: View, metadata: ModalMetadata, blocks: list[Block], *, submit: str | None = None) -> Modal:
    """Return a modal with these blocks; without `submit`, it has only a button to close it."""
    modal = {
        "type": "modal",
        "callback_id": view.value,
        "title": plain(_TITLES[view], longest=24),
        "close": plain("Back" if view is View.PREVIEW else "Cancel", longest=24),
        "private_metadata": metadata.pack(),
        "blocks": blocks,
    }
    return modal if submit is None else {**modal, "submit": plain(submit, longest=24)}
