"""The HTML document of every page for people outside: plain, small, self-contained, in light and dark."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from string import Template
from typing import Final

from aiohttp import web

_MAX_LENGTH: Final = 254
_VISIBLE_CHARACTERS: Final = 1

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
label { display: block; margin: 0 0 .35rem; font-weight: 600 }
textarea { width: 100%; margin: 0 0 1rem; padding: .6rem; border: 1px solid var(--soft); border-radius: 8px;
  background: Canvas; color: CanvasText; font: inherit }
textarea:focus-visible, input:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.choice { display: flex; gap: .6rem; align-items: center; min-height: 44px; margin: 0 0 1rem; font-weight: 400 }
.choice input { flex: none; width: 1.25rem; height: 1.25rem }
.bait { position: absolute; left: -99rem }
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

HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


def document(language: str, title: str, body: Sequence[str]) -> str:
    """Return the document. The title and the parts of the body are HTML."""
    return _DOCUMENT.substitute(language=language, title=title, style=_STYLE, body="\n".join(body))


def note(text: str) -> str:
    """Return a paragraph in small print."""
    return f'<p class="note">{escape(text)}</p>'


def masked(address: str) -> str:
    """Mask an address so that only its owner recognises it: `a•••@acme.example`."""
    local, at, domain = address[:_MAX_LENGTH].rpartition("@")
    return f"{local[:_VISIBLE_CHARACTERS]}•••{at}{domain}"


def page(status: int, html: str, *, language: str, retry_after: int | None = None) -> web.Response:
    """Return the response with a document."""
    headers = {**HEADERS, "Content-Language": language}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return web.Response(status=status, text=html, content_type="text/html", headers=headers)
