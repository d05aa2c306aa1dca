"""Feedback and the answers to it: record each message once, find the evaluation it is about, return conversations."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import shielded
from bot.domain.feedback import (
    MOST_OF_A_CONVERSATION,
    MOST_OF_A_LINK,
    MOST_OF_A_PLACE,
    SAME_WITHIN,
    FeedbackContent,
    FeedbackMessage,
    FeedbackRefused,
    FeedbackSource,
    FeedbackTaken,
    NewFeedback,
    Speaker,
)
from bot.domain.history import AnsweredInApp, Entry, FeedbackReceived
from bot.domain.outbox import DeliveryKind
from bot.domain.place_reader import Place
from bot.security.keyring import Keyring
from bot.store.engine.database import Database
from bot.store.feedback_content import message_from, seal
from bot.store.feedback_tables import feedback
from bot.store.licenses.places import find_licenses_of_app
from bot.store.mapping import insert_new, insert_row, live_evaluation
from bot.store.outbox.enqueue import append_history, enqueue_message
from bot.store.schema import evaluation, license_, mail
from bot.store.stand_ins import tell_owner
from bot.store.waiting import begin_waiting, end_waiting

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_WAITS: Final = timedelta(days=30)
"""How long feedback waits for the license of its site."""
_MOST_AT_ONCE: Final = 50
_FROM_APP: Final = feedback.c.speaker == Speaker.APP


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedEmail:
    """The email that a link to the feedback page is in, and its trial."""

    app_name: str
    sent_at: datetime
    ends: datetime | None


@shielded
class Feedback:
    """Messages from apps, and the team's answers there."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def email(self, mail_id: int) -> LinkedEmail | None:
        """Return the email with this id and what its trial is about, or None if it is not on record."""
        query = (
            select(mail.c.at, evaluation.c.ends, license_.c.app_name)
            .join(evaluation, evaluation.c.id == mail.c.evaluation_id)
            .join(license_, license_.c.id == evaluation.c.license_id)
            .where(mail.c.id == mail_id)
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            return None
        ends = None if row.ends is None else datetime.combine(row.ends, time.max, tzinfo=UTC)
        return LinkedEmail(app_name=row.app_name, sent_at=row.at, ends=ends)

    async def take(self, new: NewFeedback, *, channel: str, at: datetime) -> FeedbackTaken | FeedbackRefused:
        """Record feedback, show it in the thread of the evaluation that it is about, and tell the owner.

        If no evaluation fits, `channel` hears that once a day, and `match` looks again later.
        """
        async with self._database.write() as connection:
            if new.key is not None and (known := await _by_key(connection, new.key)) is not None:
                return FeedbackTaken(conversation=known.conversation or known.id, is_repeated=True)
            first = None if new.conversation is None else await _row(connection, new.conversation)
            place, evaluation_id = await self._about(connection, new, first)
            if place is None:
                return FeedbackRefused.NO_CONVERSATION
            if (same := await self._same(connection, new, place, since=at - SAME_WITHIN)) is not None:
                return FeedbackTaken(conversation=same.conversation or same.id)
            if await _is_too_many(connection, new, place, at=at):
                return FeedbackRefused.TOO_MANY
            row_id = await insert_new(connection, feedback, self._values(new, place, evaluation_id, at=at))
            if row_id is None:  # the same request, at the same moment
                return FeedbackRefused.TOO_MANY
            if evaluation_id is None:
                await _tell_unmatched(connection, row_id, channel=channel, at=at)
            else:
                await _show(connection, evaluation_id, row_id, at=at)
            return FeedbackTaken(conversation=new.conversation or row_id)

    async def conversation(self, conversation_id: int) -> list[FeedbackMessage]:
        """Return the messages of a conversation, the oldest first; none if it is not on record."""
        async with self._database.read() as connection:
            return await self._messages(connection, conversation_id)

    async def find(self, feedback_id: int) -> FeedbackMessage | None:
        """Return a message."""
        async with self._database.read() as connection:
            row = await _row(connection, feedback_id)
        return None if row is None else message_from(row, self._keyring)

    async def latest(self, evaluation_id: int) -> FeedbackMessage | None:
        """Return the latest message from the app about an evaluation, or None."""
        async with self._database.read() as connection:
            live = await live_evaluation(connection, evaluation_id)
            theirs = feedback.c.evaluation_id == (evaluation_id if live is None else live.id)
            query = select(feedback).where(theirs, _FROM_APP).order_by(feedback.c.id.desc()).limit(1)
            row = (await connection.execute(query)).first()
        return None if row is None else message_from(row, self._keyring)

    async def answer(self, feedback_id: int, text: str, *, by: str, at: datetime) -> bool:
        """Record an answer that the window in the app shows. False if the message is no longer on record."""
        async with self._database.write() as connection:
            asked = await _row(connection, feedback_id)
            if asked is None or asked.evaluation_id is None:
                return False
            values = {
                **{name: getattr(asked, name) for name in ("evaluation_id", "app_key", "place", "source", "aliases")},
                "conversation": asked.conversation or asked.id,
                "speaker": Speaker.TEAM,
                "author": by,
                "at": at,
                "content": seal(FeedbackContent(text=text), self._keyring),
            }
            answer_id = await insert_row(connection, feedback, values)
            await append_history(
                connection, asked.evaluation_id, [Entry(at=at, actor=by, fact=AnsweredInApp(feedback_id=answer_id))]
            )
            await end_waiting(connection, asked.evaluation_id, asked_at=at)
            return True

    async def match(self, *, at: datetime) -> int:
        """Look again for the evaluations of feedback that fitted none. Return how many messages have one now."""
        waiting = (feedback.c.evaluation_id.is_(None), feedback.c.conversation.is_(None), feedback.c.at > at - _WAITS)
        matched = 0
        async with self._database.read() as connection:
            if (await connection.execute(select(feedback.c.id).where(*waiting).limit(1))).first() is None:
                return 0
        async with self._database.write() as connection:
            query = select(feedback).where(*waiting).order_by(feedback.c.id).limit(_MOST_AT_ONCE)
            for row in (await connection.execute(query)).all():
                evaluation_id = await _evaluation_at(connection, _place_of(row))
                if evaluation_id is None:
                    continue
                its = or_(feedback.c.id == row.id, feedback.c.conversation == row.id)
                await connection.execute(update(feedback).where(its).values(evaluation_id=evaluation_id))
                for each in (await connection.scalars(select(feedback.c.id).where(its).order_by(feedback.c.id))).all():
                    await _show(connection, evaluation_id, each, at=at)
                    matched += 1
        return matched

    async def _about(
        self, connection: AsyncConnection, new: NewFeedback, first: Row[Any] | None
    ) -> tuple[Place | None, int | None]:
        """Return where feedback comes from, and the evaluation that it is about."""
        if first is not None:
            return _place_of(first), first.evaluation_id
        if new.mail_id is not None:
            query = (
                select(mail.c.evaluation_id, license_.c.app_key)
                .join(evaluation, evaluation.c.id == mail.c.evaluation_id)
                .join(license_, license_.c.id == evaluation.c.license_id)
            )
            row = (await connection.execute(query.where(mail.c.id == new.mail_id))).first()
            # Each link counts for itself, so it stands for the site.
            linked = None if row is None else Place(app_key=row.app_key, aliases=(f"mail-{new.mail_id}",))
            return linked, None if row is None else row.evaluation_id
        return new.place, None if new.place is None else await _evaluation_at(connection, new.place)

    async def _same(
        self, connection: AsyncConnection, new: NewFeedback, place: Place, *, since: datetime
    ) -> Row[Any] | None:
        """Return the message with the same words from the same place since then.

        None for a page that nobody verified: a person who guesses the words would get the conversation.
        """
        if new.source is FeedbackSource.BROWSER and new.conversation is None:
            return None
        near = select(feedback).where(_FROM_APP, _is_at(place), feedback.c.at > since, feedback.c.content.is_not(None))
        for row in (await connection.execute(near)).all():
            earlier = message_from(row, self._keyring)
            said = earlier.content and (earlier.content.text, earlier.rating)
            if said == (new.content.text, new.rating) and new.conversation in {None, earlier.conversation}:
                return row
        return None

    def _values(self, new: NewFeedback, place: Place, evaluation_id: int | None, *, at: datetime) -> dict[str, object]:
        address = new.content.reply_to
        return {
            "conversation": new.conversation,
            "evaluation_id": evaluation_id,
            "mail_id": new.mail_id,
            "key": new.key,
            "app_key": place.app_key,
            "place": place.name,
            "cloud_id": place.cloud_id,
            "site": place.site,
            "aliases": " ".join(place.aliases),
            "speaker": Speaker.APP,
            "source": new.source,
            "at": at,
            "rating": new.rating,
            "topic": new.topic,
            "address_key": self._keyring.address_hash(address) if address else None,
            "content": seal(new.content, self._keyring),
        }

    async def _messages(self, connection: AsyncConnection, conversation_id: int) -> list[FeedbackMessage]:
        its = or_(feedback.c.id == conversation_id, feedback.c.conversation == conversation_id)
        rows = await connection.execute(select(feedback).where(its).order_by(feedback.c.id))
        return [message_from(row, self._keyring) for row in rows]


async def _row(connection: AsyncConnection, feedback_id: int) -> Row[Any] | None:
    return (await connection.execute(select(feedback).where(feedback.c.id == feedback_id))).first()


async def _by_key(connection: AsyncConnection, key: str) -> Row[Any] | None:
    return (await connection.execute(select(feedback).where(feedback.c.key == key))).first()


def _is_at(place: Place) -> ColumnElement[bool]:
    return (feedback.c.app_key == place.app_key) & (feedback.c.place == place.name)


def _place_of(row: Row[Any]) -> Place:
    return Place(
        app_key=row.app_key, cloud_id=row.cloud_id, site=row.site, aliases=tuple(row.aliases.split()) or (row.place,)
    )


async def _evaluation_at(connection: AsyncConnection, place: Place) -> int | None:
    """Return the newest evaluation with a card at a place, or None."""
    licenses = await find_licenses_of_app(
        connection,
        place.app_key,
        aliases=place.aliases,
        cloud_id=place.cloud_id,
        site=place.site,
        or_expected=True,
    )
    theirs = evaluation.c.license_id.in_([row.id for row in licenses])
    has_card = evaluation.c.channel.is_not(None) & evaluation.c.merged_into.is_(None)
    query = (
        select(evaluation.c.id).where(theirs, has_card).order_by(evaluation.c.started.desc(), evaluation.c.id.desc())
    )
    found: int | None = await connection.scalar(query.limit(1))
    return found


async def _is_too_many(connection: AsyncConnection, new: NewFeedback, place: Place, *, at: datetime) -> bool:
    """Return whether a place, a conversation or a link has brought enough for now."""
    if new.mail_id is not None:
        which, since, most = feedback.c.mail_id == new.mail_id, at - _DAY, MOST_OF_A_LINK
    elif new.conversation is not None:
        which, since, most = feedback.c.conversation == new.conversation, at - _HOUR, MOST_OF_A_CONVERSATION
    else:
        which, since, most = _is_at(place) & feedback.c.conversation.is_(None), at - _HOUR, MOST_OF_A_PLACE
    count = await connection.scalar(select(func.count()).where(which, _FROM_APP, feedback.c.at > since))
    return (count or 0) >= most


async def _show(connection: AsyncConnection, evaluation_id: int, feedback_id: int, *, at: datetime) -> None:
    """Show feedback in the thread, tell the owner, and let the evaluation wait for an answer."""
    live = await live_evaluation(connection, evaluation_id)
    if live is None:
        return
    await begin_waiting(connection, live.id, at=at)
    await append_history(connection, live.id, [Entry(at=at, fact=FeedbackReceived(feedback_id=feedback_id))])
    await tell_owner(connection, live, DeliveryKind.FEEDBACK, feedback_id, at=at)


async def _tell_unmatched(connection: AsyncConnection, feedback_id: int, *, channel: str, at: datetime) -> None:
    """Say that feedback came from a site the report does not name, unless that was said within a day."""
    recent = feedback.c.evaluation_id.is_(None) & (feedback.c.at > at - _DAY) & (feedback.c.id != feedback_id)
    if (await connection.execute(select(feedback.c.id).where(recent, _FROM_APP).limit(1))).first() is None:
        words = ":speech_balloon: Feedback came from a site that the report doesn't name yet. It's shown once it does."
        await enqueue_message(connection, words, channel=channel, at=at)
