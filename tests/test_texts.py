"""Every text that people read, in plain words and short sentences."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
BOT: Final = ROOT / "bot"
LONGEST_SENTENCE: Final = 25
"""Words."""

_COMPOUNDS: Final = "server|servers|domain|domains|provider|provider's|service|program|programs|pipe|system|exchanger"
OLD_WORDS: Final = {
    "email": rf"(?<![\w./@{{-])mails?\b(?!\s+(?:{_COMPOUNDS})\b)(?![-./=@_])|\bmail(?:ed|ing)\b|\be-mails?\b",
    "fix": r"\bmend(?:s|ed|ing)?\b",
    "again": r"\banew\b",
    "a plain relative clause": r"\bwhom\b|\bwho(?:so)?ever\b|\bwhatsoever\b",
    "block, unblock": r"(?<!code )(?<!order )\bmark(?:s|ed|ing)?\b(?! as)",
    "update": r"\brepaint",
    "cancel": r"\b(?:take|takes|taken|took) (?:it )?back\b",
    "release": r"\b(?:give|gives|given|gave) (?:it |this )?back\b",
    "legal basis": r"\bon what ground\b|\b[Aa] ground\b|\bgrounds?\b(?= (?:is|may|for))",
    "is in use": r"\bcannot be had\b",
    "automatically, or nothing": r"\bby itself\b|\bby myself\b",
}
"""What a text says instead, with the pattern of the old words."""

_PROSE: Final = re.compile(r"[A-Za-z…][a-z’']* [A-Za-z…]")
"""At least two words of plain text."""
_CODE: Final = re.compile(r"`[^`]*`|https?://\S+|<[^>]*>")
_NO_TEXT: Final = re.compile(r"\\[sdwb]|\(\?|^\s*[<:@{]|^(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER) ")
"""Regular expressions, HTML, CSS and SQL."""


def _literal(node: ast.AST) -> str | None:
    """Return the text of a string, with … for each value that is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_literal(each) or "…" for each in values)
        case _:
            return None


def _strings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the prose in a module with its line, without docstrings."""
    for parent in ast.walk(ast.parse(path.read_text())):
        # A part of a longer text, a docstring, or a list of words.
        if isinstance(parent, ast.JoinedStr | ast.FormattedValue | ast.Expr | ast.Attribute):
            continue
        for node in ast.iter_child_nodes(parent):
            text = _literal(node)
            if isinstance(node, ast.expr) and text is not None and _PROSE.search(text) and not _NO_TEXT.search(text):
                yield node.lineno, text


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    """Return every text in English, by place."""
    found: dict[str, str] = {}
    for path in sorted(BOT.rglob("*.py")):
        if "migrations" not in path.parts:
            found |= {f"{path.relative_to(ROOT)}:{line}": text for line, text in _strings(path)}
    for section, texts in tomllib.loads((BOT / "translations" / "en.toml").read_text()).items():
        found |= {f"en.toml:{section}.{name}": str(text) for name, text in texts.items()}
    for path in sorted(BOT.glob("mail/templates/*.md")):
        if "language: en" in path.read_text():
            found[f"templates/{path.name}"] = re.sub(r"\{[{%].*?[%}]\}", "…", path.read_text().split("---\n")[2])
    return found


DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / ".env.example", ROOT / "manifest.yml"])


def _sentences(text: str) -> list[str]:
    plain = _CODE.sub("…", text)
    return re.split(r"(?<=[.!?])[\s*_”]+|\n+|\s·\s|  +", plain)


def _old_words(text: str) -> list[str]:
    plain = _CODE.sub("…", text)
    return [f"“{m[0]}”: write {better}" for better, old in OLD_WORDS.items() for m in re.finditer(old, plain)]


def test_no_text_has_old_words(texts: dict[str, str]) -> None:
    assert {place: found for place, text in texts.items() if (found := _old_words(text))} == {}


def test_every_sentence_is_short(texts: dict[str, str]) -> None:
    long = {
        place: [each for each in _sentences(text) if len(each.split()) > LONGEST_SENTENCE]
        for place, text in texts.items()
    }
    assert {place: sentences for place, sentences in long.items() if sentences} == {}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_no_document_has_old_words(path: Path) -> None:
    plain = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert _old_words(plain) == []


def test_every_sentence_of_the_readme_is_short() -> None:
    plain = re.sub(r"^```.*?^```", "", (ROOT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    cells = [" ".join(cell.split()) for part in re.split(r"\n\s*\n|\n(?=[|#-])", plain) for cell in part.split("|")]
    assert [each for cell in cells for each in _sentences(cell) if len(each.split()) > LONGEST_SENTENCE] == []
