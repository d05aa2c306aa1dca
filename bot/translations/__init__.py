"""Texts for people outside, in several languages: a TOML file for each language, a table for each place."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import Any, Final, TypeVar

FALLBACK: Final = "en"
"""The language for readers whose language we have no texts in; the others must have its placeholders."""

_FOLDER: Final = Path(__file__).parent
_Texts = TypeVar("_Texts")


def load_texts(table: str, texts: type[_Texts], *, folder: Path = _FOLDER) -> Mapping[str, _Texts]:
    """Return this table of each language, by language, as `texts`: a dataclass whose fields are strings.

    ValueError if a language has other keys than the dataclass, or a text has other placeholders than in English.
    """
    tables = {
        path.stem: tomllib.loads(path.read_text("utf-8")).get(table, {}) for path in sorted(folder.glob("*.toml"))
    }
    keys = {field.name for field in fields(texts)}  # type: ignore[arg-type]  # type[T] does not say that it is one
    for language, said in tables.items():
        if wrong := sorted(said.keys() ^ keys):
            raise ValueError(f"{language}.toml, [{table}]: missing or unknown: {', '.join(wrong)}.")
    expected = {key: _placeholders(text) for key, text in tables[FALLBACK].items()}
    for language, said in tables.items():
        if wrong := sorted(key for key in keys if _placeholders(said[key]) != expected[key]):
            raise ValueError(f"{language}.toml, [{table}]: other placeholders than in English: {', '.join(wrong)}.")
    return MappingProxyType({language: texts(**said) for language, said in tables.items()})


def _placeholders(text: Any) -> set[str]:  # noqa: ANN401  # what a file says
    """Return the names in braces. ValueError if the text is not a string, or a brace is alone."""
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not a text.")  # noqa: TRY004  # wrong content, not a wrong call
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
