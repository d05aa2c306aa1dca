"""Parse an email that anybody may have written, with the standard library's parser and within limits."""

import re
from collections.abc import Iterable, Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import EmailPolicy
from typing import Final

_MAX_BYTES: Final = 256_000
"""Bytes read of an email; everything that matters precedes the returned email in a report."""
_LONGEST_HEADER: Final = 4_000
"""Characters read of a header's value; Python refuses to parse a number of more than 4,300 digits, and a parameter may
hold one.
"""
_MAX_TEXT_BYTES: Final = 20_000
"""Bytes read of a text for people; the important part comes first."""
_MOST_NESTED: Final = 12
"""Multiparts in an email; the parser checks each of them for every line. A report about our email has three."""
_BOUNDARY: Final = re.compile(rb"boundary", re.IGNORECASE)
_LINE_BREAKS: Final = re.compile(r"[\r\n\0]")
_COMMENT: Final = re.compile(r"\([^()]*\)")


class _Mail(EmailMessage):
    """An email whose attached emails and status blocks stay unparsed, so that they can neither nest nor hide their
    bytes.
    """

    def get_content_type(self) -> str:
        """Return the type of this part, or text for a part that the parser would take apart."""
        kind = super().get_content_type()
        return "text/plain" if kind.startswith("message/") else kind

    def get_content_maintype(self) -> str:
        """Return the main type of `get_content_type`."""
        return self.get_content_type().partition("/")[0]


class _AsItStands(EmailPolicy):
    def header_fetch_parse(self, _name: str, value: str) -> str:
        """Return a header's value unfolded. The policy's own parser is slow, and strict with headers that strangers
        write.
        """
        unfolded = _LINE_BREAKS.sub("", value[:_LONGEST_HEADER])
        return unfolded.encode(errors="surrogateescape").decode(errors="replace")


_PARSER: Final["BytesParser[EmailMessage]"] = BytesParser(
    _Mail,
    policy=_AsItStands(),  # type: ignore[arg-type]  # policies are generic in the stubs and not in Python
)


def parse(content: bytes) -> EmailMessage:
    """Return the email in these bytes, whatever they are. If it has too many multiparts, only its headers
    are parsed.
    """
    content = content[:_MAX_BYTES]
    nests = len(_BOUNDARY.findall(content)) > _MOST_NESTED
    return _PARSER.parsebytes(content, headersonly=nests)


def headers(content: bytes) -> EmailMessage:
    """Return the headers at the beginning of these bytes, which are an email or a block in the same format."""
    return _PARSER.parsebytes(content, headersonly=True)


def leaves(mail: EmailMessage) -> Iterator[EmailMessage]:
    """Yield the parts without subparts, in order; an attached email is one of them."""
    for part in mail.walk():
        if not part.is_multipart():
            yield part


def kind_of_part(part: EmailMessage) -> str:
    """Return the declared type of a part in lower case, such as `message/delivery-status`; text if none is declared."""
    return first_word(part.get("content-type", "").partition(";")[0]) or "text/plain"


def octets(part: EmailMessage) -> bytes:
    """Return the content of a part without its transfer encoding; wrongly encoded content stays as it is."""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def text_of(parts: Iterable[EmailMessage]) -> str:
    """Return the beginning of the text for people in these parts of an email, whatever its charset: codes and server
    names are in ASCII.
    """
    first = next((part for part in parts if kind_of_part(part) == "text/plain"), None)
    return "" if first is None else octets(first)[:_MAX_TEXT_BYTES].decode(errors="replace").replace("\r\n", "\n")


def values(mail: EmailMessage, name: str) -> list[str]:
    """Return all values of a header."""
    return [str(value) for value in mail.get_all(name, [])]


def decoded(value: str) -> str:
    """Return a header's value for people, with its encoded words (RFC 2047) decoded if possible."""
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value


def first_word(value: str) -> str:
    """Return a one-word value in lower case, without comments."""
    return _COMMENT.sub("", value).strip().lower()
