"""Read the Markdown of an email once; write it as HTML, as text, or in another notation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token


class _Markdown(MarkdownIt):
    """Markdown whose links go only to the web and to mailboxes."""

    def validateLink(self, url: str) -> bool:  # noqa: N802  # the name is markdown-it's
        return url.lower().startswith(("https://", "http://", "mailto:"))


# A line break is a line break, as in the form. Off is what people do not expect in an email: HTML, images, entities,
# and lines that turn their neighbours into code or headings.
_MARKDOWN: Final = _Markdown("commonmark", {"html": False, "breaks": True}).disable(
    ["autolink", "code", "entity", "html_block", "html_inline", "image", "lheading", "reference"]
)


def parse(body: str) -> Sequence[Token]:
    """Return the tokens of a body, for the functions below."""
    return _MARKDOWN.parse(body)


def to_html(tokens: Sequence[Token]) -> str:
    """Return the body as HTML."""
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})).strip()


def to_text(tokens: Sequence[Token]) -> str:
    """Return the body as text, without marks: each link is followed by its address."""
    return "\n".join("".join(line) for line in to_lines(tokens, _TEXT)).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notation:
    """How a kind of text writes what Markdown means."""

    strong: str
    emphasis: str
    code: str
    bullet: str
    quote: str
    text: Callable[[str], Iterable[str]]
    """Text without markup, in pieces that must not be cut."""
    link: Callable[[str, str], Iterable[str]]
    """A link from its label and address, in such pieces."""


def _write_link(label: str, url: str) -> Iterable[str]:
    return (url,) if label in {"", url} else (f"{label} ({url})",)


_TEXT: Final = Notation(
    strong="", emphasis="", code="", bullet="-", quote=">", text=lambda text: (text,), link=_write_link
)


_Prefixes = list[tuple[str, str]]
"""What the next line begins with, and the lines after it: one of each quote and item that is open."""
_START: Final = Token("", "", 0)


def to_lines(tokens: Sequence[Token], notation: Notation) -> Iterator[list[str]]:
    """Yield the lines of the body in this notation, each as its pieces."""
    prefixes: _Prefixes = []
    gap, lists = False, 0
    for before, token in pairwise([_START, *tokens]):
        match token.type:
            case "blockquote_open":
                prefixes.append((f"{notation.quote} ", f"{notation.quote} "))
            case "list_item_open":
                marker = f"{token.info}{token.markup} " if token.info else f"{notation.bullet} "
                prefixes.append((marker, " " * len(marker)))
            case "blockquote_close" | "list_item_close":
                yield from _end(prefixes)
            case "bullet_list_open" | "ordered_list_open":
                lists += 1
            case "bullet_list_close" | "ordered_list_close":
                lists -= 1
                gap = gap or not lists
            case "inline" | "fence" | "hr":
                if gap:
                    yield []
                is_heading = before.type == "heading_open" and token.content
                for line in _lines_of(token, notation, [notation.strong] if is_heading else []):
                    yield [*_begin(prefixes), *line]
                gap = not before.hidden  # as in a list that was written without empty lines
            case _:
                pass


def _begin(prefixes: _Prefixes) -> list[str]:
    """Return what the next line begins with, and move on to the line after it."""
    begin = [first for first, _ in prefixes]
    prefixes[:] = [(rest, rest) for _, rest in prefixes]
    return begin


def _end(prefixes: _Prefixes) -> Iterator[list[str]]:
    """End a quote or an item. An item without words still has a line."""
    first, rest = prefixes[-1]
    if first != rest:
        yield _begin(prefixes)
    prefixes.pop()


def _lines_of(token: Token, notation: Notation, marks: list[str]) -> Iterator[list[str]]:
    """Yield the lines of one paragraph, heading, block of code or rule, within these marks."""
    if token.type != "inline":
        code = notation.code if token.type == "fence" else ""
        for text in token.content.splitlines() if token.type == "fence" else ["---"]:
            yield [code, *notation.text(text), code] if text.strip() else []
        return
    line, children = [*marks], iter(token.children or [])
    for child in children:
        match child.type:
            case "softbreak" | "hardbreak":
                yield [*line, *reversed(marks)]
                line = [*marks]
            case "strong_open" | "em_open":
                mark = notation.strong if child.type == "strong_open" else notation.emphasis
                marks.append("" if mark in marks else mark)
                line.append(marks[-1])
            case "strong_close" | "em_close":
                line.append(marks.pop())
            case "code_inline":
                line += [notation.code, *notation.text(child.content), notation.code]
            case "link_open":
                label = takewhile(lambda inner: inner.type != "link_close", children)
                line += notation.link("".join(inner.content for inner in label), str(child.attrs["href"]))
            case _:
                line += notation.text(child.content)
    yield [*line, *reversed(marks)]
