"""Words for Slack: external text made harmless once, dates and people in Slack's own notation."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Final

_LONGEST: Final = 150
"""Enough for any real name; far below Slack's limits even after escaping has made it five times longer."""

_LOOK_ALIKES: Final = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_SPACES: Final = re.compile(r"\s+")


def tame(text: str, *, longest: int = _LONGEST) -> str:
    """One line of printable text, without control, zero-width or direction-changing characters, cut to length."""
    line = _SPACES.sub(" ", text)
    kept = "".join(c for c in line if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"} or c == "\u200d")
    kept = kept.strip()
    return kept if len(kept) <= longest else kept[: longest - 1].rstrip() + "…"


def escape(text: str, *, longest: int = _LONGEST) -> str:
    """External text for mrkdwn: shown as it is, never a mention or a link.

    Slack asks for `&`, `<` and `>` as entities. It has no escape for its formatting characters, so look-alikes stand
    in; but for `_`, which belongs to addresses and does no more than slant a word.
    """
    safe = tame(text, longest=longest).translate(_LOOK_ALIKES)
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mention(user: str) -> str:
    """A Slack user, by id."""
    return f"<@{user}>"


def moment(at: datetime) -> str:
    """A time, shown in each reader's own time zone."""
    fallback = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"


def span(length: timedelta) -> str:
    """A length of time in its largest fitting unit: 12 s, 5 min, 9 h, 3 days."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:  # noqa: PLR2004  a minute
        return f"{seconds} s"
    if seconds < 3600:  # noqa: PLR2004  an hour
        return f"{seconds // 60} min"
    hours = -(-seconds // 3600)
    return f"{hours} h" if hours <= 48 else f"{-(-hours // 24)} days"  # noqa: PLR2004  two days
