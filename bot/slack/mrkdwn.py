"""Render an email's Markdown for a preview in Slack, close to what its reader will see."""

from collections.abc import Iterable, Iterator
from typing import Final

from bot.domain.markdown import Notation, parse, to_lines
from bot.slack.text import escape

_PARAGRAPH: Final = 2600
"""Characters. Slack allows 3,000, but not in every paragraph of a long modal."""
_MAX_PARAGRAPHS: Final = 2
"""Paragraphs. More than an email fills, unless it consists of `&` and `<`, which take up to five times their length."""
_PIECE: Final = 500
"""Characters that are escaped together, so that they fit a paragraph however long they become."""
_LONGEST_LINK: Final = 2000


def render_markdown(body: str) -> list[str]:
    """Return an email's paragraphs as escaped mrkdwn, each of 2,600 characters at most; at least one.

    A text that is too long for Slack ends in a sentence that says so.
    """
    texts = [""]
    for line in to_lines(parse(body), _MRKDWN):
        for piece in line:
            if len(texts[-1]) + len(piece) >= _PARAGRAPH:
                texts.append("")
            texts[-1] += piece
        if len(texts[-1]) < _PARAGRAPH:
            texts[-1] += "\n"
    shown = [text.strip("\n") or "–" for text in texts[:_MAX_PARAGRAPHS]]
    return (
        shown
        if len(texts) <= _MAX_PARAGRAPHS
        else [*shown, "… _The rest is too long to show here. It is sent as written._"]
    )


def _write_text(text: str) -> Iterator[str]:
    return (_escape(text[start : start + _PIECE]) for start in range(0, len(text), _PIECE))


def _write_link(label: str, url: str) -> Iterable[str]:
    # Slack wants nothing else escaped in an address; look-alike characters in it would lead elsewhere.
    link = f"<{url.replace('&', '&amp;')}|{escape(label)}>"
    return [link] if len(link) <= _LONGEST_LINK else _write_text(f"{label} ({url})")


def _escape(text: str) -> str:
    """Escape a text but keep the white space at its ends, which belongs to the sentence."""
    if not text.strip():
        return " "
    return " " * text[:1].isspace() + escape(text, longest=5 * _PIECE) + " " * text[-1:].isspace()


_MRKDWN: Final = Notation(
    strong="*", emphasis="_", code="`", bullet="•", quote="&gt;", text=_write_text, link=_write_link
)
