"""The forms that add and lift do-not-contact entries, from a card or by a command."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bot.domain.dnc import Authority, DncEntry, DncScope, DncTarget, may_lift
from bot.domain.dnc_reason import REASON_CHOICES
from bot.domain.evaluation import Contact
from bot.errors import InteractionUnreadable
from bot.slack.blocks import Block, Message, button, plain, section
from bot.slack.ids import Field, View
from bot.slack.text import escape
from bot.slack.views.history import describe_scope
from bot.slack.views.inputs import NOTE_LENGTH, input_block, note_input, person_label, radio, select
from bot.slack.views.modal_metadata import ContactAgainMetadata, ModalMetadata
from bot.slack.views.modals import Modal, build_modal

_COVERED: Final = {
    DncScope.ADDRESS: "this address",
    DncScope.DOMAIN: "anyone at this domain",
    DncScope.SITE: "anyone at this site",
}
_TITLES: Final = {View.DNC_ADD: "Do not contact", View.DNC_LIFT: "Remove block"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DncRequest:
    """What somebody typed after `dnc add` or `dnc lift`. Slack keeps it for the bot, in a form or a button."""

    view: View
    channel: str
    target: DncTarget
    note: str = ""
    added_at: datetime | None = None
    """When the entry was added that the person is about to lift."""

    def pack(self) -> str:
        """Return it as a view's private metadata or a button's value."""
        added_at = None if self.added_at is None else self.added_at.isoformat()
        packed = [self.view, self.channel, str(self.target), self.note[:NOTE_LENGTH], added_at]
        return json.dumps(packed, ensure_ascii=False)

    @classmethod
    def unpack(cls, packed: str) -> "DncRequest":
        """Read what `pack` returned. Raises InteractionUnreadable for anything else."""
        try:
            view, channel, named, note, added_at = json.loads(packed)
            target = DncTarget.read(named)
            at = None if added_at is None else datetime.fromisoformat(added_at)
        except (ValueError, TypeError, AttributeError, RecursionError) as exc:
            raise InteractionUnreadable from exc
        is_text = isinstance(channel, str) and isinstance(note, str)
        if view not in _TITLES or not is_text or target is None or (at is not None and at.tzinfo is None):
            raise InteractionUnreadable
        return cls(view=View(view), channel=channel, target=target, note=note, added_at=at)


def do_not_contact(metadata: ModalMetadata, people: Mapping[str, Contact]) -> Modal:
    """Ask which contact to block and why. Submitting this form is the confirmation."""
    options = {role: person_label(contact.email, role) for role, contact in people.items()}
    blocks = [
        section(_effect("this address")),
        input_block("Who", Field.RECIPIENT, radio(options, next(iter(options)))),
        *_reason_inputs(),
    ]
    return build_modal(View.DO_NOT_CONTACT, metadata, blocks, submit="Block")


def contact_again(metadata: ContactAgainMetadata, entry: DncEntry) -> Modal:
    """Ask why an entry may be lifted; the answer stays on record."""
    return build_modal(View.CONTACT_AGAIN, metadata, _lift_blocks(entry), submit="Remove block")


def add_form(request: DncRequest) -> Modal:
    """Ask why the target of a command is to be blocked."""
    effect = f"*{escape(str(request.target), longest=300)}*\n{_effect(_COVERED[request.target.scope])}"
    return _form(replace(request, note=""), [section(effect), *_reason_inputs(request.note)], submit="Block")


def lift_form(request: DncRequest, entry: DncEntry) -> Modal:
    """Ask why the entry that covers the target of a command may be lifted. It may cover more than was typed."""
    target = entry.target or request.target
    named = section(f"*{escape(str(target), longest=300)}*")
    about = replace(request, target=target, note="", added_at=entry.at)
    return _form(about, [named, *_lift_blocks(entry, request.note)], submit="Remove block")


def loading(request: DncRequest) -> Modal:
    """Return the form shown at once while its content is loaded: a trigger expires after three seconds."""
    return _form(request, [section(":hourglass_flowing_sand: One moment…")])


def button_to_form(request: DncRequest) -> Message:
    """Return a message with a button to the form, for a command whose trigger has expired."""
    text = f"{escape(str(request.target))}: that took too long for Slack. Please open the form again."
    form = button(request.view, "Open form…", request.pack())
    return Message(text=text, blocks=[section(text), {"type": "actions", "elements": [form]}])


def _effect(covered: str) -> str:
    return f"Nobody will be able to email {covered} from here, *for any evaluation*. All its cards will show this."


def _reason_inputs(words: str = "") -> list[Block]:
    reasons = {reason.name: plain(reason.words) for reason in REASON_CHOICES}
    return [
        input_block("Why", Field.REASON, select(reasons, None)),
        note_input("Anything the team should know", optional=True, words=words),
    ]


def _lift_blocks(entry: DncEntry, words: str = "") -> list[Block]:
    needs_consent = not may_lift(entry.reason, Authority.MEMBER)
    consent = (
        "Remove this only with their *written consent*, and say where it is."
        if needs_consent
        else "Remove this only if they agreed, or if it was a mistake."
    )
    return [
        section(f"Blocked{describe_scope(entry)}: *{entry.reason.words}*. {consent}"),
        note_input("Why can we contact them again?", optional=False, words=words),
    ]


def _form(request: DncRequest, blocks: list[Block], *, submit: str | None = None) -> Modal:
    modal = {
        "type": "modal",
        "callback_id": request.view.value,
        "title": plain(_TITLES[request.view], longest=24),
        "close": plain("Cancel", longest=24),
        "private_metadata": request.pack(),
        "blocks": blocks,
    }
    return modal if submit is None else {**modal, "submit": plain(submit, longest=24)}
