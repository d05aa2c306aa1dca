"""Invisible characters: they give two spellings to text that looks, and is meant, the same."""

import re
import unicodedata
from typing import Final

import idna

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs"})
"""Unicode categories: control, format (soft hyphen, byte order mark, zero width, writing direction),
surrogate halves.
"""
_NOTHING_TO_SEE: Final = (
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer vowels that are inherent
    (0x180B, 0x180F),  # Mongolian variation selectors
    (0x2065, 0x2065),
    (0x2800, 0x2800),  # a Braille pattern without a dot
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0xE0000, 0xE0FFF),
)
"""Invisible characters of other categories, from `Default_Ignorable_Code_Point`, and the blank Braille pattern."""
_JOINERS: Final = "\u200c\u200d"

_PRINTED_NOTHING: Final = re.compile("[" + "".join(f"{chr(a)}-{chr(b)}" for a, b in _NOTHING_TO_SEE) + "]")
"""Python counts some of them as printable."""


def strip_invisible(text: str) -> str:
    """Return the text without invisible characters. White space stays as it is.

    A joiner stays where it affects what is displayed: where RFC 5892, appendix A, allows it in a domain (Persian and
    Indic words are misspelled without it), and between two pictographs, which it combines into one. Elsewhere it is
    removed.
    """
    if text.isprintable() and not _PRINTED_NOTHING.search(text):
        return text
    shown = "".join(char for char in text if char in _JOINERS or _is_seen(char))
    if not any(joiner in shown for joiner in _JOINERS):
        return shown
    return "".join(char for place, char in enumerate(shown) if char not in _JOINERS or _shapes(shown, place))


def _is_seen(char: str) -> bool:
    if char.isspace():
        return True
    return unicodedata.category(char) not in _HIDDEN and not _PRINTED_NOTHING.match(char)


def _shapes(text: str, place: int) -> bool:
    """Return whether the joiner at this place affects its neighbours."""
    around = [unicodedata.category(text[n]) for n in (place - 1, place + 1) if 0 <= n < len(text)]
    if around in (["So", "So"], ["Sk", "So"]):  # Sk: the colour of a skin
        return True
    # Pass only the neighbours: they alone decide, and the library limits the length of a label.
    start = max(place - 16, 0)
    try:
        return idna.valid_contextj(text[start : place + 16], place - start)
    except (idna.IDNAError, ValueError):  # a neighbour that Unicode does not know
        return False
