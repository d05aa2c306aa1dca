"""Find a placeholder that nobody filled in, in the words of an email."""

import re
from typing import Final

_MAX_LENGTH: Final = 40
_KINDS: Final = (
    "name|company|customer|contact|recipient|sender|vendor|team|product|app|site|date|day|days|started|ends|left|title"
    "|link|url|text|topic|reason|signature|todo|tbd|tbc"
)
_PLACEHOLDER: Final = re.compile(
    # The tags of a template, also those that were cut in half.
    r"\{\{.*?(?:\}\}|$)|\{%.*?(?:%\}|$)|\}\}|%\}"
    # A word such as [company] or <your name>, but neither the text of a link nor an address.
    rf"|[\[{{<] ?(?:[A-Za-z]{{1,12}}[ _-]){{0,3}}(?:{_KINDS}) ?[\]}}>](?!\()",
    re.IGNORECASE | re.MULTILINE,
)


def find_placeholder(text: str) -> str | None:
    """Return the first placeholder, shortened, or None if there is none.

    Brackets alone are no placeholder: “[Beta]” and “{Code}” may belong to a name.
    """
    found = _PLACEHOLDER.search(text)
    if found is None:
        return None
    return found[0] if len(found[0]) <= _MAX_LENGTH else f"{found[0][: _MAX_LENGTH - 1]}…"
