"""Feedback: what people write inside an app or on the page linked from our emails, and the team's answers in the app.

Messages of one conversation follow each other. Its first message names the app and the place, and those after it need
to name neither.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.evaluation import Contact
from bot.domain.place_reader import Place
from bot.domain.replies import ANSWER

LONGEST_TEXT: Final = 2000
"""Characters of one message, from the app and from the team."""
SAME_WITHIN: Final = timedelta(minutes=10)
"""The same text from the same place within this time counts once."""
MOST_OF_A_PLACE: Final = 5
"""Conversations that one site may begin in an hour."""
MOST_OF_A_CONVERSATION: Final = 30
"""Messages that an app may add to one conversation in an hour."""
MOST_OF_A_LINK: Final = 3
"""Messages that the link in one email takes in a day."""
LINK_LIVES: Final = timedelta(days=90)
"""How long the link in an email works after the trial ended, or after the email if that was later."""


_ANSWER: Final = f"{ANSWER}feedback-"
"""Begins the template of an email that answers feedback; the message's id follows."""


class Topic(StrEnum):
    """What feedback is about. The values are those of a request."""

    QUESTION = "question"
    PROBLEM = "problem"
    IDEA = "idea"
    PRICE = "price"
    OTHER = "other"


class FeedbackSource(StrEnum):
    """How feedback came. The values are those of the column."""

    BACKEND = "backend"
    """The vendor's own server, which signs."""
    FORGE = "forge"
    BROWSER = "browser"
    """A page of the vendor, unsigned: nobody knows who it was."""
    LINK = "link"
    """The link in one of our emails."""


class Speaker(StrEnum):
    """Who wrote a message. The values are those of the column, and of the answer to the app."""

    APP = "app"
    TEAM = "team"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackContent:
    """What somebody wrote. It is stored encrypted, and erased with the person."""

    text: str = ""
    reply_to: str = ""
    """Their address. It is set only if they want an answer by email."""
    name: str = ""
    page: str = ""
    """Where in the app they were."""
    locale: str = ""
    app_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFeedback:
    """Feedback that arrived, before it is on record."""

    source: FeedbackSource
    content: FeedbackContent
    place: Place | None = None
    """None if the conversation or the email says it."""
    conversation: int | None = None
    """The first message of the conversation that it goes on with."""
    mail_id: int | None = None
    """The email whose link led to it."""
    key: str | None = None
    """The same for each repetition of one request."""
    rating: int | None = None
    """1 to 5."""
    topic: Topic | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackMessage:
    """A message on record. The content is None once it was erased."""

    id: int
    conversation: int
    evaluation_id: int | None
    speaker: Speaker
    source: FeedbackSource
    at: datetime
    author: str | None = None
    """The Slack user who answered."""
    rating: int | None = None
    topic: Topic | None = None
    content: FeedbackContent | None = field(default=None, repr=False)

    @property
    def person(self) -> Contact | None:
        """Who wants an answer by email, if they gave an address."""
        content = self.content if self.speaker is Speaker.APP else None
        if content is None or not content.reply_to:
            return None
        return Contact(email=content.reply_to, name=content.name or None)

    @property
    def may_answer_in_app(self) -> bool:
        """Whether a window in the app shows answers to this message."""
        return self.source is not FeedbackSource.LINK


class FeedbackRefused(StrEnum):
    """Why feedback is not taken now."""

    TOO_MANY = "too_many"
    NO_CONVERSATION = "no_conversation"
    """The conversation is no longer on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackTaken:
    """Feedback on record: the first message of its conversation, and whether it was on record before."""

    conversation: int
    is_repeated: bool = False


def answer_template(feedback_id: int) -> str:
    """Return the template of an email that answers this message: a second one for the same message is none."""
    return f"{_ANSWER}{feedback_id}"


def answered_feedback(template: str) -> int | None:
    """Return the id of the message that an email of this template answers, or None if it answers none."""
    number = template.removeprefix(_ANSWER)
    return int(number) if template.startswith(_ANSWER) and number.isdecimal() else None


def link_works(*, ends: datetime | None, sent_at: datetime, now: datetime) -> bool:
    """Return whether the link in an email still works. `ends` is when the trial ends, if that is known."""
    return now <= max(sent_at, ends or sent_at) + LINK_LIVES
