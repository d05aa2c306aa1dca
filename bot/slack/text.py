"""Text for Slack: escape external text once, write times and people in Slack's notation."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final

from bot.domain.text import counted

_MAX_LENGTH: Final = 150
"""Characters; enough for any real name."""

_HARMLESS: Final = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ", "&": "&amp;", "<": "&lt;", ">": "&gt;"})
_SPACES: Final = re.compile(r"\s+")
_JUST_NOW_S: Final = 10
_UNITS: Final = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
"""Names of units of time, with their seconds."""


def tame(text: str, *, longest: int = _MAX_LENGTH) -> str:
    """Return one line of printable text, without control, zero-width or bidirectional characters, cut to length."""
    line = _SPACES.sub(" ", "".join(c for c in text if c.isspace() or _is_printed(c))).strip(" \u200d")
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def tame_lines(text: str) -> str:
    """Return several lines of printable text, for a block in which nothing is markup."""
    return "\n".join(tame(line, longest=len(line) + 1) for line in text.strip().splitlines()) or "–"


def escape(text: str, *, longest: int = _MAX_LENGTH) -> str:
    """Escape external text for mrkdwn: it is shown as it is, never as a mention or a link.

    Slack requires `&`, `<` and `>` as entities. It has no escape for formatting characters, so look-alikes replace
    them, except `_`, which belongs to addresses and only slants a word. `longest` counts as Slack does, with entities
    written out, and no entity is cut. A text without visible characters becomes a dash.
    """
    shown = [c.translate(_HARMLESS) for c in tame(text, longest=longest)] or ["–"]
    ends = list(accumulate(map(len, shown)))
    if ends[-1] <= longest:
        return "".join(shown)
    return "".join(shown[: sum(end < longest for end in ends)]).rstrip() + "…"


def _is_printed(character: str) -> bool:
    # U+200D joins the parts of many emoji.
    return character == "\u200d" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def mention(user: str) -> str:
    """Mention a Slack user by id."""
    return f"<@{user}>"


def moment(at: datetime) -> str:
    """Return a time that each reader sees in their own time zone."""
    fallback = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"


def days(number: int) -> str:
    """Return a number of days: 1 day, 9 days."""
    return f"{number} {'day' if number == 1 else 'days'}"


def span(length: timedelta) -> str:
    """Return a length of time in its largest fitting unit: 12 s, 5 min, 9 h, 3 days."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:  # noqa: PLR2004  a minute
        return f"{seconds} s"
    if seconds < 3600:  # noqa: PLR2004  an hour
        return f"{seconds // 60} min"
    hours = -(-seconds // 3600)
    return f"{hours} h" if hours <= 48 else days(-(-hours // 24))  # noqa: PLR2004  two days


def ago(length: timedelta) -> str:
    """Return how long ago something was: just now, 32 seconds ago, 1 hour ago, 3 days ago."""
    seconds = int(length.total_seconds())
    if seconds < _JUST_NOW_S:
        return "just now"
    unit, size = next((unit, size) for unit, size in _UNITS if seconds >= size)
    return f"{counted(seconds // size, unit)} ago"
