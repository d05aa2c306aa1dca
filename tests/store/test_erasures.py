"""Erased people are erased again after an older database is restored, by their hashes alone."""

import shutil
from pathlib import Path

from bot.domain.card_snapshot import CardSnapshot, DncSnapshot, PostedCard
from bot.domain.dnc import DncScope
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Contact
from bot.security.keyring import Keyring
from bot.store import Store, open_store
from bot.store.erasures import erased_elsewhere
from bot.store.schema import audit, delivery, metadata
from tests.builders import NOON, dnc_entry, license_, nov
from tests.store.steps import CHANNEL, LATER, SECRET, bring, cards, lift, mailed, mark, order, report, rows
from tests.store.test_forgetting import readable

ANA, BO = "ana@acme.example", Contact(email="bo@acme.example", name="Bo Birch")
WORDS = ("ana@acme.example", "ana ash", "rang")


async def _lived(store: Store) -> None:
    await report(store, license_(billing=BO))
    await bring(store)
    await mailed(store, order(1, 1, body="Dear Ana Ash"))
    await store.notes.add(1, "Ana Ash rang", by="U0BO", at=NOON)
    await mark(store, ANA, dnc_entry(note="Ana Ash rang"), evaluation_id=1)
    await lift(store, ANA, note="Ana Ash rang again", evaluation_id=1)
    await bring(store)


async def _everything(store: Store) -> dict[str, list[object]]:
    return {table.name: [tuple(row) for row in await rows(store, table)] for table in metadata.sorted_tables}


async def test_an_older_database_forgets_who_was_erased_since(url: str, file: Path, tmp_path: Path) -> None:
    second = "the key that came after the first one"
    async with open_store(url, secret_keys=[SECRET]) as store:
        await _lived(store)
    older = tmp_path / "older.db"
    shutil.copy(file, older)
    async with open_store(url, secret_keys=[second, SECRET]) as store:
        await store.personal_data.erase("ANA@acme.example", at=LATER, by="somebody")
    [person] = await erased_elsewhere(url)

    async with open_store(f"sqlite+aiosqlite:///{older}", secret_keys=[second, SECRET]) as store:
        done = await store.personal_data.erase_again(at=LATER, by="somebody", also=[person])
        assert (done.on_record, done.people, done.licenses, done.mails) == (1, 1, 1, 1)
        assert done.is_wiped
        held = await readable(store, [second, SECRET])
        assert [word for word in WORDS if word in held.lower()] == []
        assert "Bo Birch" in held
        assert {"update card 1", "note erased in 1.0", "note note_added in 1.0"} <= set(await bring(store))
        assert [each.details for each in await store.personal_data.audit_log()] == [{"licenses": 1, "mails": 1}]
        await report(store, license_(billing=BO, updated=nov(24)))
        assert ANA not in await readable(store, [second, SECRET])


async def test_without_anything_left_nothing_is_written(store: Store) -> None:
    await _lived(store)
    await store.personal_data.erase(ANA, at=LATER, by="somebody")
    await store.notes.add(1, "A later word", by="U0BO", at=LATER)
    before = await _everything(store)
    done = await store.personal_data.erase_again(at=LATER, by="somebody")
    assert (done.on_record, done.people) == (1, 0)
    assert await _everything(store) == before


async def test_a_card_tells_a_restored_database_who_was_erased(store: Store) -> None:
    await _lived(store)
    entry = DncSnapshot(
        scope=DncScope.ADDRESS,
        key=Keyring([SECRET]).address_hash(ANA),
        reason=DncReason.ERASED,
        by=None,
        at=LATER,
        until=None,
    )
    trace = CardSnapshot(
        app_key="com.example.roadmap",
        aliases=("E-1",),
        started=nov(20),
        upgrade_to="",
        mails=(),
        entries=(entry,),
    )
    await store.installation.go_back(at=LATER)
    card = PostedCard(channel=CHANNEL, ts="1.0", delivery_id=1 << 30, evaluation_id=1, trace=trace)
    await store.installation.adopt([card], text="", to=(), at=LATER)
    assert (await store.personal_data.erase_again(at=LATER, by="evaluator-bot")).people == 1
    assert (await cards(store))[0].evaluation.license.contacts == (Contact(forgotten=True), BO)
    assert len(await rows(store, audit)) == 1
    assert [row.kind for row in await rows(store, delivery) if row.state == "due"].count("card") == 1
