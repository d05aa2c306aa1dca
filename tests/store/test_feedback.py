"""Feedback and answers in the app: each once, in the thread of the right evaluation, and erased with the person."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.app_signal import AppSignal, EarlyCardPolicy, EarlyCards, SignalKind
from bot.domain.departure import Departure, DepartureKind
from bot.domain.dnc_reason import DncReason
from bot.domain.feedback import (
    MOST_OF_A_LINK,
    MOST_OF_A_PLACE,
    FeedbackContent,
    FeedbackRefused,
    FeedbackSource,
    FeedbackTaken,
    NewFeedback,
    Speaker,
    Topic,
    answer_template,
)
from bot.domain.mail import ClaimedMail, LawfulBasis, MailRequest
from bot.domain.mail_policy import RefusalReason, Refused, RejectedMail
from bot.domain.place_reader import Place
from bot.store import Store, open_store
from bot.store.feedback_tables import feedback
from tests.builders import FREELY, NOON, dnc_entry, license_
from tests.store.steps import CHANNEL, LATER, SECRET, ask, bring, claimed, mark, only_card, order, report, rows

PLACE = Place(app_key="com.example.roadmap", site="acme.atlassian.net", aliases=("E-1AA-2BB-3CC-4DD",))
QUESTION = NewFeedback(
    source=FeedbackSource.BACKEND,
    content=FeedbackContent(text="Where is the export?"),
    place=PLACE,
    key="webhook:1",
    rating=4,
    topic=Topic.QUESTION,
)
MINUTES = timedelta(minutes=20)


async def take(store: Store, new: NewFeedback, *, after: timedelta = timedelta(0)) -> FeedbackTaken:
    taken = await store.feedback.take(new, channel=CHANNEL, at=NOON + after)
    assert isinstance(taken, FeedbackTaken)
    return taken


async def test_a_conversation_stands_in_the_thread_in_its_order_on_both_engines(database_url: str) -> None:
    async with open_store(database_url, secret_keys=[SECRET]) as store:
        await report(store, license_())
        await store.evaluations.assign(1, "U0BO", instead_of=None, by="U0BO", at=NOON)
        await bring(store)
        first = await take(store, QUESTION)
        assert await bring(store) == [
            "note feedback_received in 1.0",
            "remind U0BO of 1",
            "update card 1",
        ]
        assert (await only_card(store)).evaluation.waiting_since == NOON
        assert await store.feedback.answer(first.conversation, "In the menu.", by="U0BO", at=LATER)
        assert (await only_card(store)).evaluation.waiting_since is None
        more = NewFeedback(
            source=FeedbackSource.BACKEND, content=FeedbackContent(text="Thanks!"), conversation=first.conversation
        )
        again = await take(store, more, after=timedelta(hours=2))
        said = await store.feedback.conversation(first.conversation)
    assert again.conversation == first.conversation
    assert [(each.speaker, each.content and each.content.text) for each in said] == [
        (Speaker.APP, "Where is the export?"),
        (Speaker.TEAM, "In the menu."),
        (Speaker.APP, "Thanks!"),
    ]


async def test_a_request_that_is_repeated_counts_once_and_so_do_the_same_words(store: Store) -> None:
    await report(store, license_())
    first = await take(store, QUESTION)
    assert await take(store, QUESTION, after=timedelta(days=2)) == replace(first, is_repeated=True)
    assert await take(store, replace(QUESTION, key="webhook:2"), after=timedelta(minutes=9)) == first
    other = await take(store, replace(QUESTION, key="webhook:3"), after=timedelta(minutes=11))
    assert other.conversation != first.conversation
    assert len(await rows(store, feedback)) == 2


async def test_a_site_a_link_and_a_conversation_bring_only_so_much(store: Store) -> None:
    await report(store, license_())
    for number in range(MOST_OF_A_PLACE):
        await take(store, replace(QUESTION, key=f"{number}", content=FeedbackContent(text=f"Question {number}")))
    full = replace(QUESTION, key="one more", content=FeedbackContent(text="One more"))
    assert await store.feedback.take(full, channel=CHANNEL, at=NOON) is FeedbackRefused.TOO_MANY
    await take(store, full, after=timedelta(hours=1))
    sent = await claimed(store, order(1))
    linked = NewFeedback(source=FeedbackSource.LINK, content=FeedbackContent(), mail_id=sent.mail_id)
    for number in range(MOST_OF_A_LINK):
        await take(store, replace(linked, content=FeedbackContent(text=f"Answer {number}")))
    assert await store.feedback.take(linked, channel=CHANNEL, at=NOON) is FeedbackRefused.TOO_MANY


async def test_feedback_of_an_unknown_site_is_said_once_a_day_and_shown_when_the_license_comes(store: Store) -> None:
    first = await take(store, QUESTION)
    await take(store, replace(QUESTION, key="2", content=FeedbackContent(text="Hello?")), after=MINUTES)
    [said] = await bring(store)
    assert "doesn't name yet" in said
    assert await store.feedback.match(at=LATER) == 0
    await report(store, license_())
    assert await store.feedback.match(at=LATER) == 2
    assert await store.feedback.match(at=LATER) == 0
    brought = await bring(store)
    assert brought.count("note feedback_received in 1.0") == 2
    assert [each.evaluation_id for each in await store.feedback.conversation(first.conversation)] == [1]


async def test_feedback_at_the_site_of_an_early_card_stands_in_its_thread(store: Store) -> None:
    signal = AppSignal(
        key="webhook:1", app_key=PLACE.app_key, kind=SignalKind.INSTALLED, at=NOON, site="acme.atlassian.net"
    )
    await store.app_signals.add([signal], at=NOON)
    await store.app_signals.handle(EarlyCardPolicy(mode=EarlyCards.ALL, channel=CHANNEL), at=NOON)
    await bring(store)
    await take(store, QUESTION)
    assert await bring(store) == ["note feedback_received in 1.0", "update card 1"]


async def test_a_conversation_that_is_not_on_record_is_said(store: Store) -> None:
    lost = replace(QUESTION, place=None, conversation=99, key=None)
    assert await store.feedback.take(lost, channel=CHANNEL, at=NOON) is FeedbackRefused.NO_CONVERSATION
    assert not await store.feedback.answer(99, "Hello", by="U0BO", at=NOON)


@pytest.mark.parametrize("address", ["ana@acme.example", "other@acme.example"])
async def test_erase_takes_what_a_person_wrote_and_export_shows_it_before(store: Store, address: str) -> None:
    """The contact's words go with the evaluation, and another person's with their own address."""
    await report(store, license_())
    content = FeedbackContent(text="A secret plan", reply_to="other@acme.example", name="Otto Other")
    taken = await take(store, replace(QUESTION, content=content))
    await bring(store)
    held = await store.personal_data.export(address, at=LATER, by="test")
    assert held["feedback"] == [
        {"at": NOON.isoformat(), "from": "app", "rating": 4, "text": "A secret plan", "reply_to": "other@acme.example"}
    ]
    await store.personal_data.erase(address, at=LATER, by="test")
    [message] = await store.feedback.conversation(taken.conversation)
    assert message.content is None
    assert "note feedback_received in 1.0" in await bring(store)


ASKS = replace(QUESTION, content=FeedbackContent(text="And the price?", reply_to="ana@acme.example"))
UNSUBSCRIBED = dnc_entry(reason=DncReason.UNSUBSCRIBED, by=None)


def _answer(taken: FeedbackTaken, basis: LawfulBasis) -> MailRequest:
    number = taken.conversation
    return order(1, number, template=answer_template(number), basis=basis, at=LATER, due_at=LATER)


async def test_who_unsubscribed_and_asked_after_that_gets_one_answer_and_none_after_another_no(store: Store) -> None:
    await report(store, license_())
    early = await take(store, ASKS)
    await mark(store, "ana@acme.example", replace(UNSUBSCRIBED, at=NOON + MINUTES / 2))
    assert isinstance(await ask(store, _answer(early, LawfulBasis.ASKED_SINCE)), Refused)
    asked = await take(store, replace(ASKS, key="webhook:2"), after=MINUTES)
    no = await ask(store, _answer(asked, LawfulBasis.ASKED))
    assert isinstance(no, Refused)
    assert no.reason is RefusalReason.DO_NOT_CONTACT
    await ask(store, _answer(asked, LawfulBasis.ASKED_SINCE))
    assert isinstance(await store.mails.claim(FREELY, now=LATER), ClaimedMail)
    assert isinstance(await ask(store, _answer(asked, LawfulBasis.ASKED_SINCE)), Refused)

    again = await take(store, replace(ASKS, key="webhook:3"), after=2 * MINUTES)
    await ask(store, _answer(again, LawfulBasis.ASKED_SINCE))
    await mark(store, "ana@acme.example", replace(UNSUBSCRIBED, at=LATER))
    stopped = await store.mails.claim(FREELY, now=LATER)
    assert isinstance(stopped, RejectedMail)
    assert stopped.refusal.reason is RefusalReason.DO_NOT_CONTACT


async def test_an_answer_that_waits_still_goes_when_they_leave(store: Store) -> None:
    await report(store, license_())
    asked = await take(store, ASKS)
    await ask(store, _answer(asked, LawfulBasis.ASKED))
    left = Departure(
        app_key=PLACE.app_key, kind=DepartureKind.UNINSTALL, day=NOON.date(), aliases=("E-1AA-2BB-3CC-4DD",)
    )
    assert await store.departures.record([(b"1", left)], posts=True, at=NOON) == 1
    assert isinstance(await store.mails.claim(FREELY, now=LATER), ClaimedMail)


async def test_the_same_words_from_a_page_that_nobody_verified_open_no_conversation_of_others(store: Store) -> None:
    await report(store, license_())
    guess = replace(QUESTION, source=FeedbackSource.BROWSER, key=None)
    first = await take(store, guess)
    other = await take(store, guess)
    assert other.conversation != first.conversation
    more = replace(guess, conversation=first.conversation)
    assert await take(store, more) == await take(store, more) == first
