"""The form that assigns an evaluation to an owner."""

from bot.slack.blocks import Block, plain, small
from bot.slack.ids import Field, View
from bot.slack.text import mention
from bot.slack.views.inputs import input_block
from bot.slack.views.modal_metadata import AssignMetadata
from bot.slack.views.modals import Modal, build_modal


def assign(metadata: AssignMetadata) -> Modal:
    """Ask who will own the evaluation."""
    chooser: Block = {"type": "users_select", "placeholder": plain("Choose a person")}
    if metadata.owner:
        chooser["initial_user"] = metadata.owner
    now = f"Owner now: {mention(metadata.owner)}" if metadata.owner else "It has no owner yet."
    return build_modal(View.ASSIGN, metadata, [small(now), input_block("Owner", Field.OWNER, chooser)], submit="Assign")
