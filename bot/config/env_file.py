"""Read a `.env` file: all of it or nothing. Errors give a line's number, never its text."""

import io
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dotenv.parser import Binding, parse_stream

from bot.errors import SettingsWrong

_MAX_BYTES: Final = 1_000_000
"""The largest file size in bytes; a real file has a few thousand."""
CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters other than a tab."""
_LEAVES: Final = re.compile(r"\$[{(]")
"""Matches the start of text that a shell would substitute."""
_BEGINS: Final = re.compile(r"\s*(?:export[^\S\n]+)?(?:'[^'\n]+'|[^=#\s]+)[^\S\n]*=[^\S\n]*")
_QUOTED: Final = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_NAMES: Final = re.compile(r"^[^\S\n]*(?:export[^\S\n]+)?['\"]?(\w+)['\"]?[^\S\n]*=", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvFile:
    """The values of a file, by name in lower case, and its problems."""

    values: dict[str, str]
    lines: dict[str, int]
    """The line on which each value begins, counted from 1."""
    problems: list[str]
    unread: frozenset[str]
    """Names in the unreadable lines: whether they are set is unknown."""


NO_FILE: Final = EnvFile(values={}, lines={}, problems=[], unread=frozenset())


def read_env_file(path: Path, *, known: Collection[str], several_lines: Collection[str]) -> EnvFile:
    """Read a file. Raises SettingsWrong if it is not readable text.

    `known` are the names, in lower case, of our variables: other lines serve other programs and only need to be
    readable. The value of a known name may span several lines only if the name is in `several_lines`.
    """
    text = _text(path)
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    problems: list[str] = []
    unread: set[str] = set()
    for binding in parse_stream(io.StringIO(text)):
        written = binding.original.string
        line = binding.original.line + written[: len(written) - len(written.lstrip())].count("\n")
        if not written.strip() or (binding.key is None and not binding.error):
            continue
        name = (binding.key or "").lower()
        inside = [found.lower() for found in _NAMES.findall(written)]
        wrong = _wrong(binding, name, known=known, several_lines=several_lines)
        if wrong is None and name in known and values.get(name):
            wrong = f"sets it again, after line {lines[name]}. Keep one of the two"
        if wrong is None:
            values[name], lines[name] = binding.value or "", line
            continue
        unread.update(inside)
        named = f" ({inside[0].upper()})" if inside and inside[0] in known else ""
        problems.append(f"Line {line} of {path}{named} {wrong}.")
    return EnvFile(values=values, lines=lines, problems=problems, unread=frozenset(unread))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
        reason = (isinstance(exc, OSError) and exc.strerror) or "not a path"
        problem = f"{path} cannot be read ({reason}). It should be a file that this user may read."
        raise SettingsWrong([problem]) from exc
    if len(content) > _MAX_BYTES:
        raise SettingsWrong([f"{path} is larger than a megabyte. It should be a text with a setting on each line."])
    try:
        text = content.decode()
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        # Raised without its cause, whose text quotes the file.
        raise SettingsWrong([f"Line {line} of {path} is not in UTF-8. Save the file as text in UTF-8."]) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for number, line_text in enumerate(text.split("\n"), start=1):
        if CONTROL.search(line_text):
            raise SettingsWrong(
                [f"Line {number} of {path} holds a character that is no text. Save the file as text in UTF-8."]
            )
    return text


def _wrong(binding: Binding, name: str, *, known: Collection[str], several_lines: Collection[str]) -> str | None:
    """Return the problem with an entry of the file, with what to do, or None if it can be read."""
    written = binding.original.string.strip()
    begins = _BEGINS.match(written)
    value = written[begins.end() :] if begins else ""
    if binding.error:
        return _unparsable(value)
    if binding.value is None:
        return "has no equals sign. Write NAME=value on one line, a list with commas"
    if re.search(r"[\s\"]", name):
        return "has a space or a quote in the name. Write NAME=value"
    if any(found.lower() in known for found in _NAMES.findall(written.partition("\n")[2])):
        return "opens a quote that closes only after other settings. Close it on the same line"
    return _altered(value, binding.value, several_lines=name in several_lines) if name in known else None


def _altered(written: str, value: str, *, several_lines: bool) -> str | None:
    """Return why a value may differ from the text in the file, with what to do, or None if it does not."""
    if not written.startswith("'") and _LEAVES.search(value):
        return "holds ${ or $(, which is not replaced here. Put the value itself there, in single quotes"
    became_tab = "\t" in value and "\t" not in written
    if became_tab or CONTROL.search(value.replace("\n", "") if several_lines else value):
        return r"holds a line break or another control character. In single quotes, \n and \t stay as they are"
    return None


def _unparsable(value: str) -> str:
    if value[:1] not in {"'", '"'}:
        return "cannot be read. Write NAME=value"
    if _QUOTED.match(value):
        return (
            "has text after the closing quote. Leave the quotes out, or put single quotes around everything after the "
            "equals sign"
        )
    return "opens a quote that is not closed. Close it on the same line"
