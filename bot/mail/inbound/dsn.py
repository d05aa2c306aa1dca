"""Read what mail servers report of a mail: that it could not be delivered (RFC 3464), or that somebody complained."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Final

from bot.mail.inbound import provider_notices
from bot.mail.inbound.mime import first_word, headers, kind_of_part, leaves, octets, parse, text_of, values
from bot.mail.inbound.recipient_status import BounceKind, RecipientStatus, classify_status, status_of

__all__ = ["BounceKind", "RecipientStatus", "Report", "classify_status", "read_report"]

_MOST: Final = 50
"""Parts, recipients, Message-IDs and addresses that are looked at; a mail of ours has one of each."""
_LONGEST: Final = 320
"""Characters of an address."""

_END_OF_BLOCK: Final = re.compile(rb"\r?\n[ \t]*\r?\n")
_MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,300}>")
_ADDRESS: Final = re.compile(r"(?<![^\s<>,;:\"()])[^\s<>,;:\"()@]{1,200}@[^\s<>,;:\"()@]{1,255}")
_WAYS: Final = ("to", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "received")
"""Where it was delivered, by the names that servers have for that; in `Received`, behind “for”."""
_SAYS_NOTHING: Final = frozenset({"", "4.0.0", "5.0.0", "4.1.0", "5.1.0"})
# RFC 5965, 7.3, and RFC 6591: a mail rescued from the spam folder, and a signature that did not verify.
_NO_COMPLAINT: Final = frozenset({"not-spam", "auth-failure"})
# RFC 3464, 2.3.3: it is on its way, has arrived, or was passed on.
_NO_FAILURE: Final = frozenset({"delayed", "delivered", "relayed", "expanded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came in, and what it has to say; none of it is proof of anything before a mail of ours was found by it."""

    findings: tuple[RecipientStatus, ...]
    is_standard: bool
    """Whether it is a report of the form that is made for it (RFC 6522), and no mail or notice that holds one."""
    is_harmless: bool
    """Whether it says plainly that nothing failed: of a delay, a receipt, the answer of somebody who is away."""
    message_ids: tuple[str, ...] = field(repr=False)
    """What may be the mail's Message-ID, the best guess first."""
    delivered_to: tuple[str, ...] = field(repr=False)
    """The addresses it came to, one of which may be that of a single mail."""
    returned_to: tuple[str, ...] = field(repr=False)
    """Where the mail that it returns said that it should come."""


def read_report(content: bytes) -> Report:
    """The report in a mail, whatever the bytes.

    A mail that is attached is not looked into, but for its headers: a report that somebody forwards is theirs.
    """
    mail = parse(content)
    parts = list(leaves(mail))[:_MOST]
    text = text_of(parts)
    findings: list[RecipientStatus] = []
    is_harmless = provider_notices.is_automatic_answer(mail)
    returned: EmailMessage | None = None
    for part in parts:
        match kind_of_part(part):
            case "message/delivery-status" | "message/global-delivery-status":
                blocks = [headers(block) for block in _END_OF_BLOCK.split(octets(part), maxsplit=2 * _MOST)]
                findings += _failures(blocks, text)
                is_harmless |= any(_action(block) in _NO_FAILURE for block in blocks)
            case "message/feedback-report":
                feedback = headers(_END_OF_BLOCK.sub(b"\n", octets(part)).lstrip())
                findings += _complaints(feedback)
                is_harmless |= first_word(_first(feedback, "feedback-type")) in _NO_COMPLAINT
            case "message/disposition-notification" | "message/global-disposition-notification":
                is_harmless = True
            case "message/rfc822" | "message/global" | "text/rfc822-headers" | "message/global-headers":
                returned = headers(octets(part).lstrip())
    findings += () if findings else provider_notices.failures(mail, text)
    return Report(
        findings=tuple(findings[:_MOST]),
        is_standard=mail.get_content_type() == "multipart/report",
        is_harmless=is_harmless and not findings,
        message_ids=_message_ids(mail, returned),
        delivered_to=_addresses(mail, *_WAYS),
        returned_to=() if returned is None else _addresses(returned, "return-path"),
    )


def _failures(blocks: Iterable[EmailMessage], said: str) -> Iterator[RecipientStatus]:
    """A block for the mail, then one for each recipient; whatever was not given up is no failure yet.

    `said` is what the report says to people, which is looked at where a block says nothing.
    """
    for fields in blocks:
        # OpenSMTPD writes “error”; some gateways leave it out.
        action, given = _action(fields), _first(fields, "status")
        if not (action.startswith(("fail", "error")) or (not action and given.startswith("5."))):
            continue
        diagnostic = _first(fields, "diagnostic-code")
        status = status_of(given, diagnostic)
        words = diagnostic.partition(";")[2] or (said if status in _SAYS_NOTHING else "")
        kind = classify_status(status, words)
        if kind is not None:
            yield RecipientStatus(
                kind=kind,
                status=status,
                address=_typed_address(_first(fields, "final-recipient")),
                original=_typed_address(_first(fields, "original-recipient")),
            )


def _complaints(feedback: EmailMessage) -> Iterator[RecipientStatus]:
    kind = first_word(_first(feedback, "feedback-type"))
    if kind and kind not in _NO_COMPLAINT:
        for address in (values(feedback, "original-rcpt-to") or [""])[:_MOST]:
            yield RecipientStatus(kind=BounceKind.COMPLAINT, address=_typed_address(address))


def _message_ids(mail: EmailMessage, returned: EmailMessage | None) -> tuple[str, ...]:
    """That of the mail that came back; only where it is not there, what the report says it answers, the latest first.

    A mail that somebody writes in answer to an answer names ours there, too.
    """
    named = [] if returned is None else _MESSAGE_ID.findall(" ".join(values(returned, "message-id")))
    answered = _MESSAGE_ID.findall(" ".join([*values(mail, "references"), *values(mail, "in-reply-to")]))
    return tuple(dict.fromkeys(named or reversed(answered)))[:_MOST]


def _addresses(mail: EmailMessage, *names: str) -> tuple[str, ...]:
    found = (address for name in names for value in values(mail, name) for address in _ADDRESS.findall(value))
    return tuple(dict.fromkeys(found))[:_MOST]


def _action(block: EmailMessage) -> str:
    return first_word(_first(block, "action"))


def _first(fields: EmailMessage, name: str) -> str:
    return next(iter(values(fields, name)), "").strip()


def _typed_address(value: str) -> str:
    """The address of `rfc822; ana@acme.example`, in angle brackets or not."""
    kind, semicolon, address = value.partition(";")
    return (address if semicolon else kind).strip().strip("<>").strip()[:_LONGEST]
