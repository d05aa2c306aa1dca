"""The texts of the unsubscribe pages, by language."""

from dataclasses import dataclass
from typing import Final

from bot.translations import load_texts


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
