"""What kind of message came to the mailbox for replies: a person's, a machine's, or one that is not for us."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_BULK: Final = frozenset({"auto_reply", "bulk", "junk", "list"})
_NO_REPLY: Final = re.compile(r"\b(?:no-?reply|do-?not-?reply|mailer-daemon|postmaster)\b", re.IGNORECASE)
_AUTOMATIC_SUBJECT: Final = re.compile(
    r"\s*(?:automatic reply|auto(?:matic)?[ -]?reply|auto(?:-| )?response|automatische antwort|abwesenheit"
    r"|out of (?:the )?office"
    r"|réponse automatique|message d'absence|respuesta automática|fuera de (?:la )?oficina|risposta automatica"
    r"|automatisch antwoord|afwezigheid|resposta automática|autosvar|automatiskt svar|odpowiedź automatyczna"
    r"|自動応答|自動返信|自动回复|자동 응답)",
    re.IGNORECASE,
)
_MOST_WORDS: Final = 8
"""Words of a message that says no and nothing else."""
_MOST_LETTERS: Final = 120
_WORD: Final = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
_SAYS_NO: Final = (
    r"\bunsubscribe\b",
    r"\bopt(?:-| )?out\b",
    r"\b(?:remove|delete) me\b",
    r"\btake me off\b",
    r"\bno more e?-?mails?\b",
    r"\bstop (?:e?-?mailing|writing|contacting|sending|spamming)\b",
    r"^(?:please )?stop(?: it| this| please)?[.! ]*$",
    r"\b(?:do not|don['’]?t) (?:e?-?mail|write|contact) (?:me|us)\b",
    r"\babmelden\b",
    r"\baustragen\b",
    r"\babbestellen\b",
    r"\bkeine (?:weiteren |mehr )?(?:e-?)?mails?\b",
    r"\bnicht mehr (?:kontaktieren|anschreiben)\b",
    r"\bdés(?:abonn|inscri)\w*",
    r"\bplus (?:de|d['’]) ?(?:e-?)?mails?\b",
    r"\bne plus (?:me )?(?:recevoir|contacter)\b",
    r"\b(?:darme|darnos|dame) de baja\b",
    r"^baja[.! ]*$",
    r"\bcancelar (?:la )?suscripción\b",
    r"\bno m[aá]s (?:correos|emails?)\b",
    r"\bdisiscri\w+",
    r"\bcancellami\b",
    r"\bafmelden\b",
    r"\buitschrijven\b",
    r"\bdescadastrar\b",
    r"\bcancelar (?:a )?inscrição\b",
    r"\bavregistrera\b",
    r"\bwypis(?:ać|z)\b",
    r"配信(?:を)?停止|登録解除|退订|取消订阅|구독 ?취소|수신 ?거부",
)
_NO: Final = re.compile("|".join(_SAYS_NO), re.IGNORECASE)
_NEGATED: Final = re.compile(
    r"\b(?:not|don['’]?t|never|won['’]?t|nicht|kein|pas|no|without)\s+(?:\w+\s+)?"
    r"(?:unsubscribe|opt(?:-| )?out|abmelden|désabonn)",
    re.IGNORECASE,
)
_OF_LINK: Final = frozenset({"no more mail", "no more email", "unsubscribe"})
"""Subjects of the message that the unsubscribe button of a mail program sends."""
_LEFT: Final = re.compile(
    r"no longer (?:with|work\w*|employed|at|part of)|(?:has|have) left (?:the )?(?:company|organi[sz]ation)"
    r"|nicht mehr (?:im unternehmen|für|bei|beschäftigt|tätig)|n['’]est plus (?:dans|au sein|employé)|ne travaille plus"
    r"|(?:ya )?no trabaja (?:ya )?(?:en|con|para)|non lavora più|werkt niet (?:meer|langer)|退職|已离职",
    re.IGNORECASE,
)
_BEGINNING: Final = 2000


class MessageKind(StrEnum):
    """What a message is."""

    OWN = "own"
    """We wrote it."""
    BOUNCE = "bounce"
    """A delivery report or a complaint."""
    RECEIPT = "receipt"
    """Somebody's mail program says that it was displayed."""
    AUTOMATIC = "automatic"
    PERSONAL = "personal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What the headers of a message say about how it came to be."""

    report_type: str = ""
    """Of a `multipart/report`, in lower case."""
    auto_submitted: str = ""
    """In lower case, without parameters."""
    precedence: str = ""
    has_auto_header: bool = False
    """Whether it has one of the headers that only machines write, such as X-Autoreply."""
    has_empty_return_path: bool = False
    is_from_list: bool = False
    has_feedback_id: bool = False
    is_ours: bool = False
    """Whether it is from our address, or carries our own header."""
    sender: str = ""
    subject: str = ""


def kind_of(traits: Traits) -> MessageKind:
    """Return what a message is, by the first sign that fits."""
    if traits.report_type in {"delivery-status", "feedback-report"}:
        return MessageKind.BOUNCE
    if traits.report_type == "disposition-notification":
        return MessageKind.RECEIPT
    if traits.is_ours:
        return MessageKind.OWN
    is_automatic = (
        traits.auto_submitted not in {"", "no"}
        or traits.has_auto_header
        or traits.has_empty_return_path
        or traits.precedence in _BULK
        or traits.is_from_list
        or (traits.has_feedback_id and _NO_REPLY.search(traits.sender) is not None)
        or _AUTOMATIC_SUBJECT.match(traits.subject) is not None
    )
    return MessageKind.AUTOMATIC if is_automatic else MessageKind.PERSONAL


def is_refusal(text: str, subject: str = "") -> bool:
    """Return whether somebody wants no more email and says nothing else, in any of the languages that we know."""
    if subject.strip().lower() in _OF_LINK:
        return True
    words = text.strip()
    is_short = len(words) <= _MOST_LETTERS and len(_WORD.findall(words)) <= _MOST_WORDS
    return is_short and _NO.search(words) is not None and _NEGATED.search(words) is None


def has_left(text: str) -> bool:
    """Return whether an automatic answer says that somebody no longer works there."""
    return _LEFT.search(text[:_BEGINNING]) is not None
