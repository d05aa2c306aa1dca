"""Spellings of one mailbox, as reports, people and mail servers write it; apart from the bot's code."""

import unicodedata
from collections.abc import Callable

from hypothesis import strategies as st

UNSEEN = ("\u200b", "\ufeff", "\u00ad", "\u2060", "\u200e", "\u202c", "\u0000", "\ufe0f", "\u3164")
"""Characters that nobody sees."""


def _domain_in_unicode(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{_decoded(domain)}"


def _domain_in_ascii(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{_encoded(domain)}"


def _encoded(domain: str) -> str:
    """With Python's own tables, which are older than the library's."""
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


def _decoded(domain: str) -> str:
    try:
        return domain.encode().decode("idna")
    except UnicodeError:
        return domain


def _full_width_dots(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.replace('.', '。')}"


WAYS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "title case": str.title,
    "domain in capitals": lambda a: a.rpartition("@")[0] + "@" + a.rpartition("@")[2].upper(),
    "domain in Unicode": _domain_in_unicode,
    "domain in ASCII": _domain_in_ascii,
    "full-width dots": _full_width_dots,
    "composed": lambda a: unicodedata.normalize("NFC", a),
    "decomposed": lambda a: unicodedata.normalize("NFD", a),
    "white space around": lambda a: f" {a}\n",
}
"""How one address may be written."""


@st.composite
def spellings(draw: st.DrawFn, address: str) -> str:
    """The address, changed in some of these ways, with characters that nobody sees anywhere in it."""
    for way in draw(st.lists(st.sampled_from(sorted(WAYS)), max_size=2)):
        address = WAYS[way](address)
    for char in draw(st.lists(st.sampled_from(UNSEEN), max_size=2)):
        place = draw(st.integers(0, len(address)))
        address = address[:place] + char + address[place:]
    return address
