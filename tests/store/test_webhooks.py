"""Events for the vendor's own systems: written with the fact, read at the moment of delivery."""

import json
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from bot.domain.app_signal import SignalKind
from bot.domain.dnc import Authority
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Contact
from bot.domain.history import AppSignalled, Entry
from bot.domain.webhook_address import WebhookAddress, read_addresses
from bot.domain.webhook_event_types import EventType
from bot.domain.webhook_events import WebhookEvent
from bot.exports.webhook_body import write_body
from bot.store import Store, open_store
from bot.store.outbox.enqueue import append_history
from bot.store.schema import history
from bot.store.webhook_tables import webhook_address, webhook_delivery, webhook_event
from tests.builders import NOON, OPEN, TODAY, dnc_entry, license_, nov
from tests.store.steps import LATER, SECRET, lift, mailed, mark, order, report, rows

[CRM] = read_addresses(["https://crm.example/hook"], EventType)
DAY = timedelta(days=1)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, secret_keys=[SECRET]) as found:
        await found.webhooks.register([CRM], forget_others=True)
        yield found


async def due(store: Store, address: WebhookAddress = CRM) -> list[WebhookEvent]:
    """What goes to an address now, in order."""
    found = await store.webhooks.due(address.key, OPEN, now=LATER + DAY, at_most=1000)
    return sorted((each.event for each in found), key=lambda event: event.sequence)


async def data(store: Store, type_: EventType, *, contacts: bool = False) -> list[Any]:
    """The `data` of all events of a type."""
    found = [each for each in await due(store) if each.type is type_]
    return [json.loads(write_body(each, contacts=contacts))["data"] for each in found]


def types(events: Sequence[WebhookEvent]) -> list[str]:
    return [each.type.value for each in events]


async def test_what_happens_to_an_evaluation_makes_an_event_each(store: Store) -> None:
    await report(store, license_(), license_(aliases=frozenset({"E-2"})))
    await report(store, license_(ends=nov(29), updated=nov(24)))
    await store.evaluations.assign(1, "U0BO", instead_of=None, by="U0BO", at=LATER)
    await mailed(store, order(1))
    await store.dispositions.done(1, by="U0BO", at=LATER)
    found = await due(store)
    assert types(found)[:2] == ["evaluation.started", "evaluation.started"]
    assert set(types(found)[2:]) >= {"evaluation.owner_changed", "mail.sent", "evaluation.updated"}
    assert len({each.sequence for each in found}) == len(found)


async def test_an_event_has_the_columns_of_the_tables(store: Store) -> None:
    await report(store, license_(country="Germany"))
    [event] = await due(store)
    body = json.loads(write_body(event, contacts=False))
    assert (body["type"], body["sequence"]) == ("evaluation.started", event.sequence)
    assert body["timestamp"] == "2026-11-23T12:00:00+00:00"
    found = body["data"]
    assert (found["evaluation_id"], found["company"], found["started"]) == (1, "Acme", "2026-11-20")
    assert found["may_email"] == {"answer": "yes", "reason": None}
    assert (found["kind"], found["actor"], found["details"]) == ("started", None, {"on": "2026-11-20"})
    assert "contact" not in found
    assert json.loads(write_body(event, contacts=True))["data"]["contact"]["email"] == "ana@acme.example"


async def test_without_an_address_nothing_is_recorded(store: Store) -> None:
    await store.webhooks.register([], forget_others=True)
    await report(store, license_())
    await mark(store, "ana@acme.example")
    assert await rows(store, webhook_event) == []


async def test_only_the_types_that_somebody_wants_are_owed(store: Store) -> None:
    [other] = read_addresses(["https://crm.example/hook"], [EventType.MAIL_SENT])
    await store.webhooks.register([other], forget_others=True)
    await report(store, license_())
    await mailed(store, order(1))
    assert types(await due(store)) == ["mail.sent"]


async def test_what_is_recorded_in_silence_starts_without_an_event(store: Store) -> None:
    await report(store, license_(), announce=False)
    assert await due(store) == []
    await report(store, license_(license_type="COMMERCIAL", updated=nov(24)), at=LATER)
    assert "evaluation.converted" in types(await due(store))


async def test_a_contact_is_named_unless_they_said_no_by_now(store: Store) -> None:
    await report(store, license_())
    [before] = await data(store, EventType.EVALUATION_STARTED, contacts=True)
    await mark(store, "@acme.example")
    [after] = await data(store, EventType.EVALUATION_STARTED, contacts=True)
    assert before["contact"] == {"name": "Ana Ash", "email": "ana@acme.example"}
    assert (after["contact"], after["may_email"]) == (None, {"answer": "no", "reason": "do_not_contact"})


async def test_a_block_is_said_by_hash_and_evaluations(store: Store) -> None:
    await report(store, license_())
    await mark(store, "ana@acme.example", dnc_entry(note="Ana Ash called"), evaluation_id=1)
    await lift(store, "ana@acme.example", note="Ana Ash came back")
    [added] = await data(store, EventType.DNC_ADDED, contacts=True)
    [lifted] = await data(store, EventType.DNC_LIFTED, contacts=True)
    assert added["hash"] == lifted["hash"]
    assert added["evaluation_ids"] == lifted["evaluation_ids"] == [1]
    assert (added["scope"], added["reason"], lifted["remaining"]) == ("address", "asked", None)
    assert "ana" not in json.dumps([added, lifted]).lower()


async def test_a_block_of_a_domain_names_evaluations_without_a_card_too(store: Store) -> None:
    await report(store, license_(), announce=False)
    await mark(store, "acme.example")
    [added] = await data(store, EventType.DNC_ADDED)
    assert (added["scope"], added["evaluation_ids"]) == ("domain", [1])


async def test_who_is_blocked_twice_is_still_blocked_after_one_lift(store: Store) -> None:
    await report(store, license_())
    await mark(store, "ana@acme.example", dnc_entry(reason=DncReason.TEAM))
    await mark(store, "ana@acme.example", dnc_entry(reason=DncReason.UNSUBSCRIBED))
    await lift(store, "ana@acme.example", set_at=None, authority=Authority.ADMIN)
    [lifted] = await data(store, EventType.DNC_LIFTED)
    assert lifted["remaining"] == "team"


async def test_nothing_of_an_erased_person_leaves(store: Store) -> None:
    await report(store, license_(company="Ana Ash", site="ana-ash.atlassian.net"))
    await mailed(store, order(1))
    await store.personal_data.erase("ana@acme.example", at=LATER, by="tests")
    events = await due(store)
    text = b" ".join(write_body(each, contacts=True) for each in events).decode().lower()
    assert "ana@" not in text
    assert "ana ash" not in text
    [erased] = await data(store, EventType.PERSON_ERASED)
    [added] = await data(store, EventType.DNC_ADDED)
    assert (erased["evaluation_ids"], erased["reason"], erased["hash"]) == ([1], "erased", added["hash"])
    assert added["evaluation_ids"] == [1]


async def test_who_is_forgotten_at_atlassian_is_said_to_be_erased(store: Store) -> None:
    await report(store, license_())
    await report(store, license_(technical=Contact(forgotten=True), updated=nov(24)))
    [erased] = await data(store, EventType.PERSON_ERASED)
    assert (erased["evaluation_ids"], erased["reason"]) == ([1], "forgotten")


async def test_an_event_of_a_merged_evaluation_is_about_the_one_that_stays(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})), license_(aliases=frozenset({"E-2"})))
    await report(store, license_(aliases=frozenset({"E-1", "E-2"}), updated=nov(24)))
    found = await due(store)
    ids = {each.evaluation.evaluation_id for each in found if each.evaluation is not None}
    [merged] = await data(store, EventType.EVALUATION_MERGED)
    assert ids == {merged["evaluation_id"]}
    assert ids | set(merged["merged_ids"]) == {1, 2}


async def test_an_app_that_is_removed_is_an_event(store: Store) -> None:
    await report(store, license_())
    async with store.database.write() as connection:
        for what in (SignalKind.INSTALLED, SignalKind.UNINSTALLED):
            entry = Entry(at=LATER, fact=AppSignalled(what=what, signalled_at=LATER))
            await append_history(connection, 1, [entry])
    assert types(await due(store)) == ["evaluation.started", "app.uninstalled"]


async def test_an_event_stays_until_it_is_taken(store: Store) -> None:
    await report(store, license_())
    [first] = await store.webhooks.due(CRM.key, OPEN, now=LATER, at_most=2)
    until = LATER + timedelta(minutes=5)
    assert await store.webhooks.failed(first.id, CRM.key, until=until, error="It answered 500.", at=NOON) == NOON
    assert await store.webhooks.due(CRM.key, OPEN, now=LATER, at_most=2) == []
    assert await store.webhooks.next_due(CRM.key) == until
    [again] = await store.webhooks.due(CRM.key, OPEN, now=until, at_most=2)
    assert (again.event.message_id, again.attempts) == (first.event.message_id, 2)
    [status] = await store.webhooks.list_addresses()
    assert (status.waiting, status.failing_since, status.error) == (1, NOON, "It answered 500.")
    assert "crm.example" in status.problem
    assert await store.webhooks.delivered(again.id, CRM.key, at=until)
    [status] = await store.webhooks.list_addresses()
    assert (status.waiting, status.failing_since, status.delivered_at) == (0, None, until)
    assert status.problem == ""


async def test_what_a_wrong_clock_put_off_is_due(store: Store) -> None:
    await report(store, license_())
    [first] = await store.webhooks.due(CRM.key, OPEN, now=LATER, at_most=2)
    await store.webhooks.failed(first.id, CRM.key, until=LATER + 400 * DAY, error="no", at=LATER)
    assert len(await store.webhooks.due(CRM.key, OPEN, now=LATER, at_most=2)) == 1


async def test_an_address_that_is_off_gets_nothing_until_it_is_on(store: Store) -> None:
    await report(store, license_())
    await store.webhooks.switch_off(CRM.key, error="It answered 410.", at=NOON)
    await report(store, license_(aliases=frozenset({"E-2"})))
    assert await due(store) == []
    assert (await store.webhooks.send_again(TODAY, at=LATER)).count == 0
    await store.webhooks.register([CRM], forget_others=True)  # a restart changes nothing
    assert await store.webhooks.switch_on(CRM.key, at=LATER) == NOON
    assert (await store.webhooks.send_again(TODAY, at=LATER)).count == 2
    assert len(await due(store)) == 2


async def test_what_is_sent_again_has_the_same_id(store: Store) -> None:
    await report(store, license_())
    [first] = await store.webhooks.due(CRM.key, OPEN, now=LATER, at_most=2)
    await store.webhooks.failed(first.id, CRM.key, until=None, error="It answered 400.", at=LATER)
    [status] = await store.webhooks.list_addresses()
    assert (status.waiting, status.given_up) == (0, 1)
    [lately] = await store.webhooks.list_addresses(since=LATER + DAY)
    assert lately.given_up == 0
    assert (await store.webhooks.send_again(date(2026, 11, 24), at=LATER)).count == 0
    assert (await store.webhooks.send_again(TODAY, at=LATER)).count == 1
    [again] = await store.webhooks.due(CRM.key, OPEN, now=LATER, at_most=2)
    assert (again.event.message_id, again.attempts) == (first.event.message_id, 1)


async def test_an_address_that_is_no_longer_set_is_forgotten(store: Store) -> None:
    await report(store, license_())
    [other] = read_addresses(["https://other.example/"], EventType)
    await store.webhooks.register([other], forget_others=False)
    assert len(await store.webhooks.list_addresses()) == 2
    await store.webhooks.register([other], forget_others=True)
    assert [each.name for each in await store.webhooks.list_addresses()] == ["other.example"]
    assert await rows(store, webhook_delivery) == []
    assert "hook" not in repr(await rows(store, webhook_address))


async def test_facts_of_before_there_was_an_address_can_be_sent(store: Store) -> None:
    await store.webhooks.register([], forget_others=True)
    await report(store, license_(), announce=False)
    await store.webhooks.register([CRM], forget_others=True)
    assert await store.webhooks.record_missing(TODAY) is None
    assert await store.webhooks.record_missing(TODAY) is None
    assert (await store.webhooks.send_again(TODAY, at=LATER)).count == 1
    assert types(await due(store)) == ["evaluation.started"]


async def owe_facts(store: Store, many: int) -> None:
    """So many facts of the time before there was an address have an event now."""
    await report(store, license_(), announce=False)
    await store.webhooks.register([CRM], forget_others=True)
    fact = {"evaluation_id": 1, "at": NOON, "kind": "enriched", "details": {"company": "Acme" * 50}}
    async with store.database.write() as connection:
        await connection.execute(insert(history), [fact] * (many - 1))
    after: int | None = 0
    while after is not None:
        after = await store.webhooks.record_missing(TODAY, after=after)


async def test_events_are_sent_again_a_page_at_a_time(store: Store) -> None:
    await owe_facts(store, 1_200)
    after: int | None = 0
    counts = []
    while after is not None:
        sent = await store.webhooks.send_again(TODAY, at=LATER, after=after)
        after = sent.next_after
        counts.append(sent.count)
    assert counts == [500, 500, 200]


@pytest.mark.long
async def test_ten_thousand_events_take_the_memory_of_a_page(store: Store) -> None:
    await owe_facts(store, 10_000)
    after: int | None = 0
    count = 0
    tracemalloc.start()
    while after is not None:
        sent = await store.webhooks.send_again(TODAY, at=LATER, after=after)
        after, count = sent.next_after, count + sent.count
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 10_000
    assert peak < 2_000_000  # ten thousand events kept would be many times that
