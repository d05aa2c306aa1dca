"""Owners that the bot chooses, in the transaction that records the choice."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from bot.domain.history import Assigned, NobodyAvailable, Released
from bot.domain.rotation import AssignmentRule, Unavailable
from bot.domain.team_settings import RotationMember, RotationRule, TeamSettings
from bot.store import Store, open_store
from bot.store.absences import Absence
from bot.store.mapping import entry_from
from bot.store.rotation import Seat
from bot.store.schema import history
from bot.store.team_tables import rotation_credit
from tests.builders import NOON, contact, license_, nov
from tests.store.steps import CHANNEL, LATER, SECRET, bring, cards, report, rows

ANA, BEN = RotationMember("U0ANA"), RotationMember("U0BEN")
BOTH = TeamSettings(rotation=(RotationRule(members=(ANA, BEN)),))
HERE = {Seat("U0ANA", CHANNEL): None, Seat("U0BEN", CHANNEL): None}


def trial_of(number: int, **changes: Any) -> Any:  # noqa: ANN401  of its field's type
    """A trial of a customer of its own."""
    whose = contact(email=f"ana@firm-{number}.example")
    return license_(aliases=frozenset({f"E-{number}"}), company=f"Firm {number}", technical=whose, **changes)


async def owners(store: Store) -> list[str | None]:
    return [card.evaluation.owner for card in await cards(store)]


async def facts(store: Store) -> list[object]:
    entries = [entry_from(row) for row in await rows(store, history)]
    return [entry.fact for entry in entries if isinstance(entry.fact, Assigned | Released | NobodyAvailable)]


@pytest.fixture
async def taking_turns(store: Store) -> Store:
    await store.team.change_settings(BOTH, by="U0ANA", at=NOON)
    return store


async def test_two_evaluations_of_one_poll_go_to_two_people(database_url: str) -> None:
    async with open_store(database_url, secret_keys=[SECRET]) as store:
        await store.team.change_settings(BOTH, by="U0ANA", at=NOON)
        await report(store, trial_of(1), trial_of(2), trial_of(3))
        assert await store.rotation.seats() == HERE.keys()
        assert await store.rotation.assign(HERE, at=NOON) == 3
        assert await owners(store) == ["U0ANA", "U0BEN", "U0ANA"]
        assert await facts(store) == [
            Assigned(owner=owner, rule=AssignmentRule.ROTATION) for owner in ("U0ANA", "U0BEN", "U0ANA")
        ]
        assert await store.rotation.seats() is None
        assert await store.rotation.assign(HERE, at=NOON) == 0


async def test_whose_turn_it_is_survives_a_restart(url: str) -> None:
    found = Counter[str | None]()
    for number in range(6):
        async with open_store(url, secret_keys=[SECRET]) as store:
            await store.team.change_settings(BOTH, by="U0ANA", at=NOON)
            await report(store, trial_of(number))
            await store.rotation.assign(HERE, at=NOON + timedelta(hours=number))
            found = Counter(await owners(store))
    assert found == {"U0ANA": 3, "U0BEN": 3}


async def test_the_same_customer_goes_to_the_same_owner_and_costs_no_turn(taking_turns: Store) -> None:
    await report(taking_turns, trial_of(1))
    await taking_turns.rotation.assign(HERE, at=NOON)
    before = await rows(taking_turns, rotation_credit)
    await report(taking_turns, trial_of(1, app_key="com.example.gantt"))
    await taking_turns.rotation.assign(HERE, at=LATER)
    assert await owners(taking_turns) == ["U0ANA", "U0ANA"]
    assert (await facts(taking_turns))[-1] == Assigned(owner="U0ANA", rule=AssignmentRule.SAME_CUSTOMER)
    assert await rows(taking_turns, rotation_credit) == before


async def test_an_owner_who_is_away_does_not_get_the_next_one_of_their_customer(taking_turns: Store) -> None:
    await report(taking_turns, trial_of(1))
    await taking_turns.rotation.assign(HERE, at=NOON)
    await taking_turns.absences.begin("U0ANA", Absence(since=NOON))
    await report(taking_turns, trial_of(1, app_key="com.example.gantt"))
    await taking_turns.rotation.assign(HERE, at=LATER)
    assert await owners(taking_turns) == ["U0ANA", "U0BEN"]


async def test_if_nobody_is_available_the_thread_says_why_once(taking_turns: Store) -> None:
    await taking_turns.absences.begin("U0ANA", Absence(since=NOON, ends=LATER + timedelta(hours=1)))
    await report(taking_turns, trial_of(1))
    await taking_turns.rotation.assign({**HERE, Seat("U0BEN", CHANNEL): Unavailable.GUEST}, at=LATER)
    await taking_turns.rotation.assign(HERE, at=LATER)
    assert await owners(taking_turns) == [None]
    why = (("U0ANA", Unavailable.AWAY), ("U0BEN", Unavailable.GUEST))
    assert await facts(taking_turns) == [NobodyAvailable(why=why)]
    assert "note nobody_available in 1.0" in await bring(taking_turns)
    await report(taking_turns, trial_of(2))
    await taking_turns.rotation.assign(HERE, at=LATER + timedelta(hours=2))  # Ana is back
    assert await owners(taking_turns) == [None, "U0ANA"]


async def test_an_evaluation_waits_while_something_is_not_known_about_somebody(taking_turns: Store) -> None:
    await report(taking_turns, trial_of(1))
    assert await taking_turns.rotation.assign({Seat("U0ANA", CHANNEL): None}, at=NOON) == 0
    assert await taking_turns.rotation.assign(HERE, at=NOON) == 1


async def test_what_somebody_claimed_in_the_meantime_is_theirs(taking_turns: Store) -> None:
    await report(taking_turns, trial_of(1))
    await taking_turns.evaluations.assign(1, "U0CLEO", instead_of=None, by="U0CLEO", at=NOON)
    assert await taking_turns.rotation.assign(HERE, at=NOON) == 0
    assert await owners(taking_turns) == ["U0CLEO"]
    assert await taking_turns.rotation.seats() is None


async def test_only_announced_trials_of_apps_with_a_rotation_wait(store: Store) -> None:
    rule = RotationRule(apps=("com.example.gantt",), members=(ANA,))
    await report(store, trial_of(1))
    await store.team.change_settings(TeamSettings(rotation=(rule,)), by="U0ANA", at=NOON)
    await report(store, trial_of(2), trial_of(3, app_key="com.example.gantt"))
    await report(store, trial_of(4, app_key="com.example.gantt"), announce=False)
    assert await store.rotation.seats() == frozenset({Seat("U0ANA", CHANNEL)})
    await store.rotation.assign(HERE, at=NOON)
    assert [owner is not None for owner in await owners(store)].count(True) == 1


async def test_a_trial_that_gets_its_first_card_when_it_runs_again_waits_too(taking_turns: Store) -> None:
    await report(taking_turns, trial_of(1, status="inactive", ends=nov(22)))
    assert await taking_turns.rotation.seats() is None
    await report(taking_turns, trial_of(1))
    await taking_turns.rotation.assign(HERE, at=NOON)
    assert await owners(taking_turns) == ["U0ANA"]


async def test_an_update_of_the_report_chooses_no_owner_again(taking_turns: Store) -> None:
    await report(taking_turns, trial_of(1))
    await report(taking_turns, trial_of(1, ends=date(2027, 1, 20)))
    await taking_turns.rotation.assign(dict.fromkeys(HERE, Unavailable.GUEST), at=NOON)
    await report(taking_turns, trial_of(1, ends=date(2027, 2, 20)))
    await bring(taking_turns)
    await report(taking_turns, trial_of(1, ends=date(2027, 3, 20)))
    assert await taking_turns.rotation.seats() is None


async def test_everything_that_runs_is_taken_from_somebody_who_left(taking_turns: Store) -> None:
    await report(taking_turns, trial_of(1), trial_of(2), trial_of(3))
    await taking_turns.rotation.assign(HERE, at=NOON)
    assert await taking_turns.rotation.owners() == {"U0ANA", "U0BEN"}
    assert await taking_turns.rotation.hand_over("U0ANA", None, by=None, at=LATER) == 2
    assert await owners(taking_turns) == [None, "U0BEN", None]
    assert (await facts(taking_turns))[-2:] == [Released(was="U0ANA")] * 2
    assert await taking_turns.rotation.hand_over("U0ANA", None, by=None, at=LATER) == 0


async def test_who_goes_away_can_hand_over_what_runs(taking_turns: Store) -> None:
    await report(taking_turns, trial_of(1), trial_of(2))
    await taking_turns.rotation.assign(HERE, at=NOON)
    assert await taking_turns.rotation.hand_over("U0ANA", "U0CLEO", by="U0ANA", at=LATER) == 1
    assert await owners(taking_turns) == ["U0CLEO", "U0BEN"]
    assert (await facts(taking_turns))[-1] == Assigned(owner="U0CLEO", was="U0ANA")


async def test_an_absence_ends_with_its_last_day_or_when_they_are_back(store: Store) -> None:
    await store.absences.begin("U0ANA", Absence(since=NOON, until=NOON.date(), ends=LATER))
    await store.absences.begin("U0BEN", Absence(since=NOON))
    assert (await store.absences.away(at=NOON)).keys() == {"U0ANA", "U0BEN"}
    assert (await store.absences.away(at=LATER)).keys() == {"U0BEN"}
    assert await store.absences.end("U0BEN", at=LATER)
    assert not await store.absences.end("U0BEN", at=LATER)
