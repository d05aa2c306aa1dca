"""Classify what a report says about an address: it is gone, delivery failed this time, or the failure was
caused by us.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bot.mail.reply_topics import Topic, topic

_STATUS: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)", re.ASCII)
_ANSWER: Final = re.compile(
    r"[ls]mtp\s*;\s*([45]\d\d)(?:[ -]\s*#?([245]\.\d{1,3}\.\d{1,3})(?!\.?\d))?", re.IGNORECASE | re.ASCII
)
_IN_WORDS: Final = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?!\.?\d)|(?<![\d.,:#-])([45]\d\d)(?=[ -])", re.ASCII)
_WHO: Final = r"(?:user|recipient|mailbox|address|account)"
# Phrases of servers that give no code: Exim and qmail for failures that they detect themselves, old gateways for all
# failures.
_SAYINGS: Final = tuple(
    (status, re.compile(pattern, re.IGNORECASE | re.VERBOSE))
    for status, pattern in (
        ("5.2.2", r"over\s?quota | quota\sexceeded | (?:mail|in)box\b.{0,20}\bfull\b | \bfull\s(?:mail|in)box"),
        ("4.4.7", r"retry\stime | timed\sout | timeout | connection\s(?:refused|lost) | not\sconnect | too\slong\son"),
        (
            "5.1.2",
            r"unrouteable | no\ssuch\s(?:domain|host) | domain\b.{0,20}\bnot\s(?:found|exist) | non-existent\shost",
        ),
        (
            "5.1.1",
            rf"""
            unknown\s{_WHO} | {_WHO}\b.{{0,20}}\bunknown | no\s(?:such\s)?{_WHO}\b | not\sa\svalid\s{_WHO}
            | invalid\s{_WHO} | {_WHO}\b.{{0,30}}(?:\bnot\s(?:be\s)?found | n[o']t\sexist | no\slonger)
            | doesn't\shave\san?\s\S+\saccount
            """,
        ),
    )
)


class BounceKind(StrEnum):
    """What a report means for the address, the strongest first."""

    COMPLAINT = "complaint"
    """The person marked it as spam."""
    HARD = "hard"
    """The address does not exist, or no longer."""
    SOFT = "soft"
    """It was not delivered this time, and nothing says that it never will be."""
    POLICY = "policy"
    """The server refused the sender or this email; the address is as good as before."""


_STRENGTH: Final = tuple(BounceKind)

# RFC 3463 by subject and detail, with the server's own meaning if it uses a code for something else. X.1 is about
# addresses, X.2 about mailboxes, X.3 and X.4 about the systems on the way, X.5 about their protocol, X.6 about the
# content of the email, X.7 about policy.
_MAILBOX_GONE: Final = frozenset(
    {
        (2, 1),  # mailbox disabled; for good, in class 5
        (4, 1),  # Exchange Online: “Recipient address rejected: Access denied”, for an address that does not exist
        (4, 4),  # unable to route: the domain does not exist, or takes no mail
    }
)
_SENDER_SIDE: Final = frozenset(
    {
        (1, 7),  # bad sender's mailbox address
        (1, 8),  # bad sender's system address
        (1, 90),  # Exchange Online: we have sent too many today
        (2, 3),  # the mail is longer than the mailbox takes
        (2, 252),  # Exchange Online: SendAsDenied
        (4, 5),  # mail system congestion; Gmail: our daily sending limit
        (3, 4),  # the mail is larger than the system takes
    }
)
_ADDRESSING, _CONTENT, _SECURITY = 1, 6, 7
_OURS: Final = frozenset({Topic.SENDER, Topic.LOGIN, Topic.PROOF, Topic.MAIL, Topic.RESTRICTED})
"""The topics of a text that say nothing about the address."""
# RFC 5321, 4.2.3, for servers that reply without enhanced codes: no such mailbox, not local, full, no such name.
_OF_REPLY: Final = {"550": "5.1.0", "551": "5.1.6", "552": "5.2.2", "553": "5.1.3"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientStatus:
    """What a report says about one recipient, by the addresses it uses. `status` is as in RFC 3463, or empty."""

    kind: BounceKind
    status: str = ""
    address: str = field(default="", repr=False)
    original: str = field(default="", repr=False)
    """The address as we wrote it, if the report knows that it was a different one."""

    @property
    def strength(self) -> int:
        """The rank of a status: of several about one email, the smallest number counts."""
        return _STRENGTH.index(self.kind)


def classify_status(status: str, words: str = "") -> BounceKind | None:
    """Return what a failure with this status and text means, or None if the status reports a success.

    Unless the address is clearly to blame, the failure only counts as one failed delivery. A text about us or about a
    limit overrides a status that is not: many servers use 5.1.0 for anything.
    """
    code = _STATUS.fullmatch(status)
    kind = BounceKind.SOFT if code is None else _by_status(code)
    if kind not in {BounceKind.HARD, BounceKind.SOFT} or not words:
        return kind
    match topic(None, words):
        case Topic.LIMIT:
            return BounceKind.SOFT
        case about if about in _OURS:
            return BounceKind.POLICY
        case _:
            return kind


def status_of(status: str, diagnostic: str) -> str:
    """Return the status, or the other server's reply if that says more: Exim writes 5.0.0 for everything."""
    code = _STATUS.search(status)
    answer = _ANSWER.search(diagnostic)
    if answer is not None and (code is None or code[2] == "0"):
        return answer[2] or _of_reply(answer[1])
    return code[0] if code else ""


def status_in(words: str) -> str:
    """Return the status in a text for people, or the one that its wording implies; empty if it has neither."""
    found = list(_IN_WORDS.finditer(words))
    for code in found:
        if code[1]:
            return code[1]
    if found:
        return _of_reply(found[0][2])
    return next((status for status, saying in _SAYINGS if saying.search(words)), "")


def _of_reply(code: str) -> str:
    return _OF_REPLY.get(code, f"{code[0]}.0.0")


def _by_status(code: re.Match[str]) -> BounceKind | None:
    subject, detail = int(code[2]), int(code[3])
    if code[1] == "2":
        return None
    if subject in {_CONTENT, _SECURITY} or (subject, detail) in _SENDER_SIDE:
        return BounceKind.POLICY
    for_good = code[1] == "5" and (subject == _ADDRESSING or (subject, detail) in _MAILBOX_GONE)
    return BounceKind.HARD if for_good else BounceKind.SOFT
