"""What each modal is about. Slack passes it back in the open, so it holds only ids."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from bot.domain.evaluation import CardRef
from bot.domain.mail import LawfulBasis
from bot.errors import InteractionUnreadable
from bot.slack.client.payload import read_id

_TAG: Final = "modal"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModalMetadata:
    """The evaluation that a modal is about. Every modal has this; some know more."""

    tag: ClassVar[str] = "evaluation"

    evaluation_id: int
    channel: str
    card: str | None = None
    """The timestamp of the card that the modal was opened from."""

    @property
    def place(self) -> CardRef | None:
        """The card that the modal was opened from, as a reference."""
        return None if self.card is None else CardRef(channel=self.channel, ts=self.card)

    def pack(self) -> str:
        """Return it as a view's private metadata."""
        return json.dumps({_TAG: self.tag} | {name: _written(getattr(self, name)) for name in self.names()})

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the fields."""
        return [field.name for field in fields(cls)]

    @classmethod
    def unpack(cls, metadata: str) -> Self:
        """Read a view's private metadata. Raises InteractionUnreadable if it is not that of such a modal."""
        try:
            found = json.loads(metadata)
            if isinstance(found, list):
                found = cls._of_list(found)
            elif cls is not ModalMetadata and found[_TAG] != cls.tag:
                raise InteractionUnreadable
            return cls(**{name: _READERS[name](found.get(name)) for name in cls.names()})
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
            raise InteractionUnreadable from exc

    @classmethod
    def about(cls, other: "ModalMetadata", **details: Any) -> Self:  # noqa: ANN401  the fields of this class
        """Return the metadata of a modal about the same evaluation."""
        return cls(evaluation_id=other.evaluation_id, channel=other.channel, card=other.card, **details)

    @classmethod
    def _of_list(cls, found: list[Any]) -> dict[str, Any]:
        """Return the fields from the list that earlier versions wrote. The oldest ones knew no card."""
        number, channel, seen, card = [*found, None][:4]
        return {"evaluation_id": number, "channel": channel, "card": card, **cls._of_seen(_optional(seen) or "")}

    @classmethod
    def _of_seen(cls, seen: str) -> dict[str, Any]:
        """Return the fields from the one text in which earlier versions kept what a modal knew."""
        del seen
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailMetadata(ModalMetadata):
    """The email form: the template and the recipient that its words are for."""

    tag: ClassVar[str] = "email"

    template: str
    recipient: str
    edits: Mapping[str, str]
    """The tokens of the drafts that hold what the person wrote before they chose another template, by template."""

    @classmethod
    def _of_seen(cls, seen: str) -> dict[str, Any]:
        template, _, recipient = seen.rpartition(" ")
        return {"template": template, "recipient": recipient, "edits": {}}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerMetadata(ModalMetadata):
    """The form for an answer: the reply that it answers, and the contact who gets it."""

    tag: ClassVar[str] = "answer"

    reply_id: int
    recipient: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewMetadata(ModalMetadata):
    """The preview: the token of the draft that it shows, and the lawful basis that the sender named."""

    tag: ClassVar[str] = "preview"

    draft: str
    basis: LawfulBasis | None = None

    @classmethod
    def _of_seen(cls, seen: str) -> dict[str, Any]:
        draft, _, basis = seen.partition(" ")
        return {"draft": draft, "basis": basis or None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAgainMetadata(ModalMetadata):
    """The form that lifts a do-not-contact entry: when the entry that the person saw was added."""

    tag: ClassVar[str] = "contact_again"

    added_at: datetime

    @classmethod
    def _of_seen(cls, seen: str) -> dict[str, Any]:
        return {"added_at": seen}


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignMetadata(ModalMetadata):
    """The form that assigns an evaluation: the owner that the person saw."""

    tag: ClassVar[str] = "assign"

    owner: str | None = None

    @classmethod
    def _of_seen(cls, seen: str) -> dict[str, Any]:
        return {"owner": seen or None}


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteMetadata(ModalMetadata):
    """The form that edits a note."""

    tag: ClassVar[str] = "note"

    note_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackMetadata(ModalMetadata):
    """The form for an answer in the app or by email: the message that it answers."""

    tag: ClassVar[str] = "feedback"

    feedback_id: int
    basis: LawfulBasis | None = None
    """The lawful basis of an answer by email."""


def _written(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case LawfulBasis():
            return value.name
        case _:
            return value


def _id(value: object) -> int:
    found = read_id(str(value))
    if found is None:
        raise ValueError
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _texts(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise TypeError
    return {name: _text(text) for name, text in value.items()}


def _basis(value: object) -> LawfulBasis | None:
    return None if value is None else LawfulBasis[_text(value)]


def _moment(value: object) -> datetime:
    found = datetime.fromisoformat(_text(value))
    if found.tzinfo is None:
        raise ValueError
    return found


_READERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "evaluation_id": _id,
    "channel": _text,
    "card": _optional,
    "template": _text,
    "recipient": _text,
    "edits": _texts,
    "draft": _text,
    "basis": _basis,
    "added_at": _moment,
    "owner": _optional,
    "note_id": _id,
    "reply_id": _id,
    "feedback_id": _id,
}
"""Read each field. A value that does not fit raises ValueError, TypeError or KeyError."""
