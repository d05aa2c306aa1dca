"""The page behind the feedback link in an email: one question, without a login and without JavaScript."""

from dataclasses import dataclass, field
from html import escape
from typing import Final

from bot.domain.feedback import LONGEST_TEXT
from bot.translations import load_texts
from bot.web.documents import document, masked, note


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTexts:
    """The table `[feedback]` of one language in `bot/translations/`."""

    ask_title: str
    ask_text: str
    answer_label: str
    reply_label: str
    bait_label: str
    send: str
    ask_note: str
    done_title: str
    done_text: str
    missing_title: str
    missing_text: str
    empty_text: str
    busy_title: str
    busy_text: str
    failed_title: str
    failed_text: str


PAGE_TEXTS: Final = load_texts("feedback", PageTexts)
TEXT: Final = "text"
MAY_REPLY: Final = "contact_ok"
BAIT: Final = "website"
"""The field that people do not see. A program that fills it is a robot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """The reader of a page. `sender` is who emailed them, `app` is what they try."""

    language: str
    sender: str
    app: str = ""
    address: str = field(default="", repr=False)

    @property
    def words(self) -> PageTexts:
        """Return the texts in their language."""
        return PAGE_TEXTS[self.language]


def ask(reader: Reader, *, is_empty: bool = False) -> str:
    """Return the page with the question; `is_empty` if the form came back with nothing written."""
    words = reader.words
    address = f'<bdi dir="ltr">{escape(masked(reader.address))}</bdi>'
    problem = f'<p role="alert">{escape(words.empty_text)}</p>' if is_empty else ""
    form = f"""\
<form method="post">
<label for="text">{escape(words.answer_label)}</label>
<textarea id="text" name="{TEXT}" rows="6" maxlength="{LONGEST_TEXT}" required></textarea>
<label class="choice"><input type="checkbox" name="{MAY_REPLY}" value="1">
<span>{escape(words.reply_label).format(address=address)}</span></label>
<div class="bait" aria-hidden="true"><label>{escape(words.bait_label)}
<input type="text" name="{BAIT}" tabindex="-1" autocomplete="off"></label></div>
<button>{escape(words.send)}</button>
</form>"""
    return _page(reader, words.ask_title, [_paragraph(reader, words.ask_text), problem, form, note(words.ask_note)])


def done(reader: Reader) -> str:
    """Return the page after the answer was sent."""
    return _page(reader, reader.words.done_title, [_paragraph(reader, reader.words.done_text)])


def missing(reader: Reader) -> str:
    """Return the page for a link that is not ours, or too old."""
    return _page(reader, reader.words.missing_title, [_paragraph(reader, reader.words.missing_text)])


def busy(reader: Reader) -> str:
    """Return the page for somebody who sent enough for today."""
    return _page(reader, reader.words.busy_title, [_paragraph(reader, reader.words.busy_text)])


def failed(reader: Reader) -> str:
    """Return the page for an error of ours."""
    return _page(reader, reader.words.failed_title, [_paragraph(reader, reader.words.failed_text)])


def _page(reader: Reader, title: str, body: list[str]) -> str:
    return document(reader.language, escape(title).format(app=escape(reader.app)), [part for part in body if part])


def _paragraph(reader: Reader, text: str) -> str:
    return f"<p>{escape(text).format(sender=escape(reader.sender))}</p>"
