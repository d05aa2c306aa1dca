"""Read what mail servers report: delivery failures (RFC 3464) and complaints (RFC 5965)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Final

from bot.mail.inbound import provider_notices
from bot.mail.inbound.mime import first_word, headers, kind_of_part, leaves, octets, parse, text_of, values
from bot.mail.inbound.recipient_status import BounceKind, RecipientStatus, classify_status, status_of

__all__ = ["BounceKind", "RecipientStatus", "Report", "classify_status", "read_report"]

_MAX_ITEMS: Final = 50
"""Parts, recipients, Message-IDs and addresses that are read; a report about our email has one of each."""
_MAX_LENGTH: Final = 320
"""Maximum characters of an address."""

_END_OF_BLOCK: Final = re.compile(rb"\r?\n[ \t]*\r?\n")
_MESSAGE_ID: Final = re.compile(r"<[^<>\s]{1,300}>")
_ADDRESS: Final = re.compile(r"(?<![^\s<>,;:\"()])[^\s<>,;:\"()@]{1,200}@[^\s<>,;:\"()@]{1,255}")
_WAYS: Final = ("to", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "received")
"""The header fields in which servers name the delivery address; `Received` has it after “for”."""
_SAYS_NOTHING: Final = frozenset({"", "4.0.0", "5.0.0", "4.1.0", "5.1.0"})
# RFC 5965, 7.3, and RFC 6591: an email rescued from the spam folder, and a signature that failed verification.
_NO_COMPLAINT: Final = frozenset({"not-spam", "auth-failure"})
# RFC 3464, 2.3.3: the email is still on its way, has arrived, or was passed on.
_NO_FAILURE: Final = frozenset({"delayed", "delivered", "relayed", "expanded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a message reports. Nothing in it is proof until one of our emails has been found by it."""

    findings: tuple[RecipientStatus, ...]
    is_standard: bool
    """Whether the message itself is a report in the standard form (RFC 6522), not an email or notice that
    contains one.
    """
    is_harmless: bool
    """Whether it plainly says that nothing failed: it reports a delay or a receipt, or is an out-of-office reply."""
    message_ids: tuple[str, ...] = field(repr=False)
    """Candidates for the email's Message-ID, the best first."""
    delivered_to: tuple[str, ...] = field(repr=False)
    """The addresses that the report was delivered to; one may be the return address of a single email."""
    returned_to: tuple[str, ...] = field(repr=False)
    """The addresses in the `Return-Path` of the returned email."""


def read_report(content: bytes) -> Report:
    """Return the report in a message, whatever the bytes.

    Only the headers of an attached email are read: a report that somebody forwards is about their email.
    """
    mail = parse(content)
    parts = list(leaves(mail))[:_MAX_ITEMS]
    text = text_of(parts)
    findings: list[RecipientStatus] = []
    is_harmless = provider_notices.is_automatic_answer(mail)
    returned: EmailMessage | None = None
    for part in parts:
        match kind_of_part(part):
            case "message/delivery-status" | "message/global-delivery-status":
                blocks = [headers(block) for block in _END_OF_BLOCK.split(octets(part), maxsplit=2 * _MAX_ITEMS)]
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
        findings=tuple(findings[:_MAX_ITEMS]),
        is_standard=mail.get_content_type() == "multipart/report",
        is_harmless=is_harmless and not findings,
        message_ids=_message_ids(mail, returned),
        delivered_to=_addresses(mail, *_WAYS),
        returned_to=() if returned is None else _addresses(returned, "return-path"),
    )


def _failures(blocks: Iterable[EmailMessage], said: str) -> Iterator[RecipientStatus]:
    """Yield the failures in a delivery status: one block for the email, then one for each recipient. A recipient that
    the server has not given up on is not a failure yet.

    `said` is the report's text for people, used if a block gives no reason.
    """
    for fields in blocks:
        # OpenSMTPD writes “error” as the action; some gateways omit the action.
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
        for address in (values(feedback, "original-rcpt-to") or [""])[:_MAX_ITEMS]:
            yield RecipientStatus(kind=BounceKind.COMPLAINT, address=_typed_address(address))


def _message_ids(mail: EmailMessage, returned: EmailMessage | None) -> tuple[str, ...]:
    """Return the Message-ID of the returned email. If there is none, return those that the report replies to, latest
    first.

    A person's reply to a reply names our Message-ID there, too.
    """
    named = [] if returned is None else _MESSAGE_ID.findall(" ".join(values(returned, "message-id")))
    answered = _MESSAGE_ID.findall(" ".join([*values(mail, "references"), *values(mail, "in-reply-to")]))
    return tuple(dict.fromkeys(named or reversed(answered)))[:_MAX_ITEMS]


def _addresses(mail: EmailMessage, *names: str) -> tuple[str, ...]:
    found = (address for name in names for value in values(mail, name) for address in _ADDRESS.findall(value))
    return tuple(dict.fromkeys(found))[:_MAX_ITEMS]


def _action(block: EmailMessage) -> str:
    return first_word(_first(block, "action"))


def _first(fields: EmailMessage, name: str) -> str:
    return next(iter(values(fields, name)), "").strip()


def _typed_address(value: str) -> str:
    """Return the address in `rfc822; ana@acme.example`, with or without angle brackets."""
    kind, semicolon, address = value.partition(";")
    return (address if semicolon else kind).strip().strip("<>").strip()[:_MAX_LENGTH]
