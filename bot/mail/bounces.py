"""Read what mail servers report of a mail: that it could not be delivered (RFC 3464), or that somebody complained."""

import quopri
import re
from binascii import Error, a2b_base64
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

_LARGEST: Final = 1_000_000
"""Bytes that are read of a report; what matters stands before the mail that it returns."""
_LONGEST_HEAD: Final = 100_000
_MOST: Final = 50
"""Parts, recipients, Message-IDs and addresses that are looked at; a mail of ours has one of each."""
_LONGEST: Final = 320
"""Characters of an address or a Message-ID."""

_END_OF_HEAD: Final = re.compile(rb"\r?\n[ \t]*\r?\n")
_FOLD: Final = re.compile(r"\r?\n(?=[ \t])")
_COMMENT: Final = re.compile(r"\([^()]*\)")
_BOUNDARY: Final = re.compile(r';\s*boundary\s*=\s*(?:"([^"\r\n]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,300}>")
_ADDRESS: Final = re.compile(r"(?<![^\s<>,;:\"()])[^\s<>,;:\"()@]{1,200}@[^\s<>,;:\"()@]{1,255}")
_STATUS: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)", re.ASCII)
_ANSWER: Final = re.compile(
    r"smtp\s*;\s*([45]\d\d)(?:[ -]\s*#?([245]\.\d{1,3}\.\d{1,3})(?!\.?\d))?", re.IGNORECASE | re.ASCII
)


class Kind(StrEnum):
    """What a report means for the address; the strongest first."""

    COMPLAINT = "complaint"
    """The person said that it was spam."""
    HARD = "hard"
    """The address does not exist, or no longer."""
    SOFT = "soft"
    """It did not get through this time, and nothing says that it never will."""
    POLICY = "policy"
    """The server did not want us, or this mail; the address is as good as before."""


_STRENGTH: Final = tuple(Kind)

# RFC 3463 by subject and detail, and where servers use a code for something of their own, what they mean by it. X.1 is
# about addresses, X.2 about mailboxes, X.3 and X.4 about the systems on the way, X.5 about their talk, X.6 about what
# the mail holds, X.7 about policy.
_GONE: Final = frozenset(
    {
        (2, 1),  # mailbox disabled; for good, in class 5
        (4, 1),  # Exchange Online: “Recipient address rejected: Access denied”, for an address that does not exist
        (4, 4),  # unable to route: the domain does not exist, or takes no mail
    }
)
_US: Final = frozenset(
    {
        (1, 7),  # bad sender's mailbox address
        (1, 8),  # bad sender's system address
        (1, 90),  # Exchange Online: we have sent too many today
        (2, 3),  # the mail is longer than the mailbox takes
        (3, 4),  # the mail is larger than the system takes
    }
)
_ADDRESSING, _CONTENT, _SECURITY = 1, 6, 7
# RFC 5321, 4.2.3, for servers that speak without enhanced codes: no such mailbox, not local, full, no such name.
_OF_REPLY: Final = {"550": "5.1.0", "551": "5.1.6", "552": "5.2.2", "553": "5.1.3"}
# RFC 5965, 7.3, and RFC 6591: a mail rescued from the spam folder, and a signature that did not verify.
_NO_COMPLAINT: Final = frozenset({"not-spam", "auth-failure"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a report says of one recipient, by the addresses it calls it by; `status` is as in RFC 3463, or empty."""

    kind: Kind
    status: str = ""
    address: str = field(default="", repr=False)
    original: str = field(default="", repr=False)
    """The address as we wrote it, where the report knows that it was another one."""

    @property
    def strength(self) -> int:
        """The order of findings about one mail: of several, the one with the smallest number holds."""
        return _STRENGTH.index(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report that has something to say; none of it is proof of anything before a mail of ours was found by it."""

    findings: tuple[Finding, ...]
    message_ids: tuple[str, ...] = field(repr=False)
    """What may be the mail's Message-ID, the best guess first."""
    delivered_to: tuple[str, ...] = field(repr=False)
    """The addresses it came to, one of which may be that of a single mail."""


Fields = Mapping[str, Sequence[str]]


def read_report(content: bytes) -> Report | None:
    """The report in a mail, whatever the bytes; None where it is no report, or of nothing that failed.

    Only the first level is looked at: a report that somebody forwards is their mail, and not a report.
    """
    fields, body = _split(content[:_LARGEST])
    kind, declared = _content_type(fields)
    boundary = _BOUNDARY.search(declared)
    if kind != "multipart/report" or boundary is None:
        return None
    findings: list[Finding] = []
    mail: Fields = {}
    for part in _parts(body, (boundary[1] or boundary[2]).encode()):
        head, text = _split(part)
        match _content_type(head)[0]:
            case "message/delivery-status" | "message/global-delivery-status":
                findings += _failures(_decoded(head, text))
            case "message/feedback-report":
                findings += _complaints(_decoded(head, text))
            case "message/rfc822" | "message/global" | "text/rfc822-headers" | "message/global-headers":
                mail = _split(_decoded(head, text).lstrip(b"\r\n"))[0]
    if not findings:
        return None
    return Report(
        findings=tuple(findings[:_MOST]), message_ids=_message_ids(fields, mail), delivered_to=_ways(fields, mail)
    )


def kind_of(status: str) -> Kind | None:
    """What it means that a mail failed with this status; None where the status tells of a success.

    Where it does not say that the address is to blame, nothing is held against the address but that it failed once.
    """
    code = _STATUS.fullmatch(status)
    if code is None:
        return Kind.SOFT
    subject, detail = int(code[2]), int(code[3])
    if code[1] == "2":
        return None
    if subject in {_CONTENT, _SECURITY} or (subject, detail) in _US:
        return Kind.POLICY
    for_good = code[1] == "5" and (subject == _ADDRESSING or (subject, detail) in _GONE)
    return Kind.HARD if for_good else Kind.SOFT


def _failures(text: bytes) -> Iterator[Finding]:
    """A block for the mail, then one for each recipient; whatever was not given up is no failure yet."""
    for block in _END_OF_HEAD.split(text, maxsplit=2 * _MOST):
        fields = _fields(block)
        if _word(_first(fields, "action")) != "failed":
            continue
        status = _status(_first(fields, "status"), _first(fields, "diagnostic-code"))
        kind = kind_of(status)
        if kind is not None:
            yield Finding(
                kind=kind,
                status=status,
                address=_typed_address(_first(fields, "final-recipient")),
                original=_typed_address(_first(fields, "original-recipient")),
            )


def _status(status: str, diagnostic: str) -> str:
    """The status; or, as Exim writes 5.0.0 for everything, what the other server answered, where that says more."""
    code = _STATUS.search(status)
    answer = _ANSWER.search(diagnostic)
    if answer is not None and (code is None or code[2] == "0"):
        return answer[2] or _OF_REPLY.get(answer[1], f"{answer[1][0]}.0.0")
    return code[0] if code else ""


def _complaints(text: bytes) -> Iterator[Finding]:
    fields = _fields(text)
    kind = _word(_first(fields, "feedback-type"))
    if kind and kind not in _NO_COMPLAINT:
        for address in fields.get("original-rcpt-to", [""])[:_MOST]:
            yield Finding(kind=Kind.COMPLAINT, address=_typed_address(address))


def _message_ids(fields: Fields, mail: Fields) -> tuple[str, ...]:
    """That of the mail that came back; only where it is not there, what the report says it answers, the latest first.

    A mail that somebody writes in answer to an answer names ours there, too.
    """
    named = _MESSAGE_ID.findall(" ".join(mail.get("message-id", ())))
    answered = _MESSAGE_ID.findall(" ".join([*fields.get("references", ()), *fields.get("in-reply-to", ())]))
    return tuple(dict.fromkeys(named or reversed(answered)))[:_MOST]


def _ways(fields: Fields, mail: Fields) -> tuple[str, ...]:
    """Where the report was delivered, by the names that servers have for that, and where the mail said it should be."""
    names = ("to", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "return-path")
    values = [value for name in names for value in fields.get(name, ())] + [*mail.get("return-path", ())]
    return tuple(dict.fromkeys(found for value in values for found in _ADDRESS.findall(value)))[:_MOST]


def _split(content: bytes) -> tuple[Fields, bytes]:
    """The fields at the head of a message, and what follows."""
    end = _END_OF_HEAD.search(content)
    return (_fields(content), b"") if end is None else (_fields(content[: end.start()]), content[end.end() :])


def _fields(head: bytes) -> Fields:
    """The values of each field, unfolded, by its name in lower case."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in _FOLD.sub("", head[:_LONGEST_HEAD].decode(errors="replace")).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found[name.strip().lower()].append(value.strip())
    return found


def _parts(body: bytes, boundary: bytes) -> list[bytes]:
    delimiter = re.compile(rb"^--" + re.escape(boundary) + rb"(?:--)?[ \t]*\r?$", re.MULTILINE)
    # The line break before the part belongs to the delimiter, and the empty line after its head to the head.
    return [part.removeprefix(b"\r").removeprefix(b"\n") for part in delimiter.split(body, maxsplit=_MOST)[1:]]


def _decoded(head: Fields, text: bytes) -> bytes:
    match _word(_first(head, "content-transfer-encoding")):
        case "base64":
            try:
                return a2b_base64(text)
            except Error:
                return b""
        case "quoted-printable":
            return quopri.decodestring(text)
        case _:
            return text


def _content_type(fields: Fields) -> tuple[str, str]:
    """The type of a part, and all that is said with it."""
    value = _first(fields, "content-type")
    return _word(value.partition(";")[0]), value


def _first(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())), "")


def _word(value: str) -> str:
    return _COMMENT.sub("", value).strip().lower()


def _typed_address(value: str) -> str:
    """The address of `rfc822; ana@acme.example`, in angle brackets or not."""
    kind, semicolon, address = value.partition(";")
    return (address if semicolon else kind).strip().strip("<>").strip()[:_LONGEST]
