"""Whose reply a message is: which of our emails it answers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from bot.domain.address import canonical
from bot.domain.replies import AnsweredMail

RECENT: Final = timedelta(days=60)
"""How long sender and subject alone show which email a message answers."""
_PREFIX: Final = re.compile(
    r"\s*(?:automatic reply|automatische antwort|réponse automatique|respuesta automática|out of office|abwesenheit|"
    r"re|aw|antw|antwort|sv|svar|vs|vl|odp|odpowiedź|res|resp|rif|r|tr|ynt|atb|bls|vá|回复|回覆|答复|返信|답장|"
    r"fw|fwd|wg|rv|doorst|vb|enc|转发|轉寄|転送)\s*(?:\[\d{1,3}\]|\(\d{1,3}\))?\s*[:：]\s*",
    re.IGNORECASE,
)
_MOST_PREFIXES: Final = 20
_SPACES: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What the headers of a message say about the email that it answers."""

    answers: tuple[str, ...] = ()
    """Message-IDs, the likeliest first: In-Reply-To, then References from the last one."""
    tagged: tuple[int, ...] = ()
    """The ids of emails whose reply address it was sent to."""
    sender: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The emails of ours that messages may answer."""

    by_message_id: Mapping[str, AnsweredMail] = field(default_factory=dict)
    by_mail_id: Mapping[int, AnsweredMail] = field(default_factory=dict)
    by_recipient: Mapping[str, Sequence[tuple[str, AnsweredMail]]] = field(default_factory=dict)
    """By the canonical address, each with its subject, the latest first; only those of the last 60 days."""


@dataclass(frozen=True, slots=True)
class Match:
    """The email that a message answers."""

    mail: AnsweredMail
    is_probable: bool = False
    """Whether only sender and subject show it."""


def match(clues: Clues, sent: Sent) -> Match | None:
    """Return the email that a message answers, or None if it is not for us."""
    for mail in _certain(clues, sent):
        return Match(mail)
    subject = _comparable(clues.subject)
    for theirs, mail in sent.by_recipient.get(canonical(clues.sender), ()):
        if subject and subject == _comparable(theirs):
            return Match(mail, is_probable=True)
    return None


def without_prefixes(subject: str) -> str:
    """Return a subject without `Re:`, `AW:`, `Re[2]:` and the like, however often they are repeated."""
    for _ in range(_MOST_PREFIXES):
        shorter = _PREFIX.sub("", subject, count=1) if _PREFIX.match(subject) else subject
        if shorter == subject:
            break
        subject = shorter
    return subject.strip()


def _certain(clues: Clues, sent: Sent) -> Iterator[AnsweredMail]:
    yield from (sent.by_message_id[each] for each in clues.answers if each in sent.by_message_id)
    yield from (sent.by_mail_id[each] for each in clues.tagged if each in sent.by_mail_id)


def _comparable(subject: str) -> str:
    return _SPACES.sub(" ", without_prefixes(subject)).casefold()
