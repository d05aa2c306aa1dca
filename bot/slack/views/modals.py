"""The modals: what a person fills in, and what comes back."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.domain.dnc import REASON_CHOICES, Authority, DncEntry, may_lift
from bot.domain.evaluation import CardRef, Contact
from bot.domain.mail import LawfulBasis
from bot.errors import InteractionUnreadable
from bot.slack.blocks import Block, plain, section, small
from bot.slack.client.payload import read_id
from bot.slack.ids import Field, View
from bot.slack.mrkdwn import render_markdown
from bot.slack.text import escape, mention, tame
from bot.slack.views.history import describe_scope

Modal = dict[str, Any]

_SUBJECT_LENGTH = 200
_BODY_LENGTH = 3000  # Slack's own limit of a text input


@dataclass(frozen=True, slots=True, kw_only=True)
class ModalMetadata:
    """What a modal is about. It travels through Slack in the open, so it holds ids and nothing else."""

    evaluation_id: int
    channel: str
    seen: str | None = None
    """What the person saw and is about to change: the owner, or when the mark was set."""
    card: str | None = None
    """The timestamp of the card it was opened from."""

    @property
    def place(self) -> CardRef | None:
        """Where the card stands that it was opened from."""
        return None if self.card is None else CardRef(channel=self.channel, ts=self.card)

    def pack(self) -> str:
        """As private metadata of a view."""
        return json.dumps([self.evaluation_id, self.channel, self.seen, self.card])

    @classmethod
    def unpack(cls, metadata: str) -> "ModalMetadata":
        """From private metadata of a view. InteractionUnreadable for what we did not write there."""
        try:
            # A modal that was opened by an older version has no card.
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
    """A mail as it stands in the modal: ids of template and recipient, the words, and what to know before sending."""

    template: str
    templates: Mapping[str, str]
    """Id to name, of each template there is."""
    recipient: str
    recipients: Mapping[str, Contact]
    """`technical`, `billing`: those who can be written to."""
    subject: str
    body: str
    warnings: Sequence[str] = ()
    """Sentences of mrkdwn, escaped."""
    needs_lawful_basis: bool = False


def loading(view: View, metadata: ModalMetadata) -> Modal:
    """What is shown at once, while the real content is fetched: a trigger lives three seconds."""
    return _modal(view, metadata, [section(":hourglass_flowing_sand: One moment…")])


def message(text: str) -> Modal:
    """A modal that says one thing. `text` is mrkdwn, escaped."""
    return {
        "type": "modal",
        "callback_id": View.MESSAGE,
        "title": plain("Evaluator Bot", longest=24),
        "close": plain("Close", longest=24),
        "blocks": [section(text)],
    }


def email(metadata: ModalMetadata, letter: MailForm) -> Modal:
    """Choose, read, change, look at it. Choosing may fill the words in anew, so their inputs are new ones, too."""
    version = f"{letter.template}.{letter.recipient}"
    metadata = replace(metadata, seen=f"{letter.template} {letter.recipient}")
    blocks = [section(f":warning: {warning}") for warning in letter.warnings]
    templates = {template: plain(name) for template, name in letter.templates.items()}
    recipients = {role: _person(contact.name or contact.email, role) for role, contact in letter.recipients.items()}
    blocks += [
        _input("Template", Field.TEMPLATE, _select(templates, letter.template), dispatches=True),
        _input("To", Field.RECIPIENT, _radio(recipients, letter.recipient), dispatches=True),
        small(f"Goes to {escape(letter.recipients[letter.recipient].email or '')}"),
    ]
    if letter.needs_lawful_basis:
        grounds = {basis.name: plain(basis.value) for basis in LawfulBasis}
        blocks.append(_input("On what ground may we write?", Field.GROUND, _select(grounds, None)))
    blocks += [
        _input(
            "Subject",
            Field.SUBJECT,
            _text(letter.subject, longest=_SUBJECT_LENGTH),
            version=version,
        ),
        _input(
            "Text",
            Field.BODY,
            {**_text(letter.body, longest=_BODY_LENGTH), "multiline": True},
            version=version,
            hint="Markdown: **bold**, [label](https://…). Why they get this, how to say no and your postal "
            "address are added below it.",
        ),
    ]
    return _modal(View.EMAIL, metadata, blocks, submit="Preview")


def preview(view: Mapping[str, Any], token: str) -> Modal:
    """What will be sent, made of the form as it was filled in; `token` is where the words are kept meanwhile."""
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
    return _modal(View.PREVIEW, replace(metadata, seen=chosen), blocks, submit="Send")


def acknowledgement(view: Mapping[str, Any], token: str) -> dict[str, Any]:
    """What Slack is told at once when a modal is sent: what to show next, if not nothing."""
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
    """Where the words of a preview are kept, by the trigger of the form: each is sent once, and nobody guesses it."""
    return hashlib.sha256(trigger.encode()).hexdigest()[:32]


def shown(metadata: ModalMetadata) -> tuple[str, str]:
    """The template and the recipient with which the form was painted."""
    template, _, recipient = (metadata.seen or "").rpartition(" ")
    return template, recipient


def chosen(metadata: ModalMetadata) -> tuple[str, LawfulBasis | None]:
    """Where the words of a preview are kept, and the ground that was named. InteractionUnreadable for another one."""
    token, _, basis = (metadata.seen or "").partition(" ")
    if basis and basis not in LawfulBasis.__members__:
        raise InteractionUnreadable
    return token, LawfulBasis[basis] if basis else None


def do_not_contact(metadata: ModalMetadata, people: Mapping[str, Contact]) -> Modal:
    """Ask who, why, and say what it means; sending this form is the confirmation."""
    options = {role: _person(contact.email, role) for role, contact in people.items()}
    reasons = {reason.name: plain(reason.words) for reason in REASON_CHOICES}
    blocks = [
        section(
            "From now on nobody can mail this address from here, *for any evaluation*. Every card of it shows that."
        ),
        _input("Who", Field.RECIPIENT, _radio(options, next(iter(options)))),
        _input("Why", Field.REASON, _select(reasons, None)),
        _note("Anything the team should know", optional=True),
    ]
    return _modal(View.DO_NOT_CONTACT, metadata, blocks, submit="Do not contact")


def contact_again(metadata: ModalMetadata, entry: DncEntry) -> Modal:
    """Ask why a mark may be lifted; the answer stays on record."""
    consent = (
        "Lift it only with their *written consent*; say where it is."
        if not may_lift(entry.reason, Authority.MEMBER)
        else "Lift it only if they agreed, or if it was a mistake."
    )
    blocks = [
        section(f"Marked{describe_scope(entry)} because: *{entry.reason.words}*. {consent}"),
        _note("Why may we write again?", optional=False),
    ]
    return _modal(View.CONTACT_AGAIN, metadata, blocks, submit="Lift it")


def assign(metadata: ModalMetadata) -> Modal:
    """Ask who shall own the evaluation."""
    select: Block = {"type": "users_select", "placeholder": plain("Choose a person")}
    if metadata.seen:
        select["initial_user"] = metadata.seen
    now = f"Owner now: {mention(metadata.seen)}" if metadata.seen else "It has no owner yet."
    return _modal(View.ASSIGN, metadata, [small(now), _input("Owner", Field.OWNER, select)], submit="Assign")


def values(view: Mapping[str, Any]) -> dict[Field, str]:
    """What a person filled in, by field: texts, ids of options, users.

    What was left empty, holds nothing but white space, or is no option of ours is missing.
    """
    found = {}
    for _, field, state in _inputs(view):
        chosen = state.get("selected_option") or {}
        value = str(state.get("value") or state.get("selected_user") or chosen.get("value") or "")
        if value.strip() and value in _OPTIONS.get(field, {value}):
            found[field] = value
    return found


def blank(view: Mapping[str, Any]) -> dict[str, str]:
    """What to say under each input that must be filled in and is not, by block id."""
    found = values(view)
    # These stand in a form only where they are needed; a note may be left out of one form and not of another.
    needed = {*_needed(view), Field.SUBJECT, Field.BODY, Field.GROUND}
    return {
        block_id: "Please write something." if field in _WRITTEN else "Please choose."
        for block_id, field, _ in _inputs(view)
        if field in needed and field not in found
    }


def incomplete(view: Mapping[str, Any]) -> bool:
    """Whether a form lacks what it must have, or is not about an evaluation."""
    try:
        ModalMetadata.unpack(view.get("private_metadata", ""))
    except InteractionUnreadable:
        return True
    return not _needed(view) <= values(view).keys()


def field_of(view: Mapping[str, Any], field: Field) -> str | None:
    """The id of the block in which a field stands."""
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
    """Each input of ours with its block's id and its state."""
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
    """The words of the option that was chosen."""
    options = (state.get("selected_option") or {} for _, each, state in _inputs(view) if each is field)
    return next((str(option.get("text", {}).get("text", "")) for option in options), "")


def _modal(view: View, metadata: ModalMetadata, blocks: list[Block], *, submit: str | None = None) -> Modal:
    modal = {
        "type": "modal",
        "callback_id": view.value,
        "title": plain(_TITLES[view], longest=24),
        "close": plain("Back" if view is View.PREVIEW else "Cancel", longest=24),
        "private_metadata": metadata.pack(),
        "blocks": blocks,
    }
    return modal if submit is None else {**modal, "submit": plain(submit, longest=24)}


def _input(
    label: str, field: Field, element: Block, *, version: str = "", dispatches: bool = False, hint: str | None = None
) -> Block:
    block = {
        "type": "input",
        # Slack keeps what a person typed while the ids stay the same; new content needs a new id.
        "block_id": f"{field}.{version}" if version else field.value,
        "label": plain(label, longest=200),
        "element": {**element, "action_id": field.value},
        "dispatch_action": dispatches,
    }
    return block if hint is None else {**block, "hint": plain(hint, longest=300)}


def _note(label: str, *, optional: bool) -> Block:
    element = {**_text("", longest=500), "multiline": True}
    return {**_input(label, Field.NOTE, element), "optional": optional}


def _text(words: str, *, longest: int) -> Block:
    """A text input; Slack refuses first words that are longer than it takes."""
    filled = {"initial_value": words[:longest]} if words else {}
    return {"type": "plain_text_input", "max_length": longest, **filled}


def _person(name: str | None, role: str) -> Block:
    """An option's label, cut in the name: the role tells two people of one long name apart."""
    return plain(f"{tame(name or '', longest=50)} ({role} contact)")


def _options(labels: Mapping[str, Block]) -> list[Block]:
    return [{"text": label, "value": value} for value, label in labels.items()]


def _chosen(labels: Mapping[str, Block], chosen: str | None) -> Block:
    return {} if chosen is None else {"initial_option": {"text": labels[chosen], "value": chosen}}


def _select(labels: Mapping[str, Block], chosen: str | None) -> Block:
    return {"type": "static_select", "options": _options(labels), **_chosen(labels, chosen)}


def _radio(labels: Mapping[str, Block], chosen: str) -> Block:
    return {"type": "radio_buttons", "options": _options(labels), **_chosen(labels, chosen)}
