"""The front matter of a template: its name, and which evaluations it fits."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from bot.domain.card import known_end
from bot.domain.evaluation import Evaluation, days_left
from bot.errors import TemplateWrong
from bot.mail.templating.language import ENGLISH, language_tag

LONGEST_NAME: Final = 75
"""Characters of an option in a Slack select menu."""

_FENCE: Final = "---"
_OFFERED = re.compile(r"(first|last) ([1-9]\d{0,2}) days?")
_LANGUAGE_OF_FILE = re.compile(r"\.([a-z]{2}(-[A-Z]{2})?)\.md$")


@dataclass(frozen=True, slots=True)
class TrialWindow:
    """The days of a trial on which a template is offered.

    Written `first 7 days` (the first day included) or `last 10 days` (the last day included), with any number up to
    999. A trial without a known end has no last days.
    """

    edge: str
    days: int

    @classmethod
    def parse(cls, text: str) -> "TrialWindow | None":
        """Parse the words in the front matter; None if they mean nothing."""
        found = _OFFERED.fullmatch(" ".join(text.casefold().split()))
        return None if found is None else cls(found[1], int(found[2]))

    def includes(self, evaluation: Evaluation, today: date) -> bool:
        """Return whether today is one of these days."""
        if self.edge == "first":
            return (today - evaluation.trial.started).days < self.days
        left = None if known_end(evaluation) is None else days_left(evaluation.trial, today)
        return left is not None and left < self.days


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMatter:
    """The front matter with the body. `apps` are keys or names in lower case, empty for all; `window` is None for
    always.
    """

    name: str
    subject: str
    language: str
    apps: frozenset[str] = frozenset()
    window: TrialWindow | None = None
    lines: Mapping[str, int]
    """The line of each key."""
    body: str
    body_line: int


def read_front_matter(file: str, text: str, *, needed: tuple[str, ...], allowed: tuple[str, ...]) -> FrontMatter:
    """Read the front matter and the body of a file with this name. TemplateWrong names the file and the line.

    A file that names no language has that of its name, `welcome.de.md`, or else English.
    """
    lines = text.split("\n")
    end = _end(file, lines)
    body = "\n".join(lines[end + 1 :])
    if not body.strip():
        raise wrong(file, end + 1, "the body is empty; write the email below the front matter")
    given = _given(file, lines[1:end], (*needed, *allowed))
    for key in needed:
        if key not in given:
            raise wrong(file, end + 1, f"the head has no {key}; add a line “{key}: …”")
    return FrontMatter(
        name=given["name"][1] if "name" in given else "",
        subject=given["subject"][1] if "subject" in given else "",
        language=language_tag(given["language"][1] if "language" in given else _language_of(file)) or ENGLISH,
        apps=_apps(given["apps"][1]) if "apps" in given else frozenset(),
        window=TrialWindow.parse(given["offered"][1]) if "offered" in given else None,
        lines={key: line for key, (line, _) in given.items()},
        body=body,
        body_line=end + 2,
    )


def wrong(file: str, line: int, what: str) -> TemplateWrong:
    """Return the error for what is wrong in this line of a file."""
    return TemplateWrong(f"{file}, line {line}: {what.rstrip('.')}.")


def _given(file: str, lines: list[str], known: tuple[str, ...]) -> dict[str, tuple[int, str]]:
    """Return the keys of the front matter, each with its line and value."""
    given: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines, 2):
        if not line.strip():
            continue
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not value:
            raise wrong(file, number, "expected “key: value”")
        if key not in known:
            raise wrong(file, number, f"unknown key “{key}”; the head knows {', '.join(known)}")
        if key in given:
            raise wrong(file, number, f"{key} is given twice; keep one")
        if not _CHECKS[key](value):
            raise wrong(file, number, _ADVICE[key])
        given[key] = (number, value)
    return given


def _end(file: str, lines: list[str]) -> int:
    """Return the index of the line that closes the front matter."""
    if lines[0].rstrip() != _FENCE:
        raise wrong(file, 1, f"the head is missing; start the file with {_FENCE}")
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == _FENCE:
            return number
    raise wrong(file, len(lines), f"the head has no end; close it with {_FENCE}")


def _language_of(file: str) -> str:
    return found[1] if (found := _LANGUAGE_OF_FILE.search(file)) and language_tag(found[1]) else ENGLISH


def _apps(text: str) -> frozenset[str]:
    return frozenset(" ".join(app.casefold().split()) for app in text.split(",")) - {""}


_CHECKS: Final[Mapping[str, Callable[[str], object]]] = {
    "name": lambda value: len(value) <= LONGEST_NAME,
    "subject": bool,
    "language": language_tag,
    "apps": _apps,
    "offered": TrialWindow.parse,
}
"""The parser of each key. A false result means that the value is wrong."""
_ADVICE: Final = {
    "name": f"the name is too long; Slack shows {LONGEST_NAME} characters",
    "language": "the language is unknown; write it like de or pt-BR",
    "apps": "apps names none; write their keys or names with commas between",
    "offered": "offered is not understood; write it like “first 7 days” or “last 10 days”",
}
