"""Done, not for us, notes and snoozes: who was first, what is undone, who is reminded, and once only."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.evaluation import Contact, Disposition, DispositionChange, DispositionRef, NotForUs, NotForUsReason
from bot.domain.history import CalledNotForUs, Kind, NoteAdded, Undone
from bot.domain.note import NoteRefusal
from bot.domain.outbox import ApiMethod
from bot.domain.snooze import Snooze
from bot.store import Store, open_store
from bot.store.schema import delivery, note
from bot.store.team_tables import snooze
from tests.builders import NOON, license_, nov
from tests.store.steps import LATER, SECRET, bring, only_card, report, rows

ANA, BO = "U0ANA", "U0BO"
DAY = timedelta(days=1)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A store on either engine, with the card of one trial in Slack."""
    async with open_store(database_url, secret_keys=[SECRET]) as found:
        await report(found, license_())
        await bring(found)
        yield found


async def shown(store: Store) -> DispositionRef | None:
    """What *Undo* on the card refers to."""
    evaluation = (await only_card(store)).evaluation
    found = evaluation.not_for_us or evaluation.done
    which = Disposition.DONE if evaluation.not_for_us is None else Disposition.NOT_FOR_US
    return None if found is None else DispositionRef(which, int(found.at.timestamp()))


async def snoozed(store: Store, user: str, *, hours: int = 1) -> bool:
    return await store.snoozes.set(1, Snooze(user=user, until=NOON + timedelta(hours=hours), at=NOON))


async def test_of_people_who_say_done_at_once_one_is_first_and_the_others_learn_who(store: Store) -> None:
    everybody = [f"U0P{number}" for number in range(5)]
    found = await asyncio.gather(*(store.dispositions.done(1, by=user, at=NOON) for user in everybody))
    [first] = [each for each in found if each is not None and each.changed]
    assert [each for each in found if each != first] == [replace(first, changed=False)] * 4
    assert await bring(store) == ["note done in 1.0", "update card 1"]


async def test_not_for_us_keeps_its_reason_and_the_words_are_a_note(store: Store) -> None:
    await store.dispositions.not_for_us(1, NotForUsReason.OTHER, "They only look", by=BO, at=NOON)
    again = await store.dispositions.not_for_us(1, NotForUsReason.STUDENT, "", by=ANA, at=LATER)
    card = await only_card(store)
    assert again == DispositionChange(changed=False, by=BO, at=NOON)
    assert card.evaluation.not_for_us == NotForUs(by=BO, at=NOON, reason=NotForUsReason.OTHER)
    assert card.last is not None
    assert isinstance(card.last.fact, CalledNotForUs)
    assert card.last.fact.note is not None
    assert card.last.fact.note.text == "They only look"


async def test_undo_undoes_what_the_card_showed_once(store: Store) -> None:
    await store.dispositions.done(1, by=BO, at=NOON)
    seen = await shown(store)
    first = await store.dispositions.undo(1, seen, by=ANA, at=LATER)
    second = await store.dispositions.undo(1, seen, by=BO, at=LATER + DAY)
    card = await only_card(store)
    assert first == DispositionChange(changed=True, by=ANA, at=LATER)
    assert second == DispositionChange(changed=False, by=ANA, at=LATER)
    assert card.evaluation.done is None
    assert card.last is not None
    assert card.last.fact == Undone(what=Disposition.DONE)


async def test_an_old_card_does_not_undo_what_was_said_since(store: Store) -> None:
    await store.dispositions.done(1, by=BO, at=NOON)
    old = await shown(store)
    await store.dispositions.undo(1, old, by=BO, at=NOON)
    await store.dispositions.done(1, by=ANA, at=LATER)
    assert await store.dispositions.undo(1, old, by=BO, at=LATER) == DispositionChange(changed=False, by=ANA, at=LATER)
    assert (await only_card(store)).evaluation.done is not None


async def test_undo_takes_the_latest_first_and_only_ones_own_snooze(store: Store) -> None:
    await store.dispositions.done(1, by=BO, at=NOON - DAY)
    await snoozed(store, ANA)
    nothing = await store.dispositions.undo(1, None, by="U0CY", at=LATER)
    own = await store.dispositions.undo(1, await shown(store), by=ANA, at=LATER)
    assert nothing is not None
    assert not nothing.changed
    assert own is not None
    assert own.changed
    card = await only_card(store)
    assert (card.snoozes, card.evaluation.done is not None) == ((), True)


async def test_a_note_is_read_with_its_fact_and_its_line_follows_an_edit(store: Store) -> None:
    await store.notes.add(1, "Ana Ash rang", by=BO, at=NOON)
    assert await bring(store) == ["note note_added in 1.0", "update card 1"]
    assert await store.notes.change(1, "Ana Ash wrote", by=ANA, at=NOON) is NoteRefusal.NOT_YOURS
    assert await store.notes.change(1, "Ana Ash wrote", by=BO, at=LATER) is None
    [line] = await store.outbox.claim(ApiMethod.UPDATE, now=LATER)
    assert line.entry is not None
    assert isinstance(line.entry.fact, NoteAdded)
    assert line.entry.fact.note is not None
    assert (line.entry.fact.note.text, line.entry.fact.note.edited_at) == ("Ana Ash wrote", LATER)


async def test_a_deleted_note_leaves_nothing_but_the_line_that_says_so(store: Store) -> None:
    await store.notes.add(1, "Ana Ash rang", by=BO, at=NOON)
    await bring(store)
    assert await store.notes.change(1, "", by=BO, at=LATER) is None
    assert await store.notes.change(1, "Back", by=BO, at=LATER) is NoteRefusal.REMOVED
    [row] = await rows(store, note)
    assert (row.content, row.deleted_at) == (None, LATER)
    assert await bring(store) == ["note note_added in 1.0"]


@pytest.mark.parametrize("address", ["ana@acme.example", "ANA@acme.example"])
async def test_erasing_a_person_blanks_the_notes_about_them_and_an_export_shows_them(
    store: Store, address: str
) -> None:
    await store.notes.add(1, "Ana Ash rang", by=BO, at=NOON)
    await store.dispositions.not_for_us(1, NotForUsReason.OTHER, "Ana Ash is a student", by=BO, at=NOON)
    await report(store, license_(aliases=frozenset({"E-2"}), technical=Contact(email="bo@birch.example")))
    await bring(store)
    await store.notes.add(2, "Somebody else", by=BO, at=NOON)
    await bring(store)
    held = await store.personal_data.export(address, at=LATER, by="somebody")
    assert [(each["text"], each["author"]) for each in held["notes"]] == [
        ("Ana Ash rang", BO),
        ("Ana Ash is a student", BO),
    ]
    await store.personal_data.erase(address, at=LATER, by="somebody")
    assert [row.content is None for row in await rows(store, note)] == [True, True, False]
    assert {"note note_added in 1.0", "note not_for_us in 1.0"} <= set(await bring(store))


async def test_notes_go_when_a_contact_is_forgotten_or_retention_ends(store: Store) -> None:
    await store.notes.add(1, "Ana Ash rang", by=BO, at=NOON)
    await store.personal_data.apply_retention(NOON, at=LATER)
    assert [row.content is None for row in await rows(store, note)] == [False]
    await report(store, license_(technical=Contact(forgotten=True), updated=nov(24)))
    assert [row.content is None for row in await rows(store, note)] == [True]
    await store.notes.add(1, "Somebody rang", by=BO, at=NOON)
    await store.personal_data.apply_retention(LATER, at=LATER)
    assert [row.content is None for row in await rows(store, note)] == [True, True]


async def test_whose_snooze_is_over_is_reminded_once(store: Store) -> None:
    await snoozed(store, ANA)
    await snoozed(store, BO, hours=2)
    await bring(store)
    assert await store.snoozes.remind(now=NOON) == 0
    assert sum(await asyncio.gather(*(store.snoozes.remind(now=LATER) for _ in range(3)))) == 1
    assert await bring(store) == [f"remind {ANA} of 1", "update card 1"]
    assert [each.user for each in (await only_card(store)).snoozes] == [BO]
    assert await store.snoozes.remind(now=LATER + DAY) == 1
    assert await bring(store) == [f"remind {BO} of 1", "update card 1"]


async def test_a_second_snooze_of_one_person_replaces_the_first(store: Store) -> None:
    await snoozed(store, ANA)
    await snoozed(store, ANA, hours=3)
    assert [(row.user_id, row.until) for row in await rows(store, snooze)] == [(ANA, NOON + timedelta(hours=3))]


@pytest.mark.parametrize(
    "end",
    [
        pytest.param({"license_type": "COMMERCIAL", "ends": None}, id="bought"),
        pytest.param({"status": "cancelled"}, id="cancelled"),
    ],
)
async def test_a_snooze_ends_early_and_in_silence_when_the_trial_does(store: Store, end: dict[str, str | None]) -> None:
    await snoozed(store, ANA)
    await report(store, license_(updated=nov(24), **end))
    assert await rows(store, snooze) == []
    assert await store.snoozes.remind(now=LATER) == 0
    assert not await snoozed(store, ANA)


async def test_nobody_is_reminded_of_what_is_not_for_us_but_undo_brings_the_snooze_back(store: Store) -> None:
    await snoozed(store, ANA, hours=2)
    await store.dispositions.not_for_us(1, NotForUsReason.STUDENT, "", by=BO, at=LATER)
    assert (await only_card(store)).snoozes == ()
    assert await store.lists.snoozed(ANA, most=5) == []
    await store.dispositions.undo(1, await shown(store), by=BO, at=LATER)
    assert [each.user for each in (await only_card(store)).snoozes] == [ANA]
    await store.dispositions.not_for_us(1, NotForUsReason.STUDENT, "", by=BO, at=LATER)
    assert await store.snoozes.remind(now=NOON + timedelta(hours=2)) == 0
    assert [row.kind for row in await rows(store, delivery)].count("reminder") == 0


async def test_what_is_not_on_record_is_said(store: Store) -> None:
    assert await store.dispositions.done(9, by=BO, at=NOON) is None
    assert await store.dispositions.not_for_us(9, NotForUsReason.OTHER, "", by=BO, at=NOON) is None
    assert await store.dispositions.undo(9, None, by=BO, at=NOON) is None
    assert not await store.notes.add(9, "A note", by=BO, at=NOON)
    assert await store.notes.change(9, "A note", by=BO, at=NOON) is NoteRefusal.REMOVED
    assert not await store.snoozes.set(9, Snooze(user=BO, until=LATER, at=NOON))


async def test_merged_licenses_keep_what_the_team_said_about_either(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"SEN-1"})))
    await bring(store)
    await store.dispositions.done(2, by=BO, at=NOON)
    await store.notes.add(2, "They called", by=BO, at=NOON)
    for evaluation_id, user, hours in ((1, ANA, 1), (2, ANA, 5), (2, BO, 2)):
        until = NOON + timedelta(hours=hours)
        await store.snoozes.set(evaluation_id, Snooze(user=user, until=until, at=NOON))
    await report(store, license_(aliases=license_().aliases | {"SEN-1"}, updated=nov(24)))
    card = await only_card(store)
    assert card.evaluation.done is not None
    assert [(each.user, each.until) for each in card.snoozes] == [(ANA, LATER), (BO, NOON + timedelta(hours=2))]
    assert [row.evaluation_id for row in await rows(store, note)] == [card.evaluation.id]
    assert {entry.kind for entry in [card.last] if entry} <= set(Kind)
