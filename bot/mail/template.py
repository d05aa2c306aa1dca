"""Mail templates: Markdown files with a small head, filled with the facts of one evaluation."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import MappingProxyType

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import SandboxedEnvironment

from bot.errors import TemplateWrong
from bot.mail.text import one_line, plain

SHIPPED = Path(__file__).with_name("templates")
LONGEST_NAME = 75
"""Characters of the text of an option in a Slack select menu."""

_FENCE = "---"
_JINJA = SandboxedEnvironment(
    autoescape=False,  # the result is Markdown; compose renders it with HTML switched off
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a template may say, as text for a reader; None and blank are undefined in the template."""

    recipient_name: str | None = None
    first_name: str | None = None
    company: str | None = None
    app: str | None = None
    site: str | None = None
    trial_started: str | None = None
    trial_ends: str | None = None
    days_left: str | None = None
    sender_name: str | None = None
    vendor: str | None = None


_FACT_NAMES = frozenset(field.name for field in fields(Facts))


@dataclass(frozen=True, slots=True)
class Filled:
    """A mail as a person may still edit it: the subject is one line, the body is Markdown."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Template:
    """One template; `id` is its file's name without `.md`, `name` is what people choose it by."""

    id: str
    name: str
    _subject: jinja2.Template
    _body: jinja2.Template

    def fill(self, facts: Facts) -> Filled:
        """The mail with its facts put in; TemplateWrong names the fact that is missing."""
        values = {name: plain(value) for name, value in asdict(facts).items() if value is not None}
        known = {name: value for name, value in values.items() if value}
        try:
            return Filled(one_line(self._subject.render(known)), self._body.render(known).strip())
        except jinja2.UndefinedError as exc:
            raise TemplateWrong(
                f"Template {self.id} cannot be filled: {exc.message}. Give it a default in the template, "
                "or choose another template."
            ) from exc
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as exc:
            # The error's own text may quote a fact, that is, somebody's name.
            raise TemplateWrong(f"Template {self.id} cannot be filled ({type(exc).__name__}): mend its tags.") from exc


@dataclass(frozen=True, slots=True)
class Loaded:
    """The templates that can be used, by id, and one sentence for each that cannot."""

    templates: Mapping[str, Template]
    problems: tuple[str, ...]


def load_templates(folder: Path | None = None) -> Loaded:
    """The shipped templates, then those of the folder, which replace shipped ones of the same id.

    A broken file takes the place of a shipped one too: nobody should send words that the team meant to replace.
    """
    templates: dict[str, Template] = {}
    problems: list[str] = []
    if folder is not None and not folder.is_dir():
        problems.append(f"{folder} is not a folder: set MAIL_TEMPLATES to one that holds .md files.")
    for path in [*sorted(SHIPPED.glob("*.md")), *(sorted(folder.glob("*.md")) if folder else [])]:
        templates.pop(path.stem, None)
        try:
            templates[path.stem] = read_template(path)
        except TemplateWrong as exc:
            problems.append(str(exc))
    return Loaded(MappingProxyType(templates), tuple(problems))


def read_template(path: Path) -> Template:
    """One template from its file; TemplateWrong names the file and the line."""
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise TemplateWrong(f"{path.name} cannot be read: it must be a readable file in UTF-8.") from exc
    if lines[0].rstrip() != _FENCE:
        raise _wrong(path, 1, f"the head is missing; start the file with {_FENCE}")
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE), None)
    if end is None:
        raise _wrong(path, len(lines), f"the head has no end; close it with {_FENCE}")
    body = "\n".join(lines[end + 1 :])
    if not body.strip():
        raise _wrong(path, end + 1, "the body is empty; write the mail below the head")
    head = _head(path, lines[1:end])
    for key in ("name", "subject"):
        if key not in head:
            raise _wrong(path, end + 1, f"the head has no {key}; add a line “{key}: …”")
    (name_line, name), (subject_line, subject) = head["name"], head["subject"]
    if len(name) > LONGEST_NAME:
        raise _wrong(path, name_line, f"the name is too long; Slack shows {LONGEST_NAME} characters")
    return Template(path.stem, name, _compile(path, subject, subject_line), _compile(path, body, end + 2))


def _head(path: Path, lines: list[str]) -> dict[str, tuple[int, str]]:
    """The keys of the head, with the line each stands on and its value."""
    head: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines, 2):
        if not line.strip():
            continue
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not value:
            raise _wrong(path, number, "expected “key: value”")
        if key not in {"name", "subject"}:
            raise _wrong(path, number, f"unknown key “{key}”; the head knows name and subject")
        if key in head:
            raise _wrong(path, number, f"{key} is given twice; keep one")
        head[key] = (number, value)
    return head


def _compile(path: Path, source: str, first_line: int) -> jinja2.Template:
    """The source made ready; a fact that nobody can give is found here rather than when a mail is due."""
    try:
        tree = _JINJA.parse(source)
        strange = meta.find_undeclared_variables(tree) - _FACT_NAMES - _JINJA.globals.keys()
        for name in tree.find_all(nodes.Name):
            if name.name in strange:
                known = ", ".join(sorted(_FACT_NAMES))
                raise _wrong(path, first_line + name.lineno - 1, f"unknown fact “{name.name}”; known are {known}")
        return _JINJA.from_string(source)
    except jinja2.TemplateSyntaxError as exc:
        raise _wrong(path, first_line + exc.lineno - 1, exc.message or "the tags cannot be read") from exc


def _wrong(path: Path, line: int, what: str) -> TemplateWrong:
    return TemplateWrong(f"{path.name}, line {line}: {what.rstrip('.')}.")
