"""The pages behind the links in an email: plain, small, self-contained, and safe whatever the address is."""

from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from string import Template
from typing import Final

from bot.web.unsubscribe.texts import PAGE_TEXTS, PageTexts

_LONGEST: Final = 254
_SHOWN: Final = 1

# The reader's own colours, except for the button, which must be visible in both modes; nothing is smaller than a thumb.
_STYLE: Final = """
:root { color-scheme: light dark; --accent: #0b57d0; --on-accent: #fff; --line: #0003; --soft: #000a; --room: #f4f5f7 }
@media (prefers-color-scheme: dark) {
  :root { --accent: #a8c7fa; --on-accent: #062e6f; --line: #fff3; --soft: #fffb; --room: #060708 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 16px; background: var(--room);
  font: 17px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
main { width: 100%; max-width: 30rem; padding: 2rem; border: 1px solid var(--line); border-radius: 12px;
  background: Canvas; color: CanvasText }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; line-height: 1.25; text-wrap: balance }
p { margin: 0 0 1.25rem; text-wrap: pretty }
p:last-child { margin: 0 }
form { margin: 0 0 1.25rem }
form:last-child { margin: 0 }
.note { color: var(--soft); font-size: .9rem }
form + .note { margin: 0 }
.note:has(+ form) { margin: 1.75rem 0 .75rem; padding-top: 1.25rem; border-top: 1px solid var(--line) }
button { min-height: 48px; padding: .6rem 1.5rem; border: 1px solid var(--accent); border-radius: 8px;
  background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; cursor: pointer }
button.quiet { background: none; color: var(--accent); font-weight: 500 }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
@media (max-width: 480px) { main { padding: 1.5rem } button { width: 100% } }
"""

_DOCUMENT: Final = Template(
    """\
<!doctype html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<h1>$title</h1>
$body
</main>
</body>
</html>
"""
)

POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may load and do: its own style, and a form that posts back here."""

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
    body = [_paragraph(reader, words.ask_text), _button(words.unsubscribe), _note(words.ask_note)]
    return _page(reader, words.ask_title, body)


def done(reader: Reader) -> str:
    """Return the page after unsubscribing, with a way back."""
    words = reader.words
    body = [_paragraph(reader, words.done_text), _note(words.undo_note), _button(words.undo, field=AGAIN)]
    return _page(reader, words.done_title, body)


def again(reader: Reader) -> str:
    """Return the page after resubscribing, with a way to unsubscribe again."""
    words = reader.words
    body = [_paragraph(reader, words.again_text), _note(words.again_note), _button(words.unsubscribe, quiet=True)]
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


def masked(address: str) -> str:
    """Mask an address so that only its owner recognises it: `a•••@acme.example`."""
    local, at, domain = address[:_LONGEST].rpartition("@")
    return f"{local[:_SHOWN]}•••{at}{domain}"


def _page(reader: Reader, title: str, body: list[str]) -> str:
    return _DOCUMENT.substitute(
        language=reader.language,
        title=escape(title).format(sender=escape(reader.sender)),
        style=_STYLE,
        body="\n".join(body),
    )


def _paragraph(reader: Reader, text: str) -> str:
    # Isolated, so that a right-to-left address does not reorder the sentence.
    address = f'<bdi dir="ltr"><strong>{escape(masked(reader.address))}</strong></bdi>'
    return f"<p>{escape(text).format(address=address)}</p>"


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _button(text: str, *, field: str | None = None, quiet: bool = False) -> str:
    name = "" if field is None else f' name="{field}" value="1"'
    style = ' class="quiet"' if quiet or field is not None else ""
    # Without an action the form posts to the page's own address, whatever path a proxy has put before it.
    return f'<form method="post"><button{style}{name}>{escape(text)}</button></form>'
