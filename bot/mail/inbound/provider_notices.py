"""Read notices of mail servers that are not in the standard report format: Exim's, qmail's, and those that flufl.bounce
knows.

A notice is text for people and is trusted less than a report: a failure without a known reason only counts as a soft
bounce.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import parseaddr
from itertools import chain, islice
from typing import Final

from flufl.bounce import all_failures

from bot.mail.inbound.mime import decoded, first_word, leaves, octets, parse, text_of, values
from bot.mail.inbound.recipient_status import BounceKind, RecipientStatus, classify_status, status_in

_MAX_ITEMS: Final = 50
_MAX_LENGTH: Final = 320
_LONGEST_LINE: Final = 300
_MOST_LINES: Final = 150
"""The maximum number of lines passed to `flufl.bounce`, whose patterns take time that grows with the square of a line's
length.
"""

# Where the notice ends and the returned email begins: our own words in it say nothing about its delivery.
_COPY: Final = re.compile(
    r"^.*(?:copy of (?:the|your) (?:original )?message|(?:original|returned) (?:message|mail)|message (?:text )?follows"
    r"|below this line).*$|^(?:return-path|received|message-id):.*$",
    re.IGNORECASE | re.MULTILINE,
)
_PARAGRAPHS: Final = re.compile(r"\n[ \t]*\n")
_QMAIL: Final = re.compile(r"\s*hi\. this is the ", re.IGNORECASE)
_QMAIL_RECIPIENT: Final = re.compile(r"<([^<>\n]{1,320})>:[ \t]*\n?(.*)", re.DOTALL)
_DAEMON: Final = re.compile(r"\b(?:mailer-?daemon|postmaster|mail-?daemon|mmdf|mail delivery)\b", re.IGNORECASE)
_AWAY: Final = re.compile(
    r"\W*(?:auto(?:matic|matische|-)?[ -]?(?:reply|response|antwort)|automatisch\w* |out of (?:the )?office|away\b"
    r"|abwesen|on (?:vacation|holiday|leave)\b|r[ée]ponse automatique|absence\b|respuesta autom[áa]tica|fuera de"
    r"|ausencia|ausente|risposta automatica|resposta autom[áa]tica|afwezig|自动回复|自動|不在"
    r"|(?:read|gelesen|lu|leído) ?:)",
    re.IGNORECASE,
)
_FAILED: Final = re.compile(
    r"undeliver|deliver(?:y|ed)\b.{0,20}(?:fail|status|problem|error)|fail\w*\b.{0,20}deliver|failure notice"
    r"|(?:returned|rejected) (?:mail|message|to sender)|could not be delivered|unzustellbar|non remis"
    r"|no entregado",
    re.IGNORECASE,
)
_AUTOMATIC_FIELDS: Final = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-vacation")
_AUTOMATIC_PRECEDENCE: Final = frozenset({"auto_reply", "bulk", "junk", "list"})

# It logs each detector, and any error in one with a traceback, which may contain words of the email.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What `flufl.bounce` finds in a message."""

    failed: tuple[RecipientStatus, ...] = ()
    delayed: tuple[str, ...] = field(default=(), repr=False)
    """Addresses to which the server still tries to deliver."""


def is_automatic_answer(mail: EmailMessage) -> bool:
    """Return whether a mailbox replied automatically (RFC 3834): its owner is away, or has read the email."""
    subjects = [decoded(subject) for subject in values(mail, "subject")[:_MAX_ITEMS]]
    if (
        _DAEMON.search(" ".join(values(mail, "from")))
        or values(mail, "x-failed-recipients")
        or any(map(_FAILED.search, subjects))
    ):
        return False
    submitted = next(iter(values(mail, "auto-submitted")), "no")
    precedence = next(iter(values(mail, "precedence")), "")
    return (
        first_word(submitted.partition(";")[0]) != "no"
        or first_word(precedence) in _AUTOMATIC_PRECEDENCE
        or any(values(mail, name) for name in _AUTOMATIC_FIELDS)
        or any(map(_AWAY.match, subjects))
    )


def failures(mail: EmailMessage, text: str) -> tuple[RecipientStatus, ...]:
    """Return the recipients that the email did not reach, by a notice of Exim or qmail; `text` is its text
    for people.
    """
    said = _COPY.split(text, maxsplit=1)[0]
    return tuple(islice(chain(_of_exim(mail, said), _of_qmail(text)), _MAX_ITEMS))


def guess(content: bytes) -> Guess:
    """Return what `flufl.bounce` finds in the message: it knows the notices of several dozen old servers."""
    mail = parse(content)
    words = _COPY.split(text_of(leaves(mail)), maxsplit=1)[0]
    _shorten(mail)
    if not parseaddr("".join(values(mail, "from")))[1]:  # one of its readers fails without
        del mail["from"]
        mail["from"] = "nobody@localhost"
    try:
        delayed, failed = all_failures(mail)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # Its detectors expect a well-formed email and do not handle the errors that a malformed one causes.
        return Guess()
    return Guess(
        failed=tuple(_finding(_read(each), words) for each in sorted(failed)[:_MAX_ITEMS]),
        delayed=tuple(_read(each) for each in sorted(delayed)[:_MAX_ITEMS]),
    )


def _of_exim(mail: EmailMessage, said: str) -> Iterator[RecipientStatus]:
    """Yield the failed recipients that Exim names in a header; its text gives the reason below each address."""
    for value in values(mail, "x-failed-recipients"):
        for address in value.split(",")[:_MAX_ITEMS]:
            yield _finding(address, _below(address.strip(), said))


def _below(address: str, said: str) -> str:
    """Return the text below an address, up to the next paragraph or address; the whole text if the address is not in
    it.
    """
    lines = said.splitlines()
    for place, line in enumerate(lines):
        if address and line.strip().strip("<>:").casefold() == address.casefold():
            below: list[str] = []
            for each in lines[place + 1 :]:
                if not each.strip() or ("@" in each and " " not in each.strip()):
                    break
                below.append(each)
            return "\n".join(below)
    return said


def _of_qmail(text: str) -> Iterator[RecipientStatus]:
    """Yield the recipients in a QSBMF notice (cr.yp.to/proto/qsbmf.txt): one paragraph each, up to one that begins with
    a hyphen.
    """
    if not _QMAIL.match(text):
        return
    for paragraph in _PARAGRAPHS.split(text)[1:]:
        if paragraph.lstrip().startswith("-"):
            return
        if recipient := _QMAIL_RECIPIENT.match(paragraph.lstrip("\n")):
            yield _finding(recipient[1], recipient[2])


def _finding(address: str, words: str) -> RecipientStatus:
    status = status_in(words)
    return RecipientStatus(
        kind=classify_status(status, words) or BounceKind.SOFT,
        status=status,
        address=address.strip().strip("<>")[:_MAX_LENGTH],
    )


def _shorten(mail: EmailMessage) -> None:
    """Truncate the email to a limited number of short lines, without their transfer encodings."""
    lines_left = _MOST_LINES
    for part in leaves(mail):
        lines = octets(part).decode(errors="replace").splitlines()[:lines_left]
        lines_left -= len(lines)
        del part["content-transfer-encoding"]
        part.set_payload("\n".join(line[:_LONGEST_LINE] for line in lines))


def _read(address: bytes) -> str:
    return address.decode(errors="replace")[:_MAX_LENGTH]
