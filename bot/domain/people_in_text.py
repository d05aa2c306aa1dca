"""Keep people out of texts that are not meant to name any: the report holds whatever somebody typed into a form."""

import re
from collections.abc import Iterable
from typing import Final

from bot.domain.address import fold
from bot.domain.cautions import ROLES
from bot.domain.evaluation import Contact

_ADDRESS: Final = re.compile(r"[^\s@]@[^\s@]")
_SLACK_ID: Final = re.compile(r"[UW][A-Z0-9]{2,}", re.ASCII)
_WORDS: Final = re.compile(r"[^\W_]+")


def without_addresses(text: str | None) -> str | None:
    """Return the text, or None if there is an email address in it."""
    return None if not text or _ADDRESS.search(text) else text


def without_people(text: str | None, contacts: Iterable[Contact]) -> str | None:
    """Return the text, or None if there is an email address or the name of a contact in it, in any order of words."""
    if without_addresses(text) is None or text is None:
        return None
    words = frozenset(_words(text))
    names = [name for contact in contacts for name in _names(contact)]
    return None if any(name <= words for name in names) else text


def slack_id(text: str | None) -> str | None:
    """Return the id of a Slack user, or None for any other text."""
    return text if text and _SLACK_ID.fullmatch(text) else None


def _names(contact: Contact) -> list[frozenset[str]]:
    """Return the words of a contact's name and, if it has several, those before the @; also written as one word. A desk
    is nobody's name.
    """
    name, local = _words(contact.name or ""), _words((contact.email or "").partition("@")[0])
    found = [words for words in (name, local if len(local) > 1 else []) if set(words) - ROLES]
    joined = [["".join(order)] for words in found if len(words) > 1 for order in (words, reversed(words))]
    return [frozenset(words) for words in (*found, *joined)]


def _words(text: str) -> list[str]:
    return _WORDS.findall(fold(text))
