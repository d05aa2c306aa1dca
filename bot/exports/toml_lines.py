"""Find the line of each value in a TOML file, which the standard library's parser does not tell."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

Place = tuple[str | int, ...]

_TOKEN: Final = re.compile(
    r"""(?P<blank>[ \t]+|\#[^\n]*)|\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*'|[\[\]{}=,\n]"""
    r"""|[^\s\[\]{}=,"'#]+""",
    re.DOTALL,
)
_ENDS: Final = frozenset("\n,]}")
"""What follows a value that is neither a list nor a table."""


def find_lines(text: str) -> dict[Place, int]:
    """Return the line, counted from 1, on which each table, value and list entry of a valid file begins."""
    scanner = _Scanner(text)
    scanner.scan()
    return scanner.found


class _Scanner:
    """Reads a valid file from its first token to its last."""

    def __init__(self, text: str) -> None:
        self.found: dict[Place, int] = {}
        self._tokens = [*_tokens(text), ("\n", 0)]
        self._at = 0
        self._entries = Counter[Place]()
        """How many entries each list of tables has so far."""

    def scan(self) -> None:
        """Read every header and assignment."""
        table: Place = ()
        while self._at < len(self._tokens):
            if self._word == "\n":
                self._at += 1
            elif self._word == "[":
                table = self._header()
            else:
                self._assignment(table)

    @property
    def _word(self) -> str:
        return self._tokens[self._at][0]

    def _note(self, place: Place, line: int) -> None:
        for end in range(1, len(place) + 1):
            self.found.setdefault(place[:end], line)

    def _until(self, ends: frozenset[str]) -> str:
        """Return everything up to one of these tokens."""
        words = ""
        while self._word not in ends:
            words += self._word
            self._at += 1
        return words

    def _header(self) -> Place:
        """Read `[table]` or `[[list of tables]]`, and return the place of the table."""
        line = self._tokens[self._at][1]
        keys, is_list = _keys(tomllib.loads(self._until(frozenset("\n"))))
        place: Place = ()
        for number, key in enumerate(keys, 1):
            place = (*place, key)
            if is_list and number == len(keys):
                self._entries[place] += 1
            if self._entries[place]:
                place = (*place, self._entries[place] - 1)
        self._note(place, line)
        return place

    def _assignment(self, table: Place) -> None:
        line = self._tokens[self._at][1]
        keys, _ = _keys(tomllib.loads(f"{self._until(frozenset('='))} = {{}}"))
        place = (*table, *keys)
        self._note(place, line)
        self._at += 1
        self._value(place)

    def _value(self, place: Place) -> None:
        opening = self._word
        if opening not in "[{":
            self._until(_ENDS)
            return
        self._at += 1
        count = 0
        while self._word not in "]}":
            if self._word in "\n,":
                self._at += 1
            elif opening == "{":
                self._assignment(place)
            else:
                self._note((*place, count), self._tokens[self._at][1])
                self._value((*place, count))
                count += 1
        self._at += 1


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Yield each token with its line, without blanks and comments."""
    line = 1
    for found in _TOKEN.finditer(text):
        if found["blank"] is None:
            yield found[0], line
        line += found[0].count("\n")


def _keys(data: dict[str, Any]) -> tuple[list[str], bool]:
    """Return the keys that lead to the innermost table, and whether it is in a list."""
    keys, value = list[str](), data
    while value:
        [(key, inner)] = value.items()
        keys.append(key)
        if isinstance(inner, list):
            return keys, True
        value = inner
    return keys, False
