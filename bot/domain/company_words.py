"""The words of a company's name, by which it is found."""

import re
import unicodedata
from typing import Final

from bot.domain.cautions import company_key

LONGEST_WORD: Final = 40
"""Characters of a word that count. An index takes no words of any length."""
_MOST_WORDS: Final = 20
_WORDS: Final = re.compile(r"[^\W_]+")
_UNSPACED: Final = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
"""Japanese and Chinese, which put no spaces between words."""


def plain_words(text: str) -> list[str]:
    """Return the words of a text, case folded, without accents and whatever else is no letter or digit."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return _WORDS.findall("".join(c for c in decomposed if unicodedata.category(c) != "Mn"))


def company_words(company: str | None) -> frozenset[str]:
    """Return the words whose beginnings find a company; none if the name names nobody.

    Its words written as one are among them, so that *A. & B.* is found as *ab*.
    """
    if company_key(company) is None:
        return frozenset()
    words = plain_words(company or "")
    parts = [word[n:] for word in words if _UNSPACED.search(word) for n in range(1, len(word))]
    return frozenset(word[:LONGEST_WORD] for word in [*words[:_MOST_WORDS], "".join(words), *parts[:_MOST_WORDS]])
