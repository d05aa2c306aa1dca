"""Take feedback from apps, pages and the links in emails, and let the window in an app read the answers."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.address import is_address
from bot.domain.feedback import (
    FeedbackContent,
    FeedbackMessage,
    FeedbackRefused,
    FeedbackSource,
    FeedbackTaken,
    NewFeedback,
    link_works,
)
from bot.domain.feedback_reader import clean_text
from bot.metrics.catalog import INBOUND
from bot.metrics.labels import InboundResult, InboundSource
from bot.metrics.meter import OFF, Meter
from bot.security.keyring import Keyring
from bot.services.mail.links import Links
from bot.store.feedback import Feedback

_CONVERSATION = "c"
"""Begins the text of a conversation's token, so that no other token opens one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLink:
    """A link in an email of ours that works."""

    mail_id: int
    app_name: str
    address: str = field(repr=False)


class FeedbackDesk:
    """Takes feedback and hands out conversations. A token of a conversation opens nothing but this conversation."""

    def __init__(
        self,
        feedback: Feedback,
        keyring: Keyring,
        *,
        links: Links | None,
        channel: str,
        clock: Callable[[], datetime],
    ) -> None:
        """`links` are those in emails; `channel` hears of feedback that fits no evaluation."""
        self.meter: Meter = OFF
        self._feedback = feedback
        self._keyring = keyring
        self._links = links
        self._channel = channel
        self._clock = clock

    async def take(self, new: NewFeedback, *, conversation: object = None) -> FeedbackTaken | FeedbackRefused:
        """Record feedback; `conversation` is the token of the one that it goes on with, if any."""
        if conversation is not None:
            number = self._read(conversation)
            if number is None:
                return FeedbackRefused.NO_CONVERSATION
            new = replace(new, conversation=number, place=None)
        taken = await self._feedback.take(new, channel=self._channel, at=self._clock())
        if isinstance(taken, FeedbackTaken):
            result = InboundResult.IGNORED if taken.is_repeated else InboundResult.HANDLED
            self.meter.count(INBOUND, InboundSource.FEEDBACK, result)
        return taken

    async def open_link(self, token: str) -> OpenLink | None:
        """Return what a link in an email is about, or None if it is not ours or too old."""
        link = None if self._links is None else self._links.read(token)
        email = None if link is None else await self._feedback.email(link.mail_id)
        if link is None or email is None:
            return None
        if not link_works(ends=email.ends, sent_at=email.sent_at, now=self._clock()):
            return None
        return OpenLink(mail_id=link.mail_id, app_name=email.app_name, address=link.address)

    async def take_from_link(
        self, link: OpenLink, text: str, *, may_reply: bool, language: str
    ) -> FeedbackTaken | FeedbackRefused:
        """Record what the recipient of an email wrote on the page that the email links to."""
        reply_to = link.address if may_reply and is_address(link.address) else ""
        content = FeedbackContent(text=clean_text(text), reply_to=reply_to, locale=language)
        return await self.take(NewFeedback(source=FeedbackSource.LINK, content=content, mail_id=link.mail_id))

    def token(self, conversation: int) -> str:
        """Return the token of a conversation."""
        return self._keyring.token(f"{_CONVERSATION} {conversation}")

    async def messages(self, token: str) -> list[FeedbackMessage]:
        """Return the messages of a conversation, the oldest first; none if the token opens none."""
        number = self._read(token)
        return [] if number is None else await self._feedback.conversation(number)

    async def find(self, feedback_id: int) -> FeedbackMessage | None:
        """Return a message."""
        return await self._feedback.find(feedback_id)

    async def latest(self, evaluation_id: int) -> FeedbackMessage | None:
        """Return the latest message from the app about an evaluation, or None."""
        return await self._feedback.latest(evaluation_id)

    async def answer(self, feedback_id: int, text: str, *, by: str) -> bool:
        """Record an answer that the app shows. False if the message is no longer on record."""
        return await self._feedback.answer(feedback_id, text, by=by, at=self._clock())

    async def match(self) -> int:
        """Look again for the evaluations of feedback that fitted none. Return how many messages have one now."""
        return await self._feedback.match(at=self._clock())

    def _read(self, token: object) -> int | None:
        if not isinstance(token, str):
            return None
        kind, _, number = (self._keyring.read_token(token) or "").partition(" ")
        return int(number) if kind == _CONVERSATION else None
