"""Somebody with the file, or a copy of it, learns nothing about the people in it."""

from pathlib import Path

import pytest

from bot.domain.evaluation import Contact
from bot.domain.mail import MailState
from bot.store import Store
from tests.builders import contact, dnc_entry, license_, nov
from tests.store.steps import LATER, cards, lift, mailed, mark, order, report

PERSONAL = ("ana@acme.example", "Ana Ash", "bo.birch@home.example", "Bo Birch", "Ash,", "Dear Ana", "vendor secret")


@pytest.mark.parametrize("kind", ["evaluators.db", "evaluators.db-wal"])
async def test_neither_names_nor_addresses_nor_mails_can_be_read_in_the_files(
    store: Store, file: Path, kind: str
) -> None:
    seen = license_(billing=Contact(email="bo.birch@home.example", name="Bo Birch"))
    await report(store, seen)
    await report(
        store, license_(aliases=frozenset({"SEN-1"}), company=None, technical=contact(email="ANA@acme.example"))
    )
    await report(store, license_(technical=Contact(email="Ana.Ash@acme.example", name="Ash, Ana"), updated=nov(24)))
    await mailed(store, order(1, 1, body="Dear Ana Ash, a vendor secret"), MailState.FAILED)
    await mailed(store, order(1, 2, recipient="technical", subject="vendor secret"))
    await mark(store, "ana@acme.example", dnc_entry(), evaluation_id=1)
    await mark(store, "Ana.Ash@acme.example", dnc_entry(), evaluation_id=1)
    await lift(store, "ana@acme.example", note="", by="U0BO")
    await store.polls.quarantine([("E-1", "licenseType is missing")], at=LATER)
    assert (await cards(store))[0].people
    if kind == "evaluators.db":  # everything out of the log, into the file itself
        async with store.database.read() as connection:
            await connection.exec_driver_sql("COMMIT")
            await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            await connection.exec_driver_sql("BEGIN")

    content = file.with_name(kind).read_bytes().lower()

    assert b"com.example.roadmap" in content
    assert [word for word in PERSONAL if word.lower().encode() in content] == []
