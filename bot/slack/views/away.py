"""What people read when they go away or come back, and the form that hands their evaluations over."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Final

from bot.domain.text import counted, day
from bot.errors import InteractionUnreadable
from bot.slack import ids
from bot.slack.blocks import Block, Message, button, note_message, plain, section
from bot.slack.ids import AwayButton, Field, View
from bot.slack.text import mention
from bot.slack.views.inputs import input_block
from bot.slack.views.modals import Modal

_TAG: Final = "hand_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverForm:
    """The form that hands over; the channel is where its answer goes."""

    channel: str

    def pack(self) -> str:
        """Return it as a view's private metadata."""
        return json.dumps({"modal": _TAG, "channel": self.channel})

    @classmethod
    def unpack(cls, packed: str) -> "HandOverForm":
        """Read what `pack` returned. Raises InteractionUnreadable for anything else."""
        try:
            found = json.loads(packed)
            if found["modal"] != _TAG or not isinstance(found["channel"], str):
                raise InteractionUnreadable
        except (ValueError, TypeError, KeyError, RecursionError) as exc:
            raise InteractionUnreadable from exc
        return cls(channel=found["channel"])


def away_message(*, until: date | None, owned: int) -> Message:
    """Return what happens while somebody is away, and ask what to do with the trials that they own."""
    how_long = "until you type" if until is None else f"through {day(until)}. If you are back sooner, type"
    away = f":palm_tree: You're away {how_long} `{ids.COMMAND} back`. The rotation gives you no evaluations meanwhile."
    if not owned:
        return note_message(away)
    ask = f"You still own {counted(owned, 'running trial')}: `{ids.COMMAND} mine`. Should somebody else take over?"
    buttons = [button(AwayButton.HAND_OVER, "Hand over…"), button(AwayButton.KEEP, "Keep")]
    return Message(text=f"{away} {ask}", blocks=[section(away), section(ask), {"type": "actions", "elements": buttons}])


def back_message(*, was_away: bool) -> Message:
    """Return that somebody takes evaluations again."""
    if not was_away:
        return note_message("You weren't away. If you are in a rotation, you get evaluations from it.")
    return note_message(":wave: Welcome back. If you are in a rotation, you get evaluations from it again.")


def kept_message() -> Message:
    """Return that somebody keeps what they own."""
    return note_message("You keep your trials while you are away.")


def hand_over_form(form: HandOverForm) -> Modal:
    """Ask who gets all running trials of somebody who goes away."""
    chooser: Block = {"type": "users_select", "placeholder": plain("Choose a person")}
    return {
        "type": "modal",
        "callback_id": View.HAND_OVER.value,
        "title": plain("Hand over", longest=24),
        "close": plain("Cancel", longest=24),
        "submit": plain("Hand over", longest=24),
        "private_metadata": form.pack(),
        "blocks": [
            section("All running trials that you own get a new owner. Each card's thread says so."),
            input_block("New owner", Field.OWNER, chooser),
        ],
    }


def handed_over(count: int, to: str) -> str:
    """Return how many trials somebody else owns now."""
    return f"{counted(count, 'trial')} handed over to {mention(to)}." if count else "You own no running trial any more."
