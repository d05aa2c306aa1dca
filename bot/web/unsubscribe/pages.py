"""The pages behind the links in an email: plain, small, self-contained, and safe whatever the address is."""

from dataclasses import dataclass, field
from html import escape
from typing import Final

from bot.web.documents import document, masked, note
from bot.web.unsubscribe.texts import PAGE_TEXTS, PageTexts

AGAIN: Final = "again"
"""The form field with which somebody undoes unsubscribing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """The reader of a page: language and address; `sender` is who emailed them."""

    language: str
    sender: str
    address: str = field(default="", repr=False)

    @property
    def words(self) -> PageTexts:
        """Return the texts in their language."""
        return PAGE_TEXTS[self.language]


def ask(reader: Reader) -> str:
    """Return the page behind the link, which says what the button does."""
    words = reader.words
    body = [_paragraph(reader, words.ask_text), _button(words.unsubscribe), note(words.ask_note)]
    return _page(reader, words.ask_title, body)


def done(reader: Reader) -> str:
    """Return the page after unsubscribing, with a way back."""
    words = reader.words
    body = [_paragraph(reader, words.done_text), note(words.undo_note), _button(words.undo, field=AGAIN)]
    return _page(reader, words.done_title, body)


def again(reader: Reader) -> str:
    """Return the page after resubscribing, with a way to unsubscribe again."""
    words = reader.words
    body = [_paragraph(reader, words.again_text), note(words.again_note), _button(words.unsubscribe, quiet=True)]
    return _page(reader, words.again_title, body)


def missing(reader: Reader) -> str:
    """Return the page for a link that is not ours."""
    return _page(reader, reader.words.missing_title, [_paragraph(reader, reader.words.missing_text)])


def busy(reader: Reader) -> str:
    """Return the page for somebody who should come back later."""
    return _page(reader, reader.words.busy_title, [_paragraph(reader, reader.words.busy_text)])


def failed(reader: Reader) -> str:
    """Return the page for an error of ours."""
    return _page(reader, reader.words.failed_title, [_paragraph(reader, reader.words.failed_text)])


def _page(reader: Reader, title: str, body: list[str]) -> str:
    return document(reader.language, escape(title).format(sender=escape(reader.sender)), body)


def _paragraph(reader: Reader, text: str) -> str:
    # Isolated, so that a right-to-left address does not reorder the sentence.
    address = f'<bdi dir="ltr"><strong>{escape(masked(reader.address))}</strong></bdi>'
    return f"<p>{escape(text).format(address=address)}</p>"


def _button(text: str, *, field: str | None = None, quiet: bool = False) -> str:
    name = "" if field is None else f' name="{field}" value="1"'
    style = ' class="quiet"' if quiet or field is not None else ""
    # Without an action the form posts to the page's own address, whatever path a proxy has put before it.
    return f'<form method="post"><button{style}{name}>{escape(text)}</button></form>'
