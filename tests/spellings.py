"""Spellings of one mailbox, domain or site, as reports and people write them; apart from the bot's code."""

import unicodedata
from collections.abc import Callable

from hypothesis import strategies as st

UNSEEN = ("\u200b", "\ufeff", "\u00ad", "\u2060", "\u200e", "\u202c", "\u0000", "\ufe0f", "\u3164")
"""Characters that nobody sees."""
AROUND = ("{}", "{}", "{}", "“{}”", "'{}'", "`{}`", "<{}>", "({})", "{},", "{}.", "“{}”,", "«{}» ", "{};")
"""What people type around it."""


def _at_domain(change: Callable[[str], str]) -> Callable[[str], str]:
    def changed(text: str) -> str:
        local, at, domain = text.rpartition("@")
        return local + at + change(domain)

    return changed


def _in_unicode(domain: str) -> str:
    """With Python's own tables, which are older than the library's."""
    try:
        return domain.encode().decode("idna")
    except UnicodeError:
        return domain


def _in_ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


WAYS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper case": str.upper,
    "title case": str.title,
    "domain in capitals": _at_domain(str.upper),
    "domain in Unicode": _at_domain(_in_unicode),
    "domain in Unicode and capitals": _at_domain(lambda domain: _in_unicode(domain).upper()),
    "domain in ASCII": _at_domain(_in_ascii),
    "full-width dots": _at_domain(lambda domain: domain.replace(".", "。")),
    "composed": lambda text: unicodedata.normalize("NFC", text),
    "decomposed": lambda text: unicodedata.normalize("NFD", _at_domain(_in_unicode)(text)),
    "white space around": lambda text: f" {text}\n",
    "zero width behind": lambda text: f"{text}\u200b",
    "soft hyphen within": lambda text: f"{text[:1]}\u00ad{text[1:]}",
    "directions around": lambda text: f"\u202a{text}\u202c",
}
"""How one address, domain or site may be written."""


@st.composite
def spellings(draw: st.DrawFn, address: str) -> str:
    """The address, changed in some of these ways, with characters that nobody sees anywhere in it."""
    for way in draw(st.lists(st.sampled_from(sorted(WAYS)), max_size=2)):
        address = WAYS[way](address)
    for char in draw(st.lists(st.sampled_from(UNSEEN), max_size=2)):
        place = draw(st.integers(0, len(address)))
        address = address[:place] + char + address[place:]
    return address


def plain(text: str) -> str:
    """One spelling for all of these, as the scenarios write it."""
    for char in (*UNSEEN, "\u202a"):
        text = text.replace(char, "")
    text = unicodedata.normalize("NFC", text.strip(" \n“”'`<>(),.«»;").replace("。", ".")).lower()
    return _at_domain(_in_ascii)(text)
