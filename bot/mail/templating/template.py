"""Email templates: Markdown files with front matter, filled with the facts of one evaluation."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import SandboxedEnvironment

from bot.errors import TemplateWrong
from bot.mail.sanitize import escape_markdown, one_line
from bot.mail.templating.front_matter import TrialWindow, read_front_matter, wrong
from bot.mail.templating.language import ENGLISH, FOREIGN, distance, long_day
from bot.mail.templating.required_variables import needs

SHIPPED: Final = Path(__file__).parent.with_name("templates")
SIGNATURE: Final = "signature"
"""The family of the signature files, and the variable by which templates include one."""

_JINJA = SandboxedEnvironment(
    autoescape=False,  # the result is Markdown; compose renders it with HTML switched off
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateVariables:
    """The variables of a template. None and blank are undefined in it. Dates are written in its language."""

    recipient_name: str | None = None
    first_name: str | None = None
    company: str | None = None
    app: str | None = None
    site: str | None = None
    trial_started: date | None = None
    trial_ends: date | None = None
    days_left: int | None = None
    sender_name: str | None = None
    sender_title: str | None = None
    vendor: str | None = None

    def as_strings(self, language: str) -> dict[str, str]:
        """Return the known variables as short lines of text without markup."""
        said = {
            name: escape_markdown(long_day(value, language) if isinstance(value, date) else str(value))
            for name, value in asdict(self).items()
            if value is not None
        }
        return {name: text for name, text in said.items() if text}


_FACT_NAMES = frozenset(field.name for field in fields(TemplateVariables))


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """An email that a person may still edit: the subject is one line, the body is Markdown."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class CompiledTemplate:
    """A compiled text: the variables it uses, and those it cannot do without."""

    id: str
    ready: jinja2.Template
    uses: frozenset[str]
    needs: frozenset[str]

    def fill(self, known: Mapping[str, str]) -> str:
        """Return the text with the variables filled in."""
        try:
            return self.ready.render(known)
        except jinja2.UndefinedError as exc:
            raise TemplateWrong(
                f"Template {self.id} cannot be filled: {exc.message}. Give it a default in the template, "
                "or choose another template."
            ) from exc
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as exc:
            # The error's own text may quote a variable, such as somebody's name.
            raise TemplateWrong(f"Template {self.id} cannot be filled ({type(exc).__name__}): fix its tags.") from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The signature of an email in one language: the sender's name and what goes with it."""

    id: str
    language: str
    words: CompiledTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One template. `id` is its file's name without `.md`, `name` is what people choose it by.

    `apps` are keys or names in lower case, empty for all; `window` is None for always.
    """

    id: str
    name: str
    language: str = ENGLISH
    apps: frozenset[str] = frozenset()
    window: TrialWindow | None = None
    signature: Signature | None = None
    subject: CompiledTemplate
    body: CompiledTemplate

    @property
    def family(self) -> str:
        """What its variants for languages and apps have in common."""
        return _family(self.id)

    @property
    def needs(self) -> frozenset[str]:
        """The variables that must be known, including those of its signature."""
        needed = self.subject.needs | self.body.needs
        return needed if self._end is None else (needed - {SIGNATURE}) | self._end.words.needs

    def fill(self, variables: TemplateVariables) -> RenderedMail:
        """Return the email with its variables filled in. TemplateWrong names the missing one."""
        known = variables.as_strings(self.language)
        if self._end is not None:
            known[SIGNATURE] = self._end.words.fill(known).strip()
        return RenderedMail(one_line(self.subject.fill(known)), self.body.fill(known).strip())

    @property
    def _end(self) -> Signature | None:
        """Return the signature, if the text includes it."""
        return self.signature if SIGNATURE in self.subject.uses | self.body.uses else None


@dataclass(frozen=True, slots=True)
class LoadedTemplates:
    """The usable templates by id, and one sentence for each unusable one."""

    templates: Mapping[str, Template]
    problems: tuple[str, ...]
    signatures: tuple[Signature, ...] = ()

    def signed(self, template: Template) -> Template:
        """Return the template with the signature in its language, in a sister language, or in English."""
        near = [each for each in self.signatures if distance(each.language, template.language) < FOREIGN]
        best = min(near, key=lambda each: (distance(each.language, template.language), each.id), default=None)
        return replace(template, signature=best)


def load_templates(folder: Path | None = None) -> LoadedTemplates:
    """Load the shipped templates, then those of the folder, which replace shipped ones of the same id.

    A broken file replaces a shipped one, too: nobody should send words that the team meant to replace.
    """
    found: dict[str, Template | Signature] = {}
    problems: list[str] = []
    if folder is not None and not folder.is_dir():
        problems.append(f"{folder} is not a folder: set MAIL_TEMPLATES to one that holds .md files.")
    for path in [*sorted(SHIPPED.glob("*.md")), *(sorted(folder.glob("*.md")) if folder else [])]:
        found.pop(path.stem, None)
        try:
            found[path.stem] = read_signature(path) if _family(path.stem) == SIGNATURE else read_template(path)
        except TemplateWrong as exc:
            problems.append(str(exc))
    signatures = tuple(each for each in found.values() if isinstance(each, Signature))
    unsigned = [each for each in found.values() if isinstance(each, Template)]
    loaded = LoadedTemplates({}, tuple(problems), signatures)
    return replace(loaded, templates=MappingProxyType({each.id: loaded.signed(each) for each in unsigned}))


def read_template(path: Path) -> Template:
    """Read one template from its file, without a signature. TemplateWrong names the file and the line."""
    head = read_front_matter(
        path.name, _text(path), needed=("name", "subject"), allowed=("language", "apps", "offered")
    )
    return Template(
        id=path.stem,
        name=head.name,
        language=head.language,
        apps=head.apps,
        window=head.window,
        subject=_words(path, head.subject, head.lines["subject"], known=_FACT_NAMES | {SIGNATURE}),
        body=_words(path, head.body, head.body_line, known=_FACT_NAMES | {SIGNATURE}),
    )


def read_signature(path: Path) -> Signature:
    """Read a signature from its file; its front matter holds only the language. TemplateWrong as for a template."""
    head = read_front_matter(path.name, _text(path), needed=(), allowed=("language",))
    words = _words(path, head.body, head.body_line, known=_FACT_NAMES)
    return Signature(id=path.stem, language=head.language, words=words)


def _family(id_: str) -> str:
    return id_.partition(".")[0]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise TemplateWrong(f"{path.name} cannot be read: it must be a readable file in UTF-8.") from exc


def _words(path: Path, source: str, first_line: int, *, known: frozenset[str]) -> CompiledTemplate:
    """Compile the source. An unknown variable is found here rather than when an email is due."""
    try:
        tree = _JINJA.parse(source)
        used = meta.find_undeclared_variables(tree) - _JINJA.globals.keys()
        for name in tree.find_all(nodes.Name):
            if name.name in used - known:
                variables = ", ".join(sorted(known))
                raise wrong(
                    path.name, first_line + name.lineno - 1, f"unknown fact “{name.name}”; known are {variables}"
                )
        return CompiledTemplate(path.stem, _JINJA.from_string(tree), frozenset(used), needs(tree) & used)
    except jinja2.TemplateSyntaxError as exc:
        raise wrong(path.name, first_line + exc.lineno - 1, exc.message or "the tags cannot be read") from exc
