"""Render an email's Markdown for a preview in Slack, close to what its reader will see."""

import re
from collections.abc import Iterator
from typing import Final

from bot.slack.text import escape, tame

_PARAGRAPH: Final = 3000
_MOST: Final = 2
"""Paragraphs. More than an email fills, unless it consists of `&` and `<`, which take up to five times their length."""
_PIECE: Final = 500
"""Characters that are escaped together, so that they fit a paragraph however long they become."""
_LINK: Final = re.compile(r"(\*\*?|)\[([^\[\]]+)\]\((https?://[^()\s<>|]+)\)\1")
_LONGEST_LINK: Final = 2000
_EMPHASIS: Final = re.compile(r"(\*\*?)(?!\s)([^*]+)(?<!\s)\1")
_MARKS: Final = {"**": "*", "*": "_", "": ""}
"""Slack's markup for Markdown's."""
_ITEM: Final = re.compile(r"^(\s*)[-*+] ")
_HEADING: Final = re.compile(r"^#{1,6} +(.*)$")


def render_markdown(body: str) -> list[str]:
    """Return an email's paragraphs as escaped mrkdwn, each as long as Slack allows; at least one.

    A text that is too long for Slack ends in a sentence that says so.
    """
    texts = [""]
    for line in body.strip().splitlines():
        for piece in _render_line(line):
            if len(texts[-1]) + len(piece) >= _PARAGRAPH:
                texts.append("")
            texts[-1] += piece
        if len(texts[-1]) < _PARAGRAPH:
            texts[-1] += "\n"
    shown = [text.strip("\n") or "–" for text in texts[:_MOST]]
    return shown if len(texts) <= _MOST else [*shown, "… _The rest is too long to show here. It is sent as written._"]


def _render_line(line: str) -> Iterator[str]:
    """Return a line in pieces, none of which may be cut."""
    if heading := _HEADING.match(line):
        yield from _marked("*", heading[1])
        return
    line, end = _ITEM.sub(r"\1• ", line), 0
    for found in _LINK.finditer(line):
        # Slack wants nothing else escaped in an address; look-alike characters in it would lead elsewhere.
        link = f"<{tame(found[3], longest=_PARAGRAPH).replace('&', '&amp;')}|{escape(found[2])}>"
        if len(link) <= _LONGEST_LINK:
            mark = _MARKS[found[1]]
            yield from _text(line[end : found.start()])
            yield f"{mark}{link}{mark}"
            end = found.end()
    yield from _text(line[end:])


def _text(text: str) -> Iterator[str]:
    end = 0
    for found in _EMPHASIS.finditer(text):
        yield from _plain(text[end : found.start()])
        yield from _marked(_MARKS[found[1]], found[2])
        end = found.end()
    yield from _plain(text[end:])


def _marked(mark: str, text: str) -> Iterator[str]:
    return (f"{mark}{piece}{mark}" if piece.strip() else piece for piece in _plain(text))


def _plain(text: str) -> Iterator[str]:
    return (_escape(text[start : start + _PIECE]) for start in range(0, len(text), _PIECE))


def _escape(text: str) -> str:
    """Escape a text but keep the white space at its ends, which belongs to the sentence."""
    if not text.strip():
        return " "
    return " " * text[:1].isspace() + escape(text, longest=5 * _PIECE) + " " * text[-1:].isspace()
