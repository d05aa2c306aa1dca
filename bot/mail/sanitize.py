"""Make external text safe for an email."""

import re
import unicodedata

LONGEST_VALUE = 150
"""Characters; a longer name says nothing more and may carry an advertisement."""

# Bidirectional marks and overrides: they can make a name read as another.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# What Markdown would act on, and look-alikes for it.
_LOOKALIKES = str.maketrans({"[": "(", "]": ")", "`": "'", "*": "∗", "\\": "∖"})
# Underscores, except inside a word: host names have them, and Markdown leaves them alone.
_LOOSE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
# What turns a line into a heading, quote, list, rule or code, where a template begins a line with the value.
_LEADING = str.maketrans({"#": "＃", ">": "›", "+": "＋", "-": "‐", "~": "∼"})
_NUMBERED = re.compile(r"^([0-9]+[.)]) ")
_BARE_NUMBER = re.compile(r"^([0-9]+)[.)]$")
# EmailMessage drops the quotes of a long name when it folds the line; then a comma begins another recipient.
_UNQUOTED = str.maketrans(dict.fromkeys('()<>[]:;@\\,"', " "))


def strip_control_characters(text: str) -> str:
    """Return the text in lines that end in a newline, without control characters and lone surrogates."""
    return "".join(char for char in "\n".join(text.splitlines()) if _belongs(char))


def one_line(text: str) -> str:
    """Return the text as one line, without control and bidirectional characters."""
    kept = (char for char in text if char.isspace() or (_belongs(char) and char not in _BIDI))
    return " ".join("".join(kept).split())


def escape_markdown(value: str) -> str:
    """Return the value as one short line in which Markdown finds nothing to act on.

    Brackets become round, backticks become apostrophes, asterisks and backslashes their mathematical twins, as does
    anything with a meaning at the beginning of a line. HTML needs no care: the renderer has none.
    """
    line = one_line(value).translate(_LOOKALIKES)
    line = line if len(line) <= LONGEST_VALUE else line[: LONGEST_VALUE - 1].rstrip() + "…"
    line = _LOOSE.sub("＿", line[:1].translate(_LEADING) + line[1:])
    # A number with a point or a bracket begins a list, “12. März” too; before a non-breaking space it does not.
    return _BARE_NUMBER.sub(r"\1", _NUMBERED.sub("\\1\u00a0", line))


def for_header(text: str) -> str:
    """Return the text as one line for a header. EmailMessage would decode `=?…?=`, including line breaks in it."""
    return one_line(text).replace("=?", "= ?")


def display_name(name: str) -> str:
    """Return the name as it goes before an address, without what would need quotes there."""
    return for_header(name.translate(_UNQUOTED)).lstrip(". ")


def _belongs(char: str) -> bool:
    return char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cs"}
