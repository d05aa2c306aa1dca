"""The buttons under a list that turn its pages."""

from collections.abc import Callable
from typing import Any

from bot.domain.listing import Page
from bot.slack.blocks import Block, button, small


def page_turns(action: str, page: Page[Any], *, value: Callable[[int], str] = str) -> list[Block]:
    """Return which page this is, and buttons to those before and after it; nothing if there is no other page.

    `value` returns what the button to a page carries.
    """
    if page.pages == 1:
        return []
    turns = [
        button(f"{action}.{target}", label, value(target))
        for label, target in (("◀ Previous page", page.number - 1), ("Next page ▶", page.number + 1))
        if 0 <= target < page.pages
    ]
    return [small(f"Page {page.number + 1} of {page.pages}"), {"type": "actions", "elements": turns}]
