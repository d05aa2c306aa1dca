"""Look for a message that an earlier attempt may have posted, and delete what was posted twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from bot.domain.clock_skew import CLOCKS_DIFFER, is_future
from bot.domain.outbox import TO_PEOPLE, Delivery, DeliveryKind, Route
from bot.errors import SlackRefused
from bot.services.slack_delivery.rate_limits import SlackRateLimiter
from bot.services.slack_delivery.renderer import message_ref
from bot.services.slack_delivery.retry_policy import is_outage, is_repeatable
from bot.slack.client.web_client import MessageRef, SlackClient
from bot.store import Store

log = structlog.get_logger()

_A_WEEK: Final = timedelta(days=7)


class MessageLookup:
    """Looks for messages in Slack by the reference in their metadata."""

    def __init__(
        self, store: Store, slack: SlackClient, *, limiter: SlackRateLimiter, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._slack = slack
        self._limiter = limiter
        self._clock = clock

    async def find(self, delivery: Delivery, route: Route) -> str | None:
        """Return the timestamp of the message that an earlier attempt with an unknown outcome posted, or None if there
        is none.

        Of two messages, keep the older one and delete the younger. A line that only has the same text may belong to
        another delivery: it is accepted as this one, and never deleted.
        """
        if delivery.ts is None and is_repeatable(delivery):
            return None
        ref = message_ref(delivery)
        found = await self._posted(delivery, replace(ref, fact=None))
        if not found:
            same = await self._posted(delivery, ref) if ref.fact is not None and delivery.ts is None else []
            return same[0] if same else delivery.ts
        kept, *younger = sorted({*found, delivery.ts or found[0]}, key=float)
        if delivery.ts not in {None, kept}:
            await self._store.outbox.adopt(delivery, ts=kept, at=self._clock())
        for ts in younger:
            log.warning("message_duplicated", delivery=delivery.id, what=delivery.kind)
            await self._delete(delivery, ts, route)
        return kept

    async def _posted(self, delivery: Delivery, ref: MessageRef) -> list[str]:
        """Return the timestamps of the messages in Slack that carry this reference, oldest first."""
        if delivery.kind in {DeliveryKind.NOTE, *TO_PEOPLE} and delivery.card:
            # A line about the report may be older than its delivery: the database may have gone back in time in
            # between.
            thread, since = delivery.card.ts, datetime.fromtimestamp(float(delivery.card.ts), UTC)
            known = delivery.lines - {delivery.ts}
            return await self._slack.find_message(delivery.channel, ref, since=since, thread=thread, but=known)
        # The true time of a delivery dated in the future is unknown. A bot that stopped is restarted within a week.
        is_ahead = is_future(delivery.at, self._clock())
        since = self._clock() - _A_WEEK if is_ahead else delivery.at - CLOCKS_DIFFER
        return await self._slack.find_message(delivery.channel, ref, since=since)

    async def _delete(self, delivery: Delivery, ts: str, route: Route) -> None:
        """Delete the younger of two messages. For a card, delete the bot's lines in its thread too."""
        notes = await self._slack.notes_under(delivery.channel, ts) if delivery.kind is DeliveryKind.CARD else []
        for each in (*notes, ts):
            self._limiter.consume(route)
            try:
                await self._slack.delete(delivery.channel, each)
            except SlackRefused as exc:
                if is_outage(exc):
                    raise
                log.warning("message_not_deleted", delivery=delivery.id, code=exc.code)  # it may be gone already
