"""Split what a person types after the slash command into words and filters, and guess what a misspelled word meant."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from bot.domain.address import unwrap

_DOUBLE: Final = '"“”„‟«»「」『』〝〞〟'
_SINGLE: Final = "'‹›‘’‚‛`´"
_TOKEN: Final = re.compile(
    rf"""
    (?:(?P<name>[^\W\d_][\w-]*)[:：](?!//))?+  # app:, but not https://
    (?:
        [{_DOUBLE}]+ (?P<double>[^{_DOUBLE}]*+) [{_DOUBLE}]+ [.,;!?]*+ (?=\s|\Z)
        | [{_SINGLE}]+ (?P<single>[^{_SINGLE}]*+) [{_SINGLE}]+ [.,;!?]*+ (?=\s|\Z)
        | (?P<bare>\S*+)
    )
    """,
    re.VERBOSE,
)
_NO_QUOTES: Final = str.maketrans(dict.fromkeys(_DOUBLE, ""))
_SPACE: Final = re.compile(r"\s*")
_PLURAL: Final = re.compile(r"['’]?s\Z")
_CLOSE: Final = 0.6
"""How alike two words must be; difflib's own default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """The words of a command, and its filters as typed, each with its name in lower case: `app:gantt`."""

    words: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()


def split_line(text: str) -> CommandLine:
    """Split a line. Text in quotes is one word; a filter may have a space after its colon."""
    words, filters, place = list[str](), list[tuple[str, str]](), _skip_space(text, 0)
    awaits_value = False
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:  # cannot happen: the last branch takes anything
            break
        place = _skip_space(text, found.end())
        name, value = found["name"], _value(found)
        if name is not None and name.lower() != "mailto":
            filters.append((name.lower(), value))
            awaits_value = not value
            continue
        value = value if name is None else f"{name}:{value}"
        if awaits_value:
            filters[-1] = (filters[-1][0], value)
        elif value:
            words.append(value)
        awaits_value = False
    return CommandLine(words=tuple(words), filters=tuple(filters))


def join_line(line: CommandLine) -> str:
    """Return a line that `split_line` reads as this one."""
    return " ".join([*map(_quote, line.words), *(f"{name}:{_quote(value)}" for name, value in line.filters)])


def recognize(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that this one is, whatever its case and also in the plural; None if it is none."""
    word, known = word.lower(), frozenset(known)
    return next((each for each in (word, _PLURAL.sub("", word)) if each in known), None)


def guess(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, or None."""
    by_lower = {each.lower(): each for each in known}
    return next((by_lower[each] for each in get_close_matches(word.lower(), by_lower, n=1, cutoff=_CLOSE)), None)


def _value(found: re.Match[str]) -> str:
    quoted = next((text for text in (found["double"], found["single"]) if text is not None), None)
    word = unwrap(found["bare"] if quoted is None else quoted).word
    return " ".join(word.translate(_NO_QUOTES).split())


def _quote(value: str) -> str:
    """Return a word in quotes, if it would be read as something else without."""
    return value if split_line(value) == CommandLine(words=(value,)) else f'"{value}"'


def _skip_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return place if found is None else found.end()
