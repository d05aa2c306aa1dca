"""Read all rows of a small report at one moment, although it may change between two pages."""

from collections.abc import Sequence
from typing import Any, Final

from bot.errors import AnswerUnreadable
from bot.marketplace.http import MarketplaceHttp

_PAGE_SIZE: Final = 50
_PASSES: Final = 3
_MOST_PAGES: Final = 2_000


async def read_window(
    http: MarketplaceHttp, path: str, key: str, filters: Sequence[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Return the rows under `key`, each once, as often as the report has it.

    Each page begins with the last row of the one before. If it does not, rows moved, and the reading starts again.
    Raises AnswerUnreadable if they do not come to rest, and what `http` raises.
    """
    for _ in range(_PASSES):
        rows = await _pass(http, path, key, filters)
        if rows is not None:
            return rows
    raise AnswerUnreadable(f"The Marketplace's rows of {key} changed while they were read. The next poll tries again.")


async def _pass(
    http: MarketplaceHttp, path: str, key: str, filters: Sequence[tuple[str, str]]
) -> list[dict[str, Any]] | None:
    found = list[dict[str, Any]]()
    for _ in range(_MOST_PAGES):
        offset = max(len(found) - 1, 0)
        window = [("offset", str(offset)), ("limit", str(_PAGE_SIZE))]
        answer = await http.get(path, [*filters, *window])
        rows = answer.get(key)
        if not isinstance(rows, list):
            raise AnswerUnreadable(f"The Marketplace's answer has no list of {key}. Update the bot, or report this.")
        if found and rows[:1] != found[-1:]:
            return None
        new = [row if isinstance(row, dict) else {} for row in (rows[1:] if found else rows)]
        found += new
        links = answer.get("_links")
        has_next = isinstance(links, dict) and bool(links.get("next"))
        if not new or (len(rows) < _PAGE_SIZE and not has_next):
            return found
    return None
