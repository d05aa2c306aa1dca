"""Choose the language of a page by what the reader's browser prefers."""

import re
from collections.abc import Collection
from typing import Final

from bot.translations import FALLBACK

_RANGE: Final = re.compile(r"([a-z]{1,8})(?:-[a-z0-9-]*)?(?:\s*;\s*q=(\d(?:\.\d{0,3})?))?", re.IGNORECASE | re.ASCII)
_MAX_LENGTH: Final = 500
"""Characters of an Accept-Language header; browsers send less."""


def preferred_language(accepted: str, known: Collection[str]) -> str:
    """Return the best of the known languages for an Accept-Language header, or English."""
    wishes = [_RANGE.fullmatch(each.strip()) for each in accepted[:_MAX_LENGTH].split(",")]
    found = [(float(wish[2] or 1), wish[1].lower()) for wish in wishes if wish and wish[1].lower() in known]
    weight, best = max(found, key=lambda each: each[0], default=(0.0, FALLBACK))
    return best if weight > 0 else FALLBACK
