"""Signals of apps: an early card becomes the full one, and nothing is announced twice."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bot.domain.app_signal import AppSignal, EarlyCardPolicy, EarlyCards, EarlyEnd, SignalKind, SignalOutcome
from bot.domain.card_snapshot import PostedCard, pack, unpack
from bot.domain.evaluation import CardRef, State
from bot.domain.mail import MailOutcome, MailState, Overtaken
from bot.store import Store, open_store
from bot.store.schema import delivery
from bot.store.signal_tables import app_signal
from tests.builders import NOON, ids, license_, nov
from tests.store.steps import CHANNEL, LATER, SECRET, ask, bring, cards, only_card, order, report, rows, take

CLOUD = "6f1d0c52-2222-4e57-8f10-000000000001"
ALL = EarlyCardPolicy(mode=EarlyCards.ALL, channel=CHANNEL)
ACME = license_(cloud_id=CLOUD, site="acme.atlassian.net", starts=nov(23), latest_evaluation=nov(23))


def signal(key: str = "1", **changes: Any) -> AppSignal:  # noqa: ANN401  of its field's type
    """The app was installed at Acme at noon."""
    given = {"app_key": ACME.app_key, "kind": SignalKind.INSTALLED, "at": NOON, "cloud_id": CLOUD, "site": ACME.site}
    return AppSignal(**{"key": key, **given, **changes})


async def say(store: Store, *signals: AppSignal, policy: EarlyCardPolicy = ALL) -> list[str]:
    """Write signals down and handle them. Return what became of all there are."""
    await store.app_signals.add(signals, at=NOON)
    while await store.app_signals.handle(policy, at=NOON):
        pass
    return [row.outcome for row in await rows(store, app_signal)]


async def claim(store: Store) -> None:
    [card] = await cards(store)
    await store.evaluations.assign(card.evaluation.id, "U0BO", instead_of=None, by="U0BO", at=NOON)


async def test_an_early_card_becomes_the_full_one_with_its_owner(store: Store) -> None:
    await say(store, signal())
    assert [line.split(":")[0] for line in await bring(store)] == ["post card 1"]
    await claim(store)
    await bring(store)
    before = (await only_card(store)).evaluation
    await report(store, ACME, at=LATER)

    now = (await only_card(store)).evaluation
    assert (now.id, now.card, now.owner) == (before.id, before.card, "U0BO")
    assert (before.trial.state, now.trial.state) == (State.EXPECTED, State.RUNNING)
    assert now.license.company == "Acme"
    assert not [line for line in await bring(store) if line.startswith("post")]
    assert await store.app_signals.delays(since=NOON) == [(ACME.app_key, timedelta(hours=1))]


@pytest.mark.parametrize("state", ["due", "sending", "unknown"])
async def test_a_card_that_is_on_its_way_when_the_license_comes_is_the_only_one(store: Store, state: str) -> None:
    await say(store, signal())
    async with store.database.write() as connection:
        await connection.execute(update(delivery).values(state=state))
    await report(store, ACME, at=LATER)

    found = [row for row in await rows(store, delivery) if row.error != "superseded"]
    assert {row.evaluation_id for row in found} == {(await only_card(store)).evaluation.id}
    assert len([row for row in found if row.state == "due"]) == 1


SEVERAL: dict[str, tuple[Any, ...]] = {
    "five times": ([signal(str(number)) for number in range(5)], ["early", *["repeated"] * 4]),
    "from two installations of a site": (
        [signal("1"), signal("2", site=None, at=NOON + timedelta(hours=1))],
        ["early", "repeated"],
    ),
    "uninstalled in between": (
        [signal("1"), signal("2", kind=SignalKind.UNINSTALLED), signal("3", at=NOON + timedelta(hours=1))],
        ["early", "repeated", "repeated"],
    ),
    "a day late": ([signal(at=NOON - timedelta(days=1, hours=1))], ["kept"]),
}


@pytest.mark.parametrize(("signals", "outcomes"), ids(SEVERAL))
async def test_however_often_it_is_said_there_is_one_card(
    store: Store, signals: list[AppSignal], outcomes: list[str]
) -> None:
    assert await say(store, *signals) == outcomes
    await report(store, ACME, at=LATER)
    assert len([line for line in await bring(store) if line.startswith("post card")]) == 1
    assert await say(store, signal("9", at=NOON + timedelta(minutes=40))) == [*outcomes, SignalOutcome.LINE]
    assert not [line for line in await bring(store) if line.startswith("post card")]


async def test_a_repeated_request_is_written_down_once(store: Store) -> None:
    assert await store.app_signals.add([signal(), signal(), signal("2")], at=NOON) == [True, False, True]
    assert await store.app_signals.add([signal()], at=NOON) == [False]


async def test_a_signal_after_the_license_belongs_to_its_trial(store: Store) -> None:
    await report(store, ACME)
    assert await say(store, signal()) == [SignalOutcome.MATCHED]
    assert [line for line in await bring(store) if line.startswith("note")] == []


CUSTOMERS = {
    "paid": ({"license_type": "COMMERCIAL", "latest_evaluation": nov(1), "starts": nov(1)}, SignalOutcome.KEPT),
    "by the number alone": ({"cloud_id": None, "site": None}, SignalOutcome.MATCHED),
    "of another app": ({"app_key": "com.example.other"}, SignalOutcome.EARLY),
}


@pytest.mark.parametrize(("changes", "outcome"), ids(CUSTOMERS))
async def test_customers_get_no_early_card(store: Store, changes: dict[str, Any], outcome: str) -> None:
    await report(store, license_(**{"cloud_id": CLOUD, "starts": nov(23), "latest_evaluation": nov(23), **changes}))
    assert await say(store, signal(aliases=("E-1AA-2BB-3CC-4DD",))) == [outcome]


@pytest.mark.parametrize(("mode", "outcome"), [(EarlyCards.OFF, "kept"), (EarlyCards.KNOWN, "early")])
async def test_early_cards_are_a_choice(store: Store, mode: EarlyCards, outcome: str) -> None:
    policy = EarlyCardPolicy(mode=mode, channel=CHANNEL, own_sites=frozenset({"acme-dev"}))
    elsewhere = license_(aliases=frozenset({"E-2"}), site="other.atlassian.net")
    await report(store, elsewhere)
    assert await say(store, signal(), policy=policy) == [outcome]
    own = signal("2", site="acme-dev.atlassian.net", cloud_id="another")
    unknown = signal("3", app_key="com.example.free")
    assert (await say(store, own, unknown, policy=policy))[1:] == ["kept", "kept"]


async def test_without_a_license_the_card_says_so_until_it_comes(store: Store) -> None:
    await say(store, signal())
    await bring(store)
    assert await store.app_signals.expire(before=NOON + timedelta(days=7), at=LATER) == 1
    assert await store.app_signals.expire(before=NOON + timedelta(days=7), at=LATER) == 0
    early = (await only_card(store)).early
    assert early is not None
    assert early.end is EarlyEnd.NO_LICENSE
    await bring(store)
    await report(store, ACME, at=LATER)
    assert [line for line in await bring(store) if line.startswith("post")] == []
    assert (await only_card(store)).early is None


async def test_email_that_waits_is_stopped_when_the_app_is_uninstalled(store: Store) -> None:
    await report(store, ACME)
    await bring(store)
    await ask(store, order((await only_card(store)).evaluation.id, due_at=LATER))
    await say(store, signal(kind=SignalKind.UNINSTALLED))
    assert await take(store, now=LATER) is None
    assert await store.mails.outcome(1) == MailOutcome(state=MailState.FAILED, error=Overtaken.LEFT)


Before = Callable[[Store], Awaitable[object]]
RESTORED: dict[str, tuple[Before, list[str]]] = {
    "without the signal": (lambda _: asyncio.sleep(0), ["early", "repeated"]),
    "with the signal alone": (lambda store: store.app_signals.add([signal()], at=NOON), ["early", "repeated"]),
    "and the trial was read": (lambda store: report(store, ACME), ["matched", "line"]),
}


@pytest.mark.parametrize(("before", "outcomes"), ids(RESTORED))
async def test_an_early_card_is_known_again_after_a_restore(
    store: Store, tmp_path: Path, before: Before, outcomes: list[str]
) -> None:
    await say(store, signal(aliases=("E-1",)))
    early = (await only_card(store)).evaluation.id
    trace = await store.installation.trace(early)
    assert trace is not None
    packed = json.loads(json.dumps(pack(trace)))
    posted = PostedCard(channel=CHANNEL, ts="9.0", delivery_id=1 << 50, evaluation_id=early, trace=unpack(packed))
    async with open_store(f"sqlite+aiosqlite:///{tmp_path / 'restored.db'}", secret_keys=[SECRET]) as restored:
        await before(restored)
        assert await restored.installation.adopt([posted], text="", to=(), at=LATER) == 1
        assert await restored.app_signals.add([signal()], at=LATER) == [False]
        assert await say(restored, signal("2", site=None, at=LATER)) == outcomes
        await report(restored, ACME, at=LATER)
        assert [line for line in await bring(restored) if line.startswith("post")] == []
        card = await only_card(restored)
        assert (card.evaluation.card, card.evaluation.trial.state) == (
            CardRef(channel=CHANNEL, ts="9.0"),
            State.RUNNING,
        )


async def test_a_removal_is_still_on_an_early_card_after_a_restore(store: Store, tmp_path: Path) -> None:
    await say(store, signal(), signal("2", kind=SignalKind.UNINSTALLED))
    card = await only_card(store)
    trace = await store.installation.trace(card.evaluation.id)
    posted = PostedCard(channel=CHANNEL, ts="9.0", evaluation_id=card.evaluation.id, trace=trace)
    async with open_store(f"sqlite+aiosqlite:///{tmp_path / 'restored.db'}", secret_keys=[SECRET]) as restored:
        await restored.installation.adopt([posted], text="", to=(), at=LATER)
        assert (await only_card(restored)).early == card.early
