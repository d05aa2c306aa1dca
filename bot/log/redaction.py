"""Redaction for the log: addresses, tokens and credentials are replaced, characters that forge lines are escaped.

Names and the text of emails have no form by which they could be found, so they must not be logged at all. Every pattern
takes linear time on any line.
"""

import re
import sys
import traceback
from collections.abc import Iterator
from textwrap import indent
from typing import Final

_AT: Final = r"(?:@|%(?:25)*+40|\\(?:u00|x)40|&#(?:64|x40);|&commat;|[\uff20\ufe6b])"
"""An @ as it is written in text, in URLs (encoded any number of times), in JSON and in HTML."""
_ATOM: Final = r"[^\s\"(),:;<>@\[\]{}/?&#\uff20\ufe6b]"
_WORD: Final = rf"(?:{_ATOM}|{_AT})"
_WORDS: Final = re.compile(rf"(?:{_ATOM}|{_AT})++(?:(?<=@)\[[^\]\s]{{1,64}}\])?", re.IGNORECASE)
"""Whole words, so that each is checked once. A search from every letter of a very long word would take minutes."""
_INSIDE: Final = re.compile(_AT, re.IGNORECASE)
_LONGEST_LOCAL: Final = 100
_MAX_DEPTH: Final = 8
_PARTICLES: Final = frozenset("al bin da de del den der di dos du el la le van von y zu".split())
_LONGEST_NAME: Final = 100
_QUOTED_NAME: Final = re.compile(r"\\?\"[^\"\r\n]{0,100}\"\s*<$")

_SECRETS: Final = (
    (re.compile(r"xox[a-z](?:\.xox[a-z])?(?:-|%2d)[\w%.-]+|xapp(?:-|%2d)[\w%-]+", re.IGNORECASE), "<token>"),
    (re.compile(r"(?<=ticket=)[\w-]+"), "<ticket>"),  # opens one connection of Socket Mode
    (
        re.compile(
            r"(?:https?(?::|%3a)(?:\\?/|%2f){2})?hooks\.slack[\w-]{0,10}\.com[^\s\"'<>]+|/response/[^\s\"'<>]+",
            re.IGNORECASE,
        ),
        "<response url>",
    ),
    (re.compile(r"(?<=[/f]u/)[\w-]{16,}|(?<=%2fu%2f)[\w-]{16,}|(?<=/u\\/)[\w-]{16,}", re.IGNORECASE), "<token>"),
    (re.compile(r"(?:Basic|Bearer)(?:[ +]|%20)[A-Za-z0-9+/=._~-]{8,}"), "<credentials>"),
    (
        re.compile(
            r"(token|secret|passwor[dt]|passwd|authorization|cookie|api_?key)([\w-]{0,20}(?:=|%3d|\\?[\"']\s?:\s?\\?[\"']))"
            r"[^\s\"'&;,<>\\]+",
            re.IGNORECASE,
        ),
        r"\1\2<secret>",
    ),
)

_UNSAFE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f]"
)
"""Control characters, line breaks, characters that are invisible or change the writing direction, and
surrogate halves.
"""

_FRAMES: Final = 40
_LINKS: Final = 10
"""How many stack frames and how many chained errors of a traceback are shown."""
_LONGEST_TEXT: Final = 500


def redact(text: str) -> str:
    """Return the text without email addresses, the names before them, tokens and credentials."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    parts: list[str] = []
    last = 0
    for word in _WORDS.finditer(text):
        start = _address_start(text, word, last)
        if start is not None:
            parts += [_without_name(text[last:start]), "<address>"]
            last = word.end()
    return "".join([*parts, text[last:]])


def escape(text: str) -> str:
    r"""Return the text on one line, with unsafe characters escaped: `\n` for a line break, `\x1b` for an escape,
    `\u202e` for an override.
    """
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def render_traceback(error: BaseException) -> str:
    """Return the traceback of an error with its causes, each message on one line.

    Only messages of the standard library and the bot are quoted. Other libraries may include what they were given, such
    as the body of a response or the values of a row.
    """
    return "".join(_render(error)).rstrip("\n")


def summarize(error: BaseException) -> str:
    """Return the error's class and, if its text is safe to quote, its text with its notes, on one line."""
    kind = type(error)
    part = kind.__module__.partition(".")[0]
    name = kind.__qualname__ if part == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if part != "bot" and part not in sys.stdlib_module_names:
        return name
    text = "; ".join([str(error), *map(str, getattr(error, "__notes__", ()))])[: 2 * _LONGEST_TEXT]
    return escape(redact(f"{name}: {text}" if text else name))[:_LONGEST_TEXT]


def _address_start(text: str, word: re.Match[str], last: int) -> int | None:
    """Return where the address starts that this word is or ends, but not before `last`; None for any other word."""
    signs = [sign for sign in _INSIDE.finditer(word[0]) if sign.end() < len(word[0])]
    if not signs:
        return None
    start = word.start()
    if signs[0].start() > 0 or len(signs) > 1:
        return start
    # The local part is in quotes, which may be escaped themselves and may contain escaped quotes.
    if start == last or text[start - 1] != '"':
        return None
    escaping = _backslashes(text, start - 1)
    first = max(last, start - _LONGEST_LOCAL)
    opening = text.rfind('"', first, start - 1)
    while opening > first and _backslashes(text, opening) > escaping:
        opening = text.rfind('"', first, opening)
    return None if opening < 0 else max(last, opening - _backslashes(text, opening))


def _backslashes(text: str, end: int) -> int:
    """Return how many backslashes precede a position, up to `_MAX_DEPTH`."""
    before = text[max(0, end - _MAX_DEPTH) : end]
    return len(before) - len(before.rstrip("\\"))


def _without_name(before: str) -> str:
    """Return the text before an address without the person's name: `to Ana Lima <` becomes `to <`."""
    if not before.endswith("<"):
        return before
    tail = before[-_LONGEST_NAME:]
    if quoted := _QUOTED_NAME.search(tail):
        return before[: len(before) - len(quoted[0])] + "<"
    words = re.split(r"(?<=\s)(?=\S)", tail[:-1])
    kept = len(words)
    while kept and _may_be_name(words[kept - 1].strip()):
        kept -= 1
    return before[: len(before) - len(tail)] + "".join(words[:kept]) + "<"


def _may_be_name(word: str) -> bool:
    plain = word.replace(".", "").replace("'", "").replace("’", "").replace("-", "")
    return plain.isalpha() and (not word[0].islower() or word in _PARTICLES)


def _render(error: BaseException, *, depth: int = 0) -> Iterator[str]:
    """Yield the lines of a traceback, the first cause first."""
    links = [error]
    while len(links) < _LINKS:
        cause = links[-1].__cause__ or (None if links[-1].__suppress_context__ else links[-1].__context__)
        if cause is None or cause in links:
            break
        links.append(cause)
    for link in reversed(links):
        yield "Traceback (most recent call last):\n"
        yield redact("".join(traceback.format_tb(link.__traceback__, limit=-_FRAMES)))  # source lines hold literals
        yield f"{summarize(link)}\n"
        if isinstance(link, BaseExceptionGroup) and depth < _LINKS:
            parts = "".join(part for each in link.exceptions for part in _render(each, depth=depth + 1))
            yield indent(parts, "  | ")
        if link is not error:
            yield "\nThe error above led to this one:\n\n"
