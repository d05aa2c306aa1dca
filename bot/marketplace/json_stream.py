"""Cut rows out of a JSON array while its bytes arrive."""

import re
from codecs import getincrementaldecoder
from json import JSONDecodeError, JSONDecoder
from typing import Final

import orjson

from bot.errors import AnswerUnreadable
from bot.marketplace.responses import Row, StreamCut, read_row

LONGEST_ROW: Final = 1_000_000
"""Characters; a row of the report has one or two thousand."""

_MARK = re.compile(r"[^ \t\n\r]")
_value_at = JSONDecoder().raw_decode


class JsonArrayStream:
    """Takes the bytes of one array and returns its rows; keeps no more than the current row."""

    def __init__(self) -> None:
        self._decoded = getincrementaldecoder("utf-8-sig")().decode
        self._begun = False
        self._rest = ""  # begins with the mark before the next row, `[` or `,`; with `]` when there is none

    def feed(self, chunk: bytes) -> list[Row]:
        """Return the rows that are complete. AnswerUnreadable if this is not an array of rows."""
        try:
            text = self._rest + self._decoded(chunk)
            if not self._begun:
                text = text[_next(text, 0) :]
                self._begun = _begins(text)
            rows, self._rest = _split(text)
        except UnicodeDecodeError as exc:
            raise _unreadable("is not UTF-8") from exc
        except (ValueError, RecursionError) as exc:  # a number of 5,000 digits; lists in lists without end
            raise _unreadable("holds a row that cannot be read") from exc
        if len(self._rest) > LONGEST_ROW:
            raise _unreadable("holds a row that does not end")
        return rows

    def end(self) -> None:
        """Note the end of the bytes. StreamCut if the array is not closed."""
        if not self._rest.startswith("]"):
            raise StreamCut("The Marketplace's export cannot be read to its end. If this lasts, report it.")


def _begins(text: str) -> bool:
    """Return whether the array has opened; nothing else may come first."""
    if text and text[0] != "[":
        raise _unreadable("is not a list of licenses")
    return bool(text)


def _split(text: str) -> tuple[list[Row], str]:
    """Return the complete rows at the beginning of a text, and the rest from the last separator on."""
    rows: list[Row] = []
    mark = 0
    while text[mark : mark + 1] in {"[", ","}:
        mark = _plain_rows(text, mark, rows)
        start = _next(text, mark + 1)
        if text[mark] == "[" and text.startswith("]", start):
            mark = start
            break
        try:
            value, end = _value_at(text, start)
        except JSONDecodeError:
            break
        # A row counts once its separator is there: `12` may be the beginning of `12.5`. What is incomplete or wrong
        # waits: the end of the array, or the longest row, decides.
        after = _next(text, end)
        if text[after : after + 1] not in {",", "]"}:
            break
        rows.append(read_row(value, text[start:end]))
        mark = after
    if text.startswith("]", mark) and _next(text, mark + 1) < len(text):
        raise _unreadable("goes on after its list has ended")
    return rows, text[mark:]


def _plain_rows(text: str, mark: int, rows: list[Row]) -> int:
    """Read rows as the Marketplace writes them, separated by single commas. Return the last separator.

    The text is cut where a row seems to end. If the piece is an object, it is the whole row, since no object continues
    as another. If not, the row has to be parsed to find its end.
    """
    while text.startswith("{", mark + 1) and (end := text.find("},{", mark)) >= 0:
        row = text[mark + 1 : end + 1]
        try:
            value = orjson.loads(row)
        except orjson.JSONDecodeError:
            break
        rows.append(read_row(value, row))
        mark = end + 1
    return mark


def _next(text: str, place: int) -> int:
    """Return the index of the next character that is not white space, or the end."""
    found = _MARK.search(text, place)
    return len(text) if found is None else found.start()


def _unreadable(what: str) -> AnswerUnreadable:
    return AnswerUnreadable(f"The Marketplace's export {what}. Update the bot, or report this.")
