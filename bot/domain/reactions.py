"""Reactions on a card that do something: 👀 claims, ✅ is done, 🔕 snoozes to tomorrow."""

from enum import StrEnum


class Reaction(StrEnum):
    """What a reaction does. The values are Slack's names of the emoji."""

    CLAIM = "eyes"
    DONE = "white_check_mark"
    SNOOZE = "no_bell"


def read_reaction(name: str) -> Reaction | None:
    """Return what a reaction does, or None for one that does nothing. A skin tone follows the name after `::`."""
    emoji = name.partition("::")[0]
    return Reaction(emoji) if emoji in set(Reaction) else None
