"""What the team does about an evaluation beside emailing: notes, done, not for us, snoozes."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from bot.domain.card import Card, known_end
from bot.domain.departure import CustomerWords
from bot.domain.evaluation import DispositionChange, DispositionRef, NotForUsReason
from bot.domain.note import Note, NoteRefusal
from bot.domain.snooze import Snooze, SnoozeChoice, SnoozeRefused, snoozed_until, why_not_snoozed
from bot.store import Store

log = structlog.get_logger()


class FollowUp:
    """Records what people did. Where it says None, there is no such evaluation."""

    def __init__(
        self,
        store: Store,
        *,
        zone_of: Callable[[str], Awaitable[str]],
        zone: ZoneInfo,
        clock: Callable[[], datetime],
    ) -> None:
        """`zone_of` returns the name of a person's time zone, or an empty one; `zone` is the team's."""
        self._store = store
        self._zone_of = zone_of
        self._zone = zone
        self._clock = clock

    async def done(self, evaluation_id: int, *, by: str) -> DispositionChange | None:
        """Record that somebody spoke to the customer elsewhere."""
        return await self._store.dispositions.done(evaluation_id, by=by, at=self._clock())

    async def not_for_us(
        self, evaluation_id: int, reason: NotForUsReason, words: str, *, by: str
    ) -> DispositionChange | None:
        """Record that the team does not work on an evaluation."""
        return await self._store.dispositions.not_for_us(evaluation_id, reason, words, by=by, at=self._clock())

    async def undo(self, evaluation_id: int, shown: DispositionRef | None, *, by: str) -> DispositionChange | None:
        """Undo the person's own snooze or the disposition that they saw, whichever was set last."""
        return await self._store.dispositions.undo(evaluation_id, shown, by=by, at=self._clock())

    async def add_note(self, evaluation_id: int, text: str, *, by: str) -> bool:
        """Add a note. False if there is no such evaluation."""
        return await self._store.notes.add(evaluation_id, text, by=by, at=self._clock())

    async def note(self, note_id: int) -> Note | None:
        """Return a note."""
        return await self._store.notes.find(note_id)

    async def change_note(self, note_id: int, text: str, *, by: str) -> NoteRefusal | None:
        """Change a note, or delete it with an empty text. Return why the person may not, if so."""
        return await self._store.notes.change(note_id, text, by=by, at=self._clock())

    async def words_of_departure(self, departure_id: int, *, by: str) -> CustomerWords | None:
        """Return what somebody wrote when they left, and record who reads it. None if it is no longer on record."""
        words = await self._store.departures.words(departure_id)
        if words is not None:
            await self._store.personal_data.audit("show", at=self._clock(), by=by, departures=1)
        return words

    async def zone(self, user: str) -> ZoneInfo:
        """Return a person's time zone, or the team's if Slack does not say it."""
        name = await self._zone_of(user)
        try:
            return ZoneInfo(name) if name else self._zone
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return self._zone

    async def card(self, evaluation_id: int) -> Card | None:
        """Return what the card of an evaluation shows."""
        return await self._store.evaluations.card(evaluation_id)

    async def time_of(
        self, evaluation_id: int, choice: SnoozeChoice, picked: datetime | None, *, by: str
    ) -> datetime | SnoozeRefused | None:
        """Return the time that a person chose, in their time zone, or why they cannot be reminded then.

        None if they have picked none yet. Asks Slack at most once, since a form waits for this.
        """
        zone, now = await self.zone(by), self._clock()
        until = snoozed_until(choice, picked, now=now, zone=zone)
        if until is None:
            return None
        card = await self.card(evaluation_id)
        ends = None if card is None else known_end(card.evaluation)
        return why_not_snoozed(until, ends, now=now, zone=zone) or until

    async def snooze(self, evaluation_id: int, until: datetime, *, by: str) -> bool:
        """Remind a person of an evaluation then. False if its trial is over."""
        return await self._store.snoozes.set(evaluation_id, Snooze(user=by, until=until, at=self._clock()))

    async def remind(self) -> datetime | None:
        """Remind everybody whose time has come. Return when somebody's time comes next."""
        now, ends = self._clock(), await self._store.snoozes.next_end()
        if ends is None or ends > now:
            return ends
        log.info("snoozes_over", reminders=await self._store.snoozes.remind(now=now))
        return await self._store.snoozes.next_end()
