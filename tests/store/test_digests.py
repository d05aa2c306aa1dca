"""What a digest says, and that it goes once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.digest import Counts, DigestKind, DigestPeriod
from bot.domain.evaluation import State
from bot.domain.outbox import ApiMethod, DeliveryKind
from bot.domain.reminders import Reminder, ReminderState, ReminderStep
from bot.store import Store, open_store
from tests.builders import NOON, TODAY, contact, license_
from tests.store.steps import CHANNEL, SECRET, cards, mailed, order, report

DAY = timedelta(days=1)
DAILY = DigestPeriod(kind=DigestKind.DAILY, day=TODAY, since=NOON - DAY, until=NOON + timedelta(minutes=1))
WEEKLY = replace(DAILY, kind=DigestKind.WEEKLY, since=DAILY.until - 7 * DAY)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, secret_keys=[SECRET]) as found:
        yield found


def app(number: int, name: str, **overrides: object) -> dict[str, object]:
    key = {"aliases": frozenset({f"E-{name}-{number}"}), "app_key": name.lower(), "app_name": name}
    person = contact(email=f"ana@company{number}.example")
    return {**key, "company": f"Company {number} Ltd", "technical": person, "billing": None, **overrides}


async def test_a_digest_has_what_needs_somebody_and_what_happened(store: Store) -> None:
    soon, later = TODAY + 3 * DAY, TODAY + 20 * DAY
    await report(store, *(license_(**app(n, "Gantt", ends=soon if n < 7 else later)) for n in range(9)))
    await report(store, license_(**app(9, "Reports", ends=later)))
    await report(store, license_(**app(10, "Elsewhere")), channel="C0OTHER")
    found = {card.evaluation.license.company: card.evaluation for card in await cards(store)}
    await store.evaluations.assign(found["Company 0 Ltd"].id, "U0ANA", instead_of=None, by="U0ANA", at=NOON)
    await mailed(store, order(found["Company 1 Ltd"].id))
    bought = license_(**app(8, "Gantt", license_type="COMMERCIAL", updated=TODAY + DAY))
    await report(store, replace(bought, latest_evaluation=bought.starts), at=NOON)

    digest = await store.digests.read(DAILY, CHANNEL)

    assert digest.unowned.total == 8  # of ten here, one is owned and one was bought
    assert len(digest.unowned.rows) == 5
    assert digest.unowned.rows[0].evaluation.trial.ends == soon
    assert digest.untouched.total == 6  # Company 1 was emailed; that somebody owns Company 0 is not enough
    assert digest.counts == Counts(started=(("Gantt", 9), ("Reports", 1)), bought=1)
    assert digest.before is None


async def test_ones_own_digest_has_what_is_ones_own(store: Store) -> None:
    soon, later = TODAY + 3 * DAY, TODAY + 20 * DAY
    await report(store, *(license_(**app(n, "Gantt", ends=soon if n < 2 else later)) for n in range(4)))
    found = {card.evaluation.license.company: card.evaluation.id for card in await cards(store)}
    for n in range(3):
        await store.evaluations.assign(found[f"Company {n} Ltd"], "U0ANA", instead_of=None, by="U0ANA", at=NOON)
    await mailed(store, order(found["Company 1 Ltd"]))

    digest = await store.digests.read(replace(DAILY, kind=DigestKind.OWN), "U0ANA")

    assert [row.evaluation.license.company for row in digest.waiting.rows] == ["Company 0 Ltd", "Company 2 Ltd"]
    assert [row.evaluation.license.company for row in digest.ending.rows] == ["Company 0 Ltd", "Company 1 Ltd"]
    assert digest.counts == Counts(started=(("Gantt", 3),))
    assert (await store.digests.read(replace(DAILY, kind=DigestKind.OWN), "U0BEN")).is_empty


async def test_reminders_of_the_rehearsal_and_late_ones_are_in_the_digest_of_their_time(store: Store) -> None:
    await report(store, license_(**app(1, "Gantt")), license_(**app(2, "Gantt")))
    one, other = (card.evaluation.id for card in await cards(store))
    for number, state in ((one, ReminderState.REHEARSED), (other, ReminderState.LATE)):
        decided = Reminder(evaluation_id=number, step=ReminderStep.UNCLAIMED, owner=None, state=state, to=CHANNEL)
        await store.reminders.record([decided], at=NOON, day_began={})
    digest = await store.digests.read(DAILY, CHANNEL)
    assert [each.evaluation.id for each in digest.rehearsed.rows] == [one]
    assert (digest.rehearsed.total, digest.late) == (1, 1)
    earlier = replace(DAILY, since=NOON - 2 * DAY, until=NOON)
    assert (await store.digests.read(earlier, CHANNEL)).late == 0


async def test_a_weekly_digest_has_the_week_before_beside_it(store: Store) -> None:
    await report(store, license_(**app(1, "Gantt")), at=WEEKLY.since - DAY)
    await report(store, license_(**app(2, "Gantt")), license_(**app(3, "Gantt")), at=WEEKLY.since)
    digest = await store.digests.read(WEEKLY, CHANNEL)
    assert (digest.counts, digest.before) == (Counts(started=(("Gantt", 2),)), Counts(started=(("Gantt", 1),)))


async def test_however_many_copies_decide_at_once_a_digest_goes_once(store: Store) -> None:
    decided = await asyncio.gather(
        *(store.digests.begin(DAILY, CHANNEL, sends=True, at=NOON + n * DAY) for n in range(5))
    )
    assert sorted(decided) == [False] * 4 + [True]
    assert await store.digests.has_begun(DAILY, CHANNEL)
    assert not await store.digests.has_begun(WEEKLY, CHANNEL)
    [owed] = await store.outbox.claim(ApiMethod.POST, now=NOON + timedelta(hours=1))
    assert (owed.kind, owed.channel) == (DeliveryKind.DIGEST, CHANNEL)
    assert await store.digests.period(owed.text or "", owed.channel) == DAILY


async def test_a_digest_that_is_left_out_stays_left_out(store: Store) -> None:
    assert await store.digests.begin(DAILY, CHANNEL, sends=False, at=NOON)
    assert not await store.digests.begin(DAILY, CHANNEL, sends=True, at=NOON)
    assert await store.outbox.claim(ApiMethod.POST, now=NOON + DAY) == []


async def test_old_digests_are_forgotten(store: Store) -> None:
    await store.digests.begin(DAILY, CHANNEL, sends=True, at=NOON)
    much_later = replace(DAILY, day=TODAY + 61 * DAY)
    await store.digests.begin(much_later, CHANNEL, sends=True, at=NOON)
    assert await store.digests.period(f"daily {TODAY}", CHANNEL) is None
    assert await store.digests.period(f"daily {much_later.day}", CHANNEL) == much_later


@pytest.mark.parametrize("state", [State.EXPIRED, State.CANCELLED])
async def test_what_is_over_needs_nobody(store: Store, state: State) -> None:
    status = "cancelled" if state is State.CANCELLED else "inactive"
    await report(store, license_(**app(1, "Gantt", ends=TODAY + DAY)))
    await report(store, license_(**app(1, "Gantt", ends=TODAY, status=status, updated=TODAY + DAY)))
    digest = await store.digests.read(DAILY, CHANNEL)
    assert (digest.unowned.total, digest.untouched.total, digest.counts.ended) == (0, 0, 1)


async def test_a_digest_that_slack_does_not_take_for_too_long_is_dropped(store: Store) -> None:
    await report(store, license_(**app(1, "Gantt")))
    for period, channel in ((DAILY, CHANNEL), (replace(DAILY, kind=DigestKind.OWN), "U0ANA"), (WEEKLY, CHANNEL)):
        assert await store.digests.begin(period, channel, sends=True, at=NOON)

    [found] = await store.outbox.claim(ApiMethod.POST, now=NOON + timedelta(hours=5))

    assert found.text == f"weekly {TODAY}"
    assert not await store.digests.begin(DAILY, CHANNEL, sends=True, at=NOON + timedelta(hours=5))
