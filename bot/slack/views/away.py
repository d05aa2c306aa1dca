"""The answers to somebody who goes away or is back."""

from datetime import date

from bot.domain.text import counted, day
from bot.slack import ids
from bot.slack.blocks import Message, note_message


def away_message(*, until: date | None, owned: int) -> Message:
    """Return what happens while somebody is away, and what they still own."""
    how_long = "until you type" if until is None else f"through {day(until)}. If you are back sooner, type"
    still = f" You still own {counted(owned, 'running trial')}: `{ids.COMMAND} mine`." if owned else ""
    away = f":palm_tree: You're away {how_long} `{ids.COMMAND} back`."
    return note_message(f"{away} The rotation gives you no evaluations meanwhile.{still}")


def back_message(*, was_away: bool) -> Message:
    """Return that somebody takes evaluations again."""
    if not was_away:
        return note_message("You weren't away. If you are in a rotation, you get evaluations from it.")
    return note_message(":wave: Welcome back. If you are in a rotation, you get evaluations from it again.")
