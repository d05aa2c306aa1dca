"""What is held of one person: all of it can be shown, all of it can be taken out, and it goes when its time is over."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.dnc import DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Contact, ContactRole
from bot.domain.mail import MailContent, MailState
from bot.domain.mail_policy import RefusalReason, Refused
from bot.store import Store, open_store
from bot.store.mail.repository import RejectedMail
from bot.store.privacy import Erased
from bot.store.schema import do_not_contact, draft, mail, metadata
from tests.builders import NOON, contact, dnc_entry, license_, nov
from tests.store.steps import (
    LATER,
    SECRET,
    ask,
    bring,
    cards,
    lift,
    mailed,
    mark,
    only_card,
    order,
    poll,
    report,
    rows,
    take,
)
from tests.store.test_forgetting import readable

ANA, BO = "ana@acme.example", Contact(email="bo@acme.example", name="Bo Birch")
WORDS = ("ana@acme.example", "Ana Ash", "Ana", "rang")


async def lived(store: Store) -> None:
    """Ana is on two licenses, was emailed, blocked, unblocked and blocked again; Bo is beside her."""
    await report(store, license_(aliases=frozenset({"E-1"}), billing=BO))
    await report(store, license_(aliases=frozenset({"E-2"}), technical=None, billing=contact(email="ANA@acme.example")))
    await bring(store)
    await mailed(store, order(1, 1, body="Dear Ana Ash"))
    await store.drafts.keep(
        "t", MailContent(recipient=ContactRole.TECHNICAL, subject="Hello", body="Dear Ana Ash"), at=NOON
    )
    await mark(store, ANA, dnc_entry(note="Ana Ash rang"), evaluation_id=1)
    await lift(store, ANA, note="Ana Ash rang again", evaluation_id=1)
    await mark(store, ANA, dnc_entry(note="Ana Ash rang once more", at=LATER), evaluation_id=1)
    await mark(store, "bo@acme.example", dnc_entry(note="Bo Birch called"), evaluation_id=1)
    await bring(store)


async def test_everything_that_is_held_is_shown(store: Store) -> None:
    await lived(store)

    held = await store.personal_data.export(" Ana@Acme.example", at=LATER, by="somebody")

    assert [found["ids"] for found in held["licenses"]] == [["E-1"], ["E-2"]]
    assert held["licenses"][0]["contacts"] == [{"role": "technical", "email": ANA, "name": "Ana Ash"}]
    assert [found["evaluations"][0]["started"] for found in held["licenses"]] == ["2026-11-20"] * 2
    assert [(found["body"], found["state"], found["lawful_basis"]) for found in held["mails"]] == [
        ("Dear Ana Ash", "sent", "TRIAL")
    ]
    assert [(found["reason"], found["note"]) for found in held["do_not_contact"]] == [
        ("asked", "Ana Ash rang"),
        ("asked", "Ana Ash rang once more"),
    ]
    assert "Bo" not in json.dumps(held)
    [audited] = await store.personal_data.audit_log()
    assert (audited.action, audited.actor, audited.details) == ("export", "somebody", {"licenses": 2, "mails": 1})


async def test_of_somebody_nobody_knows_nothing_is_held(store: Store) -> None:
    held = await store.personal_data.export("cy@elsewhere.example", at=LATER, by="somebody")

    assert (held["licenses"], held["mails"], held["do_not_contact"]) == ([], [], [])


async def test_after_an_erasure_nothing_can_be_read_even_with_the_key(store: Store) -> None:
    await lived(store)

    erased = await store.personal_data.erase(ANA, at=LATER, by="somebody")

    assert erased == Erased(licenses=2, mails=1, cards=2)
    after = await readable(store)
    assert [word for word in WORDS if word.lower() in after.lower()] == []
    assert all(word in after for word in ("bo@acme.example", "Bo Birch", "Bo Birch called"))
    assert await rows(store, draft) == []
    assert [(each.action, each.details) for each in await store.personal_data.audit_log()] == [
        ("erase", {"licenses": 2, "mails": 1})
    ]


async def test_cards_and_lines_that_quote_somebody_are_painted_without(store: Store) -> None:
    await lived(store)

    await store.personal_data.erase(ANA, at=LATER, by="somebody")

    brought = await bring(store)
    assert brought.count("note do_not_contact in 1.0") == 2
    assert "note contact_again in 1.0" in brought
    assert "note erased in 1.0" in brought
    assert {"update card 1", "update card 2"} <= set(brought)
    first, second = await cards(store)
    assert first.evaluation.license.contacts == (Contact(forgotten=True), BO)
    assert second.evaluation.license.contacts == (Contact(forgotten=True),)


async def test_nobody_writes_to_them_whatever_brings_them_back(store: Store) -> None:
    await lived(store)
    await store.personal_data.erase(ANA, at=LATER, by="somebody")

    again = license_(aliases=frozenset({"E-1"}), billing=BO, updated=nov(24))
    other = license_(aliases=frozenset({"E-9"}), technical=contact(email=" ANA@acme.example"), company="Ana Ash")
    await report(store, again, other)

    assert [word for word in WORDS if word.lower() in (await readable(store)).lower()] == []
    assert await ask(store, order(3, 3)) == Refused(RefusalReason.FORGOTTEN)
    assert not (await mark(store, ANA)).changed
    [spoken] = {(await store.dnc.find_active([DncTarget.of_address(each)])) for each in (ANA, "Ana@ACME.example")}
    assert spoken is not None
    assert spoken.reason is DncReason.ERASED


async def test_the_same_row_read_again_brings_nothing_back(store: Store) -> None:
    row = license_(aliases=frozenset({"E-1"}))
    await poll(store, row)
    await store.personal_data.erase(ANA, at=LATER, by="somebody")

    await poll(store, row)
    await report(store, row)

    assert ANA not in await readable(store)


async def test_what_waits_to_be_sent_is_stopped(store: Store) -> None:
    await report(store, license_())
    await ask(store, order(1, due_at=LATER + timedelta(days=1)))

    await store.personal_data.erase(ANA, at=LATER, by="somebody")

    assert await store.mails.next_due() == LATER
    assert await take(store) == RejectedMail(refusal=Refused(RefusalReason.DO_NOT_CONTACT))
    assert [row.state for row in await rows(store, mail)] == ["failed"]


async def test_a_person_can_be_erased_twice_and_before_they_were_ever_seen(store: Store) -> None:
    for _ in range(2):
        await store.personal_data.erase(ANA, at=LATER, by="somebody")

    assert [row.reason for row in await rows(store, do_not_contact)] == ["erased"]
    await report(store, license_())
    assert (await only_card(store)).evaluation.license.contacts == (Contact(forgotten=True),)


async def test_an_erasure_outlives_a_new_secret(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_())
        await store.personal_data.erase(ANA, at=LATER, by="somebody")
    async with open_store(url, secret_keys=["the key that came after the first one", SECRET]) as store:
        await report(store, license_(aliases=frozenset({"E-2"})))
        assert (await cards(store))[1].evaluation.license.contacts == (Contact(forgotten=True),)


async def blobs(store: Store) -> set[bytes]:
    """Everything sealed that the tables hold."""
    found = [row for table in metadata.sorted_tables for row in await rows(store, table)]
    return {value for row in found for value in row if isinstance(value, bytes)}


async def test_no_byte_of_them_is_in_the_files_after_an_erasure_nor_in_a_copy_made_then(
    store: Store, file: Path, tmp_path: Path
) -> None:
    """Sealed or not: what stood there is overwritten, in free pages and in the write-ahead log, too."""
    await lived(store)
    before = await blobs(store)

    await store.personal_data.erase(ANA, at=LATER, by="somebody")

    gone = before - await blobs(store)
    assert len(gone) >= 6  # two licenses, a mail, a draft, two notes
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        source.backup(copy)
    for each in (file, file.with_name("evaluators.db-wal"), tmp_path / "copy.db"):
        raw = each.read_bytes()
        assert [value for value in gone if value in raw] == []
        assert [word for word in WORDS[:2] if word.lower().encode() in raw.lower()] == []


@pytest.mark.parametrize(
    ("updated", "happened", "kept"),
    [
        pytest.param(nov(20), None, False, id="long ago"),
        pytest.param(nov(23), None, True, id="the report told of it since"),
        pytest.param(nov(20), NOON, True, id="the team did something since"),
    ],
)
async def test_contacts_are_forgotten_when_nothing_happened_for_long(
    store: Store, updated: date, happened: datetime | None, *, kept: bool
) -> None:
    long_ago = NOON - timedelta(days=2)
    await report(store, license_(updated=updated, billing=BO), at=long_ago)
    await mailed(store, replace(order(1, body="Dear Ana Ash"), at=long_ago, due_at=long_ago), MailState.FAILED)
    if happened is None:
        async with store.database.write() as connection:
            await connection.exec_driver_sql("UPDATE history SET at = '2026-11-20 12:00:00.000000'")

    forgotten = await store.personal_data.apply_retention(NOON - timedelta(days=1), at=LATER)

    assert forgotten == (not kept)
    after = await readable(store)
    assert ("ana@acme.example" in after) == kept
    assert ("Bo Birch" in after) == kept
    assert "Dear Ana Ash" not in after
    assert (await only_card(store)).evaluation.license.company == "Acme"
    assert await store.personal_data.apply_retention(NOON - timedelta(days=1), at=LATER) == 0
