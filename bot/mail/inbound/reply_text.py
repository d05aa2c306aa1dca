"""The text of a reply: what somebody wrote, without what their mail program put below it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from itertools import islice
from typing import Final

from bot.mail.inbound.mime import kind_of_part, leaves, octets, parse
from bot.mail.sanitize import strip_control_characters

LONGEST: Final = 20_000
"""Characters kept of the text of an email."""
_HTML_BYTES: Final = 100_000
_LINE: Final = 400
_CAGE: Final = 8192
"""The parser of replies takes quadratic time on hostile lines, so it gets short lines, and few of them."""
_LANGUAGES: Final = ("en", "de", "fr", "es", "it", "nl", "pl", "sv", "ja")
_MOST_PARTS: Final = 50
_MOST_FILES: Final = 20
_LONGEST_NAME: Final = 120
_ALMOST_ALL: Final = 0.8
"""A reply that is a larger part of its email was not separated from what it quotes."""
_UNREADABLE: Final = "(This email has no text that I can read. It is in the mailbox.)"
_LABEL: Final = re.compile(r"\*?\S{1,14}(?: \S{1,14})?\s?[:：]\*?\s")
_ATTRIBUTION: Final = re.compile(r".{0,200}[<(][^<>()@\s]{1,100}@[^<>()\s]{1,100}[>)].{0,40}[:：]\s*")
_RULE: Final = re.compile(r"[_\-=\s]{5,}|-{2,}.{1,60}-{2,}")
_PHONE: Final = re.compile(
    r"^(?:sent from my|get outlook for|von meinem .{2,20} gesendet|gesendet von|envoyé de mon|enviado desde mi|"
    r"inviato da|verzonden vanaf|wysłane z|skickat från)\b.{0,60}$",
    re.IGNORECASE,
)
_BLANK: Final = re.compile(r"\n{3,}")
_MOST_TAGS: Final = 3000
"""HTML with more of them may be nested so deeply that reading it takes minutes."""
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")
_MARKS: Final = re.compile(r"\\([\\`*_{}\[\]()#+\-.!>|~<])")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyText:
    """What is read of a message's body."""

    text: str
    """What its writer wrote."""
    full_text: str
    """The text of the entire email."""
    attachments: tuple[str, ...]


def read_text(content: bytes) -> ReplyText:
    """Return the text of a message, whatever the bytes."""
    parts = list(islice(leaves(parse(content.replace(b"\0", b""))), _MOST_PARTS))
    full = _BLANK.sub("\n\n", strip_control_characters(_full_text(parts))).strip()[:LONGEST]
    text = own_words(full)
    return ReplyText(text=text or _UNREADABLE, full_text="" if full == text else full, attachments=tuple(_files(parts)))


def own_words(full_text: str) -> str:
    """Return what somebody wrote in an email, without the quotes and the signature.

    If they cannot be separated, return everything but the lines that are marked as a quote.
    """
    caged = "\n".join(line[:_LINE] for line in full_text.splitlines())[:_CAGE]
    caged = "\n".join(_before_headers(caged.splitlines()))
    # Imported here because it compiles its patterns for many languages, and many bots never read a reply.
    from mailparser_reply import EmailReplyParser  # noqa: PLC0415

    found = EmailReplyParser(languages=list(_LANGUAGES)).parse_reply(caged) or ""
    found = _without_end(found)
    is_told_apart = found and ("\n>" not in f"\n{found}") and len(found) <= _ALMOST_ALL * len(caged)
    if is_told_apart:
        return found
    unquoted = _without_end("\n".join(line for line in caged.splitlines() if not line.lstrip().startswith(">")))
    return unquoted or found


def _before_headers(lines: list[str]) -> list[str]:
    """Return the lines before the headers of the email below, which Outlook repeats in the language of its user."""
    for number, line in enumerate(lines):
        if "@" in line and all(_LABEL.match(each.strip()) for each in [line, *lines[number + 1 : number + 4]]):
            before = lines[:number]
            while before and (not before[-1].strip() or _RULE.fullmatch(before[-1].strip())):
                before.pop()
            return before or lines
    return lines


def _without_end(text: str) -> str:
    """Return a text without the line above a quote, and without the one that phones add."""
    lines = text.strip().splitlines()
    while lines:
        last = lines[-1].strip()
        if last and not _PHONE.match(last) and not _ATTRIBUTION.fullmatch(last):
            break
        lines.pop()
    return "\n".join(lines).strip()


def _full_text(parts: Sequence[EmailMessage]) -> str:
    """Return the first text part, or else the first HTML part as text."""
    texts = [part for part in parts if not _is_file(part)]
    plain = next((part for part in texts if kind_of_part(part) == "text/plain"), None)
    if plain is not None and (text := _decoded(plain)).strip():
        return text
    html = next((part for part in texts if kind_of_part(part) == "text/html"), None)
    return "" if html is None else _of_html(_decoded(html))


def _is_file(part: EmailMessage) -> bool:
    return str(part.get("content-disposition", "")).strip().lower().startswith("attachment")


def _decoded(part: EmailMessage) -> str:
    content = octets(part)[: 4 * LONGEST] if kind_of_part(part) == "text/plain" else octets(part)[:_HTML_BYTES]
    try:
        return content.decode(part.get_content_charset("utf-8"))
    except UnicodeDecodeError as exc:
        if exc.reason == "unexpected end of data":  # it was cut off in the middle of a character
            return content.decode(part.get_content_charset("utf-8"), errors="ignore")
    except (LookupError, ValueError):
        pass
    return content.decode("latin-1")  # the charset is wrong, and most letters survive in this one


def _of_html(html: str) -> str:
    if html.count("<") > _MOST_TAGS:
        return _TAG.sub(" ", html)
    from bs4 import BeautifulSoup  # noqa: PLC0415  few replies need it
    from markdownify import MarkdownConverter  # noqa: PLC0415

    soup = BeautifulSoup(html, "html.parser")
    for invisible in soup(["script", "style", "head", "title"]):
        invisible.decompose()
    try:
        text: str = MarkdownConverter(strip=["a", "img", "b", "strong", "i", "em"]).convert_soup(soup)
    except RecursionError:  # thousands of elements, one in the other
        text = soup.get_text("\n")
    return _MARKS.sub(r"\1", text)


def _files(parts: Iterable[EmailMessage]) -> list[str]:
    names = (part.get_filename() for part in parts)
    return [strip_control_characters(name)[:_LONGEST_NAME] for name in names if name][:_MOST_FILES]
