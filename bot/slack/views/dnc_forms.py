"""The forms that add and lift do-not-contact entries."""

from collections.abc import Mapping

from bot.domain.dnc import REASON_CHOICES, Authority, DncEntry, may_lift
from bot.domain.evaluation import Contact
from bot.slack.blocks import plain, section
from bot.slack.ids import Field, View
from bot.slack.views.history import describe_scope
from bot.slack.views.inputs import input_block, note_input, person_label, radio, select
from bot.slack.views.modal_metadata import ContactAgainMetadata, ModalMetadata
from bot.slack.views.modals import Modal, build_modal


def do_not_contact(metadata: ModalMetadata, people: Mapping[str, Contact]) -> Modal:
    """Ask who and why, and say what it means; submitting this form is the confirmation."""
    options = {role: person_label(contact.email, role) for role, contact in people.items()}
    reasons = {reason.name: plain(reason.words) for reason in REASON_CHOICES}
    blocks = [
        section(
            "From now on nobody can mail this address from here, *for any evaluation*. Every card of it shows that."
        ),
        input_block("Who", Field.RECIPIENT, radio(options, next(iter(options)))),
        input_block("Why", Field.REASON, select(reasons, None)),
        note_input("Anything the team should know", optional=True),
    ]
    return build_modal(View.DO_NOT_CONTACT, metadata, blocks, submit="Do not contact")


def contact_again(metadata: ContactAgainMetadata, entry: DncEntry) -> Modal:
    """Ask why an entry may be lifted; the answer stays on record."""
    consent = (
        "Lift it only with their *written consent*; say where it is."
        if not may_lift(entry.reason, Authority.MEMBER)
        else "Lift it only if they agreed, or if it was a mistake."
    )
    blocks = [
        section(f"Marked{describe_scope(entry)} because: *{entry.reason.words}*. {consent}"),
        note_input("Why may we write again?", optional=False),
    ]
    return build_modal(View.CONTACT_AGAIN, metadata, blocks, submit="Lift it")
