"""The form of *Find an evaluator*, which also shows what was found."""

from collections.abc import Sequence
from typing import Final

from bot.domain.commands import MOST_CHARACTERS
from bot.slack.blocks import Block, plain, section
from bot.slack.ids import Field, View
from bot.slack.views.inputs import input_block, text_input
from bot.slack.views.modals import Modal

TITLE: Final = "Find an evaluator"
WHO_TITLE: Final = "Who is this?"
NOT_SAID: Final = "This message names no company, site, number or email address. Type one above."
_HINT: Final = "Filters narrow it down: app:gantt, state:running, owner:none, country:DE"
_TITLE_LENGTH: Final = 24


def find_form(words: str = "", answer: Sequence[Block] = (), *, title: str = TITLE) -> Modal:
    """Return the form with these words, above what was found for them."""
    # Slack keeps what was typed while the id stays the same, and shows the initial value if it is a new one.
    asked = input_block(
        "Company, site, email domain, number, app, or a whole email address",
        Field.WORDS,
        text_input(words, longest=2 * MOST_CHARACTERS),
        hint=_HINT,
    )
    return {
        "type": "modal",
        "callback_id": View.FIND,
        "title": plain(title, longest=_TITLE_LENGTH),
        "submit": plain("Find", longest=_TITLE_LENGTH),
        "close": plain("Close", longest=_TITLE_LENGTH),
        "blocks": [asked, *answer],
    }


def searching(title: str = TITLE) -> Modal:
    """Return the modal that is shown while the search goes on."""
    return {
        "type": "modal",
        "callback_id": View.FIND,
        "title": plain(title, longest=_TITLE_LENGTH),
        "close": plain("Close", longest=_TITLE_LENGTH),
        "blocks": [section(":hourglass_flowing_sand: One moment…")],
    }
