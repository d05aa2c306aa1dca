"""Render a delivery as a message, from the store as it is at that moment."""

from collections.abc import Callable
from datetime import date
from typing import Final, Literal, assert_never

from bot.domain.card import Card
from bot.domain.mail_policy import MailRules
from bot.domain.outbox import Delivery, DeliveryKind, OwnerNews
from bot.domain.reminders import LIST, ReminderState, ReminderStep
from bot.slack.blocks import Message, note_message
from bot.slack.client import metadata
from bot.slack.client.web_client import MessageRef
from bot.slack.ids import Event
from bot.slack.views import feedback
from bot.slack.views.accepted_quote import quote_news_message
from bot.slack.views.alerts import backlog_notice
from bot.slack.views.card import card_message, pointer_message
from bot.slack.views.digest import digest_message
from bot.slack.views.history import entry_message
from bot.slack.views.received import owner_message
from bot.slack.views.reminder import ListedCard, reminder_list, reminder_message, settled_message
from bot.slack.views.replies import GONE
from bot.store import Store

_EVENTS: Final = {
    DeliveryKind.NOTE: Event.NOTE,
    DeliveryKind.MESSAGE: Event.MESSAGE,
    DeliveryKind.SUMMARY: Event.MESSAGE,
    DeliveryKind.REMINDER: Event.MESSAGE,
    DeliveryKind.DIGEST: Event.MESSAGE,
    DeliveryKind.REPLY: Event.MESSAGE,
    DeliveryKind.FEEDBACK: Event.MESSAGE,
}
_OfStore = Literal[
    DeliveryKind.CARD, DeliveryKind.REMINDER, DeliveryKind.REPLY, DeliveryKind.FEEDBACK, DeliveryKind.DIGEST
]
_SHORTENED_CHARS: Final = 3000


class DeliveryRenderer:
    """Renders deliveries."""

    def __init__(
        self,
        store: Store,
        *,
        workspace_url: Callable[[], str | None],
        today: Callable[[], date],
        rules: MailRules,
        vendor_id: str | None = None,
    ) -> None:
        """`vendor_id` is the vendor's number at the Marketplace, for links to licenses."""
        self._store = store
        self._workspace_url = workspace_url
        self._today = today
        self._rules = rules
        self._vendor_id = vendor_id

    async def render(self, delivery: Delivery) -> Message:
        """Return the message of a delivery."""
        match delivery.kind:
            case DeliveryKind.NOTE:
                return entry_message(delivery.entry) if delivery.entry else note_message("")
            case DeliveryKind.MESSAGE:
                return note_message(delivery.text or "")
            case DeliveryKind.SUMMARY:
                return note_message(backlog_notice(delivery.waiting))
            case kind:
                return await self._render_of_store(kind, delivery)

    async def _render_of_store(self, kind: _OfStore, delivery: Delivery) -> Message:
        """Return a message that shows more than its delivery says."""
        match kind:
            case DeliveryKind.CARD:
                return await self._render_card(delivery.evaluation_id or 0)
            case DeliveryKind.REMINDER:
                return await self._render_reminder(delivery)
            case DeliveryKind.REPLY:
                return await self._render_reply(delivery)
            case DeliveryKind.FEEDBACK:
                return await self._render_feedback(delivery)
            case DeliveryKind.DIGEST:
                return await self._render_digest(delivery)
            case _:
                assert_never(kind)

    async def _render_reminder(self, delivery: Delivery) -> Message:
        if delivery.text == LIST:
            return await self._render_list(delivery)
        card = await self._store.evaluations.card(delivery.evaluation_id or 0)
        if card is None:
            return note_message(GONE)
        is_settled = await self._store.reminders.state(delivery.id) is ReminderState.SETTLED
        if delivery.text == OwnerNews.QUOTE:
            return quote_news_message(card, self._link(card), to=delivery.channel)
        step = None if delivery.text is None else ReminderStep(delivery.text)
        shown = reminder_message(card, step, today=self._today(), rules=self._rules, link=self._link(card))
        return settled_message(shown) if is_settled else shown

    async def _render_list(self, delivery: Delivery) -> Message:
        listed = list[ListedCard]()
        for each in await self._store.reminders.listed(delivery.id):
            card = await self._store.evaluations.card(each.evaluation_id)
            if card is not None:
                listed.append(ListedCard(card, each.step, is_settled=each.is_settled))
        return reminder_list(listed, rules=self._rules, today=self._today(), workspace_url=self._workspace_url())

    async def _render_reply(self, delivery: Delivery) -> Message:
        card = await self._store.evaluations.card(delivery.evaluation_id or 0)
        if card is None:
            return note_message(GONE)
        found = await self._store.replies.find(int(delivery.text or 0))
        return owner_message(card, None if found is None else found.reply, link=self._link(card), to=delivery.channel)

    async def _render_feedback(self, delivery: Delivery) -> Message:
        card = await self._store.evaluations.card(delivery.evaluation_id or 0)
        if card is None:
            return note_message(GONE)
        message = await self._store.feedback.find(int(delivery.text or 0))
        return feedback.owner_message(card, message, link=self._link(card), to=delivery.channel)

    def _link(self, card: Card) -> str | None:
        """Return the address of a card in Slack, if it is known."""
        there, url = card.evaluation.card, self._workspace_url()
        return there.permalink(url) if there and url else None

    async def _render_digest(self, delivery: Delivery) -> Message:
        """Render the digest as of now: what was settled since it was enqueued is not in it."""
        period = await self._store.digests.period(delivery.text or "", delivery.channel)
        if period is None:
            return note_message("This digest is no longer on record.")
        found = await self._store.digests.read(period, delivery.channel)
        return digest_message(found, period, today=self._today(), workspace_url=self._workspace_url())

    async def _render_card(self, evaluation_id: int) -> Message:
        """Render the card as it is now, whatever it was when the delivery was enqueued."""
        card = await self._store.evaluations.card(evaluation_id)
        if card is None:
            return note_message(GONE)
        if card.evaluation.id == evaluation_id:
            return card_message(card, today=self._today(), rules=self._rules, vendor_id=self._vendor_id)
        return pointer_message(card, self._link(card))


def shorten(message: Message) -> Message:
    """Return a message without blocks that Slack certainly accepts."""
    return Message(text=message.text[:_SHORTENED_CHARS], blocks=[])


def message_ref(delivery: Delivery) -> MessageRef:
    """Return the reference by which the delivery's message is recognized in Slack."""
    if delivery.kind is DeliveryKind.CARD:
        return MessageRef(event=Event.CARD, number=delivery.evaluation_id or 0, delivery=delivery.id)
    fact = None if delivery.entry is None else metadata.fact(delivery.entry)
    digest = delivery.text if delivery.kind is DeliveryKind.DIGEST else None
    return MessageRef(event=_EVENTS[delivery.kind], number=delivery.id, fact=fact, digest=digest)
