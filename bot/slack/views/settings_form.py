"""The form for the team's settings, and what follows from a change."""

from collections.abc import Mapping
from typing import Final

from bot.slack.blocks import Message, note_message, plain, small
from bot.slack.ids import Field, View
from bot.slack.text import escape
from bot.slack.views.inputs import input_block, lines_input
from bot.slack.views.modals import Modal

LONGEST: Final = 3000
"""Characters that Slack takes in an input."""
TOO_LONG: Final = (
    "The team's settings are too long for this form. The person who runs the bot changes them with "
    "`evaluator-bot team show` and `evaluator-bot team apply`."
)
ONLY_ADMINS: Final = "Only the admins of the bot change the team's settings."
CHANGED_MEANWHILE: Final = (
    "Somebody changed the settings since you opened this form. Copy your text, then close the form and open it again."
)
_ERROR: Final = 600
_CHANGES: Final = 10
_FOLLOWS: Final = {
    "working_hours": "Reminders and digests that are still due follow the new hours.",
    "holidays": "Reminders and digests that are still due follow the new days.",
    "channels": "New cards go there, and those that wait. Cards that are in Slack stay.",
    "digest": "The next digest comes at its time.",
    "reminders": "Reminders that are due come within a minute. What was sent stays.",
    "rotation": "The next new evaluation gets its owner by it.",
}
"""What happens next, by the first part of the key."""


def settings_form(text: str, *, version: str) -> Modal:
    """Return the form with the settings as they are."""
    help_ = "This is the team file, in TOML: lists in [ ], texts in quotes. What it leaves out returns to its default."
    return {
        "type": "modal",
        "callback_id": View.SETTINGS.value,
        "private_metadata": version,
        "title": plain("Settings", longest=24),
        "close": plain("Cancel", longest=24),
        "submit": plain("Save", longest=24),
        "blocks": [input_block("Team settings", Field.SETTINGS, lines_input(LONGEST, text)), small(help_)],
    }


def field_error(problems: tuple[str, ...]) -> str:
    """Return what is wrong, to be shown at the field."""
    text = " ".join(problems)
    return text if len(text) <= _ERROR else f"{text[: _ERROR - 1]}…"


def changed_message(changes: Mapping[str, str]) -> Message:
    """Say what changed, and what happens next."""
    if not changes:
        return note_message("Nothing changed.")
    lines = [f"• `{escape(key, longest=80)}`: {escape(change, longest=200)}" for key, change in changes.items()]
    more = len(lines) - _CHANGES
    shown = [*lines[:_CHANGES], *([f"and {more} more"] if more > 0 else [])]
    parts = dict.fromkeys(key.partition(".")[0].partition(" ")[0] for key in changes)
    follows = [_FOLLOWS[part] for part in parts if part in _FOLLOWS]
    return note_message("\n".join([":white_check_mark: The team's settings changed:", *shown, *follows]))
