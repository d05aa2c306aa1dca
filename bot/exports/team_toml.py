"""The team's settings as a TOML file, to write and to read."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from operator import itemgetter
from typing import Any, Final

from bot.domain.team_settings import TeamSettings, to_plain
from bot.domain.team_settings_reader import SettingsProblem, read_team_settings
from bot.errors import TeamFileWrong
from bot.exports.toml_lines import find_lines

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
_AT_LINE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
"""How the messages of tomllib end."""


def write_team_toml(settings: TeamSettings) -> str:
    """Return the settings as a file that `read_team_toml` reads as the same settings."""
    return "\n".join(_table(to_plain(settings), "")).lstrip("\n") + "\n"


def read_team_toml(text: str, *, today: date) -> TeamSettings:
    """Return the settings in a file. TeamFileWrong names everything that is wrong, each with its line."""
    normal = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        data = tomllib.loads(normal)
    except tomllib.TOMLDecodeError as exc:
        raise TeamFileWrong([_syntax_problem(str(exc), normal)]) from exc
    except RecursionError as exc:
        raise TeamFileWrong(["line 1: lists or tables are nested too deeply."]) from exc
    settings, problems = read_team_settings(data, today=today)
    if problems:
        lines = find_lines(normal)
        located = sorted(((_line(problem, lines), problem.sentence) for problem in problems), key=itemgetter(0))
        raise TeamFileWrong([f"line {line}: {sentence}" for line, sentence in located])
    return settings


def _syntax_problem(message: str, text: str) -> str:
    found = _AT_LINE.search(message)
    line = found[1] if found is not None and found[1] else str(text.rstrip("\n").count("\n") + 1)
    return f"line {line}: {_AT_LINE.sub('', message)}. This isn't TOML (toml.io)."


def _line(problem: SettingsProblem, lines: Mapping[tuple[str | int, ...], int]) -> int:
    """Return the line of a problem, or of the nearest thing around it that has one."""
    place = problem.place
    while place not in lines and place:
        place = place[:-1]
    return lines.get(place, 1)


def _table(table: Mapping[str, Any], name: str) -> Iterator[str]:
    """Yield the lines of a table: first its values, then the tables in it."""
    later = {key: value for key, value in table.items() if isinstance(value, dict) or _is_tables(value)}
    yield from (f"{_key(key)} = {_value(value)}" for key, value in table.items() if key not in later)
    for key, value in later.items():
        path = f"{name}.{_key(key)}" if name else _key(key)
        for each, head in (
            [(value, f"[{path}]")] if isinstance(value, dict) else [(each, f"[[{path}]]") for each in value]
        ):
            yield from ("", head)
            yield from _table(each, path)


def _is_tables(value: object) -> bool:
    """Return whether a value is a list of tables that hold lists, which are clearer as sections."""
    return isinstance(value, list) and any(isinstance(each, dict) and "members" in each for each in value)


def _value(value: object) -> str:
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case list():
            return f"[{', '.join(_value(each) for each in value)}]"
        case dict():
            return "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }"
        case _:
            return str(value)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
