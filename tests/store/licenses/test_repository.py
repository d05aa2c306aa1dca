import asyncio
import secrets
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import get_type_hints
from unittest.mock import AsyncMock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.evaluation import CardRef, Contact, License, Partner, State, Trial
from bot.domain.health import IngestStats
from bot.domain.history import Kind
from bot.domain.identity import KnownLicense
from bot.store import Store, open_store
from bot.store.engine.database import Database
from bot.store.schema import delivery, evaluation, history, license_alias, metadata
from bot.store.schema import license_ as license_table
from tests.builders import NOON, license_, nov, trial
from tests.examples import drawn, examples
from tests.store.steps import LATER, SECRET, bring, cards, known_of, only_card, report, rows

LEGACY = "SEN-12345678"
ENTITLEMENT = "E-1AA-2BB-3CC-4DD"

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)  # what wire lets through
MAYBE = st.none() | TEXT
DAYS = st.dates()
CONTACTS = st.builds(Contact, email=MAYBE, name=MAYBE, forgotten=st.booleans())
OF_TYPE = {
    str: TEXT,
    str | None: MAYBE,
    date: DAYS,
    date | None: st.none() | DAYS,
    bool: st.booleans(),
    bool | None: st.none() | st.booleans(),
    int | None: st.none() | st.integers(0, 10**17),
    frozenset[tuple[str, date]]: st.just(frozenset()),  # a record of its own keeps nothing of others
    frozenset[str]: st.frozensets(TEXT, min_size=1, max_size=4),
    Contact | None: st.none() | CONTACTS,
    Partner | None: st.none() | st.builds(Partner, name=TEXT, kind=MAYBE),
}
LICENSES: st.SearchStrategy[License] = st.builds(
    License, **{name: OF_TYPE[hint] for name, hint in get_type_hints(License).items()}
)


@drawn
@settings(max_examples=examples(20, many=300), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=LICENSES)
async def test_a_license_is_recalled_with_every_field_as_it_was_recorded(store: Store, seen: License) -> None:
    seen = replace(seen, app_key=secrets.token_hex())  # one store for all examples
    await report(store, seen)

    [known] = await known_of(store, seen)

    assert known is not None
    assert known.license == seen


async def test_licenses_are_recalled_in_the_order_in_which_they_were_asked_for(store: Store) -> None:
    one, two, three = (license_(aliases=frozenset({name})) for name in ("E-1", "E-2", "E-3"))
    await report(store, one, three)

    assert [known and known.license for known in await known_of(store, three, two, one)] == [three, None, one]


async def test_the_same_id_in_two_apps_is_two_licenses(store: Store) -> None:
    await report(store, license_(), license_(app_key="com.example.forms", app_name="Forms"))

    assert {card.evaluation.license.app_name for card in await cards(store)} == {"Roadmap for Jira", "Forms"}


RENAMED = license_(aliases=frozenset({ENTITLEMENT, "0b7c5a9e"}), app_key="com.example.roadmap-next", updated=nov(24))


@pytest.mark.parametrize(
    "batches",
    [
        pytest.param([[0], [1]], id="one after the other"),
        pytest.param([[0, 1]], id="in one batch"),
        pytest.param([[1], [0]], id="the former name comes late"),
        pytest.param([[0], [1], [0], [1]], id="rows come again"),
        pytest.param([[0], [2]], id="with another id"),
        pytest.param([[0], [1], [3]], id="renamed a second time"),
    ],
)
async def test_an_app_that_was_renamed_has_one_card(store: Store, batches: list[list[int]]) -> None:
    former = replace(RENAMED, app_key="com.example.roadmap", updated=nov(23))
    more = replace(RENAMED, aliases=RENAMED.aliases | {LEGACY})
    again = replace(RENAMED, app_key="com.example.roadmap-third", updated=nov(25))
    for batch in batches:
        await report(store, *([former, RENAMED, more, again][number] for number in batch))

    license_now = (await only_card(store)).evaluation.license
    assert license_now.app_key == (again if batches[-1] == [3] else RENAMED).app_key
    assert await bring(store) == ["post card 1"]
    live = [row for row in await rows(store, license_table) if row.merged_into is None]
    assert len(live) == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({ENTITLEMENT, "another id"}, id="another id"),
        pytest.param({"E-OTHER", "0b7c5a9e"}, id="another number"),
        pytest.param({ENTITLEMENT}, id="its number alone"),
        pytest.param({"0b7c5a9e"}, id="no number"),
    ],
)
async def test_an_entitlement_of_another_app_is_another_license(store: Store, other: set[str]) -> None:
    await report(store, RENAMED)
    await report(store, replace(RENAMED, app_key="com.example.forms", aliases=frozenset(other)))

    assert len(await cards(store)) == 2


async def test_two_cards_of_a_renamed_app_become_one(store: Store) -> None:
    legacy = license_(aliases=frozenset({LEGACY}))
    await report(store, legacy)
    await report(store, replace(legacy, app_key=RENAMED.app_key, aliases=frozenset({ENTITLEMENT, "0b7c5a9e"})))
    assert len(await cards(store)) == 2

    await report(store, replace(legacy, aliases=frozenset({LEGACY, ENTITLEMENT, "0b7c5a9e"}), updated=nov(24)))

    assert len(await cards(store)) == 1


async def test_nothing_is_recalled_and_nothing_recorded_of_an_empty_batch(store: Store) -> None:
    assert await known_of(store) == []
    assert await store.licenses.filter_new([]) == []
    assert await report(store) == IngestStats(started=0, announced=0)


async def test_a_row_that_gains_an_id_is_the_same_license_under_both(store: Store) -> None:
    await report(store, license_(aliases=frozenset({LEGACY})))
    await report(store, license_(aliases=frozenset({LEGACY, ENTITLEMENT})))

    legacy, modern = await known_of(store, *(license_(aliases=frozenset({name})) for name in (LEGACY, ENTITLEMENT)))

    assert legacy == modern
    assert legacy is not None
    assert legacy.license.aliases == {LEGACY, ENTITLEMENT}
    assert len(await cards(store)) == 1


async def test_an_id_that_is_no_longer_reported_is_not_forgotten(store: Store) -> None:
    await report(store, license_(aliases=frozenset({LEGACY, ENTITLEMENT})))
    await report(store, license_(aliases=frozenset({ENTITLEMENT}), company="Acme Ltd"))

    assert (await only_card(store)).evaluation.license.aliases == {LEGACY, ENTITLEMENT}


async def test_the_same_report_read_again_changes_nothing(store: Store) -> None:
    seen = [license_(aliases=frozenset({f"E-{n}"}), company=f"Firm {n}") for n in range(5)]
    await report(store, *seen)
    before = {table: await rows(store, table) for table in metadata.sorted_tables}

    assert await report(store, *seen, at=LATER) == IngestStats(started=0, announced=0)

    assert {table: await rows(store, table) for table in metadata.sorted_tables} == before


async def test_a_batch_that_breaks_leaves_nothing_behind(store: Store) -> None:
    await report(store, license_())
    good, fresh = license_(company="Acme Ltd", updated=nov(24)), license_(aliases=frozenset({"E-NEW"}))
    no_column_holds_it = license_(updated=nov(25), days_to_convert=10**30)

    with pytest.raises(OverflowError):
        await report(store, good, fresh, no_column_holds_it)

    assert await known_of(store, fresh, good) == [None, KnownLicense(ids=(1,), license=license_(), trials=(trial(),))]
    assert len(await rows(store, license_table)) == 1


@pytest.mark.parametrize(
    ("announce", "recorded", "shown"),
    [
        pytest.param(True, IngestStats(started=1, announced=1), ["post card 1"], id="announced"),
        pytest.param(False, IngestStats(started=1, announced=0), [], id="silent"),
    ],
)
async def test_only_an_announced_trial_comes_to_slack(
    store: Store, *, announce: bool, recorded: IngestStats, shown: list[str]
) -> None:
    assert await report(store, license_(), announce=announce) == recorded

    assert await bring(store) == shown


async def test_a_silent_evaluation_stays_silent_whatever_becomes_of_it(store: Store) -> None:
    await report(store, license_(), announce=False)
    await report(store, license_(ends=date(2027, 1, 20), company="Acme Ltd"), announce=False)
    await report(store, license_(license_type="COMMERCIAL", updated=nov(24)), announce=False)

    assert await rows(store, delivery) == []
    assert (await only_card(store)).evaluation.trial.state is State.CONVERTED


async def test_a_silent_trial_that_runs_again_is_announced_from_then_on(store: Store) -> None:
    over = license_(status="inactive")
    await report(store, over, announce=False)

    await report(store, license_(updated=nov(24)))

    assert await bring(store) == ["post card 1", "note reopened in 1.0"]


async def test_a_card_stays_in_its_channel_when_the_bot_is_given_another_one(store: Store) -> None:
    await report(store, license_(), channel="C0OLD")
    await bring(store)
    await report(store, license_(status="inactive", updated=nov(24)), channel="C0NEW")

    await report(store, license_(updated=nov(25)), channel="C0NEW")

    assert (await only_card(store)).evaluation.card == CardRef(channel="C0OLD", ts="1.0")
    assert {row.channel for row in await rows(store, delivery)} == {"C0OLD"}


BO = Contact(email="bo@acme.example", name="Bo Birch")
BOUGHT = trial(state=State.CONVERTED, ends=None)


@pytest.mark.parametrize(
    ("now", "trial_now", "kinds"),
    [
        pytest.param(license_(ends=nov(30)), trial(ends=nov(30)), [Kind.CORRECTED], id="shortened"),
        pytest.param(license_(ends=date(2027, 1, 5)), trial(ends=date(2027, 1, 5)), [Kind.EXTENDED], id="extended"),
        pytest.param(license_(latest_evaluation=nov(21)), trial(started=nov(21)), [Kind.CORRECTED], id="start moved"),
        pytest.param(
            license_(latest_evaluation=nov(21), ends=date(2027, 1, 5)),
            trial(started=nov(21), ends=date(2027, 1, 5)),
            [Kind.CORRECTED, Kind.EXTENDED],
            id="start moved and extended",
        ),
        pytest.param(license_(status="inactive"), trial(state=State.EXPIRED), [Kind.ENDED], id="expired"),
        pytest.param(license_(status="cancelled"), trial(state=State.CANCELLED), [Kind.ENDED], id="cancelled"),
        pytest.param(license_(license_type="COMMERCIAL"), BOUGHT, [Kind.CONVERTED], id="bought"),
        pytest.param(
            license_(license_type="COMMERCIAL", latest_evaluation=None),
            BOUGHT,
            [Kind.CONVERTED],
            id="bought without a word of the trial",
        ),
        pytest.param(license_(technical=BO), trial(), [Kind.CONTACT_CHANGED], id="another contact"),
        pytest.param(license_(country="Norway"), trial(), [Kind.ENRICHED], id="country added"),
        pytest.param(license_(tier="25 Users"), trial(), [], id="tier changed"),
    ],
)
async def test_a_change_in_the_report_is_on_the_card_and_on_record(
    store: Store, now: License, trial_now: Trial, kinds: list[Kind]
) -> None:
    await report(store, license_())
    await bring(store)

    await report(store, now, at=LATER)

    card = await only_card(store)
    assert card.evaluation.license == now
    assert card.evaluation.trial == trial_now
    assert [row.kind for row in await rows(store, history)] == [Kind.STARTED, *kinds]
    reported = [f"note {kind} in 1.0" for kind in kinds if kind is not Kind.CORRECTED]
    assert await bring(store) == [*reported, "update card 1"]


async def test_a_second_trial_of_a_license_is_an_evaluation_of_its_own(store: Store) -> None:
    await report(store, license_(status="inactive"))
    again = license_(latest_evaluation=date(2027, 3, 1), ends=date(2027, 3, 31), updated=date(2027, 3, 1))

    await report(store, again, at=LATER)

    first, second = await cards(store)
    assert first.evaluation.trial == trial(state=State.EXPIRED)
    assert second.evaluation.trial == trial(
        started=date(2027, 3, 1), ends=date(2027, 3, 31), reported_on=date(2027, 3, 1)
    )
    assert (first.evaluation.first_seen, second.evaluation.first_seen) == (NOON, LATER)
    assert first.evaluation.license == second.evaluation.license == again


async def test_an_older_sight_of_a_license_does_not_overwrite_a_younger_one(store: Store) -> None:
    await report(store, license_(company="Acme Ltd"))
    await report(store, license_(company="Acme", updated=nov(20), aliases=frozenset({ENTITLEMENT, LEGACY})))

    kept = (await only_card(store)).evaluation.license
    assert kept == license_(company="Acme Ltd", aliases=frozenset({ENTITLEMENT, LEGACY}))


async def test_a_license_that_nobody_tried_has_no_evaluation(store: Store) -> None:
    bought = license_(license_type="COMMERCIAL", latest_evaluation=None)

    assert await report(store, bought) == IngestStats(started=0, announced=0)

    assert await known_of(store, bought) == [KnownLicense(ids=(1,), license=bought, trials=())]
    assert await rows(store, evaluation) == []


@pytest.mark.parametrize("copies", [1, 2])
async def test_the_same_batches_recorded_several_times_at_once_tell_each_fact_once(
    store: Store, url: str, copies: int
) -> None:
    first = [license_(aliases=frozenset({f"E-{n}"})) for n in range(4)]
    later = [replace(seen, updated=nov(24), status="cancelled", technical=Contact(forgotten=True)) for seen in first]
    async with open_store(url, secret_keys=[SECRET]) as other:
        both = [store, other][:copies] * 4
        begun = await asyncio.gather(*(report(each, *first) for each in both))
        await asyncio.gather(*(report(each, *later) for each in both))

    assert sum((each.started for each in begun), 0) == sum((each.announced for each in begun), 0) == 4
    facts = Counter((row.evaluation_id, row.kind) for row in await rows(store, history))
    assert facts == Counter((n, kind) for n in range(1, 5) for kind in ("started", "ended", "contact_changed"))
    owed = Counter((row.evaluation_id, row.kind) for row in await rows(store, delivery))
    assert owed == Counter({(n, kind): 1 if kind == "card" else 2 for n in range(1, 5) for kind in ("card", "note")})


async def test_everything_is_there_after_a_restart(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_())
        await bring(store)
        before = await only_card(store)

    async with open_store(url, secret_keys=[SECRET]) as store:
        assert await only_card(store) == before
        assert await report(store, license_(), at=NOON + timedelta(days=1)) == IngestStats(started=0, announced=0)
        assert await bring(store) == []
        assert {row.alias for row in await rows(store, license_alias)} == {ENTITLEMENT}


async def test_while_somebody_waits_to_write_few_trials_change_in_one_transaction(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = [license_(aliases=frozenset({f"E-{number}"})) for number in range(10)]
    await report(store, *trials)
    monkeypatch.setattr(Database, "is_awaited", AsyncMock(return_value=True))
    before = store.database.writes
    await report(store, *(replace(each, license_type="COMMERCIAL", updated=nov(24), ends=None) for each in trials))
    assert store.database.writes - before == 3
    bought = [row.evaluation_id for row in await rows(store, history) if row.kind == Kind.CONVERTED]
    assert sorted(bought) == sorted(row.id for row in await rows(store, evaluation))
