"""Every language has every text, with the same placeholders."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import translations, web
from bot.mail.outbound.footer import LANGUAGES
from bot.translations import load_texts
from bot.web.unsubscribe.texts import PAGE_TEXTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    hello: str
    bye: str


ENGLISH = '[page]\nhello = "Hello {name}"\nbye = "Bye"\n'


def load(folder: Path, german: str) -> dict[str, Texts]:
    (folder / "en.toml").write_text(ENGLISH, "utf-8")
    (folder / "de.toml").write_text(german, "utf-8")
    return dict(load_texts("page", Texts, folder=folder))


def test_the_footer_and_the_pages_have_the_same_languages() -> None:
    assert set(PAGE_TEXTS) == LANGUAGES == {"de", "en", "es", "fr"}


def test_no_line_in_french_begins_with_a_mark() -> None:
    texts = (Path(translations.__file__).parent / "fr.toml").read_text("utf-8")
    widget = (Path(web.__file__).parent / "feedback" / "widget.js").read_text("utf-8")
    for spoken in (*re.findall(r"^[^#].*", texts, re.MULTILINE), *re.findall(r'fr: \["[^"]*"', widget)):
        assert re.search(r"\w [?!;»]|«\s", spoken) is None, spoken


def test_each_language_is_read_from_its_file(tmp_path: Path) -> None:
    texts = load(tmp_path, '[page]\nhello = "Hallo {name}"\nbye = """\\\n  Auf \\\n  Wiedersehen"""\n')

    assert texts["de"] == Texts(hello="Hallo {name}", bye="Auf Wiedersehen")
    assert texts["en"] == Texts(hello="Hello {name}", bye="Bye")


@pytest.mark.parametrize(
    ("german", "problem"),
    [
        ('[page]\nhello = "Hallo {name}"\n', r"de.toml, \[page\]: missing or unknown: bye"),
        (ENGLISH + 'more = "mehr"\n', r"de.toml, \[page\]: missing or unknown: more"),
        ("", r"de.toml, \[page\]: missing or unknown: bye, hello"),
        (ENGLISH.replace("{name}", "{Name}"), r"de.toml, \[page\]: other placeholders than in English: hello"),
        (ENGLISH.replace("Bye", "Bye {name}"), r"de.toml, \[page\]: other placeholders than in English: bye"),
        (ENGLISH.replace("Bye", "{"), "Single '{'"),
        (ENGLISH.replace('"Bye"', "1"), "1 is not a text"),
    ],
)
def test_a_language_that_differs_is_refused(tmp_path: Path, german: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        load(tmp_path, german)
