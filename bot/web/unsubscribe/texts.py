"""The texts of the unsubscribe pages, by language."""

import re
from dataclasses import dataclass
from typing import Final

from bot.translations import FALLBACK, load_texts

_RANGE: Final = re.compile(r"([a-z]{1,8})(?:-[a-z0-9-]*)?(?:\s*;\s*q=(\d(?:\.\d{0,3})?))?", re.IGNORECASE | re.ASCII)
_LONGEST: Final = 500
"""Characters of an Accept-Language header; browsers send less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTexts:
    """The table `[unsubscribe]` of one language in `bot/translations/`.

    Each `…_title` is a page's heading, each `…_text` what follows it.
    """

    ask_title: str
    ask_text: str
    ask_note: str
    unsubscribe: str
    done_title: str
    done_text: str
    undo_note: str
    undo: str
    again_title: str
    again_text: str
    again_note: str
    missing_title: str
    missing_text: str
    busy_title: str
    busy_text: str
    failed_title: str
    failed_text: str


PAGE_TEXTS: Final = load_texts("unsubscribe", PageTexts)


def language(accepted: str) -> str:
    """Return the best of our languages for an Accept-Language header, or English."""
    wishes = [_RANGE.fullmatch(each.strip()) for each in accepted[:_LONGEST].split(",")]
    known = [(float(wish[2] or 1), wish[1].lower()) for wish in wishes if wish and wish[1].lower() in PAGE_TEXTS]
    weight, best = max(known, key=lambda each: each[0], default=(0.0, FALLBACK))
    return best if weight > 0 else FALLBACK
