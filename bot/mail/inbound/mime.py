"""Take apart a mail that anybody may have written: with the standard library's parser, within limits."""

import re
from collections.abc import Iterable, Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import EmailPolicy
from typing import Final

_LARGEST: Final = 256_000
"""Bytes that are read; what matters stands before the mail that a report returns."""
_LONGEST_HEADER: Final = 4_000
"""Characters of a header's value; Python refuses to read a number of 4,300 digits, as a parameter may hold one."""
_ENOUGH: Final = 20_000
"""Bytes of a text for people; it says first what it has to say."""
_MOST_NESTED: Final = 12
"""Multiparts in a mail, of which the parser looks at each for every line; a report of ours has three."""
_BOUNDARY: Final = re.compile(rb"boundary", re.IGNORECASE)
_LINE_BREAKS: Final = re.compile(r"[\r\n\0]")
_COMMENT: Final = re.compile(r"\([^()]*\)")


class _Mail(EmailMessage):
    """A mail in which attached mails and status blocks stay as they came, so that none can nest, or hide its bytes."""

    def get_content_type(self) -> str:
        """The type of this part; text for what the parser would take apart."""
        kind = super().get_content_type()
        return "text/plain" if kind.startswith("message/") else kind

    def get_content_maintype(self) -> str:
        """The first half of `get_content_type`."""
        return self.get_content_type().partition("/")[0]


class _AsItStands(EmailPolicy):
    def header_fetch_parse(self, _name: str, value: str) -> str:
        """A header's value unfolded: the policy's own way to read one is slow and strict on what strangers write."""
        unfolded = _LINE_BREAKS.sub("", value[:_LONGEST_HEADER])
        return unfolded.encode(errors="surrogateescape").decode(errors="replace")


_PARSER: Final["BytesParser[EmailMessage]"] = BytesParser(
    _Mail,
    policy=_AsItStands(),  # type: ignore[arg-type]  # policies are generic in the stubs and not in Python
)


def parse(content: bytes) -> EmailMessage:
    """Return the mail in these bytes, whatever they are; one that nests too much is nothing but its headers."""
    content = content[:_LARGEST]
    nests = len(_BOUNDARY.findall(content)) > _MOST_NESTED
    return _PARSER.parsebytes(content, headersonly=nests)


def headers(content: bytes) -> EmailMessage:
    """Return the headers at the beginning of these bytes, of a mail or of a block that is written like them."""
    return _PARSER.parsebytes(content, headersonly=True)


def leaves(mail: EmailMessage) -> Iterator[EmailMessage]:
    """The parts that hold no parts, in their order; an attached mail is one of them."""
    for part in mail.walk():
        if not part.is_multipart():
            yield part


def kind_of_part(part: EmailMessage) -> str:
    """The type of a part in lower case, as it is declared: `message/delivery-status`; text where nothing is."""
    return first_word(part.get("content-type", "").partition(";")[0]) or "text/plain"


def octets(part: EmailMessage) -> bytes:
    """What a part holds, without its transfer encoding; what is wrongly encoded stays as it is."""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def text_of(parts: Iterable[EmailMessage]) -> str:
    """The beginning of the text for people in these parts of a mail, whatever its charset: codes and names of servers
    are in ASCII.
    """
    first = next((part for part in parts if kind_of_part(part) == "text/plain"), None)
    return "" if first is None else octets(first)[:_ENOUGH].decode(errors="replace").replace("\r\n", "\n")


def values(mail: EmailMessage, name: str) -> list[str]:
    """All values of a header."""
    return [str(value) for value in mail.get_all(name, [])]


def decoded(value: str) -> str:
    """A header's value for people, with its encoded words (RFC 2047) read where that can be done."""
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value


def first_word(value: str) -> str:
    """A value that is one word, without comments, in lower case."""
    return _COMMENT.sub("", value).strip().lower()
