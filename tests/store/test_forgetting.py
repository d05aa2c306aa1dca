"""Nothing stays of a contact who asked to be forgotten, except that nobody may email them."""

from collections.abc import Sequence

import pytest
from sqlalchemy import LargeBinary

from bot.domain.dnc import Authority
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Contact
from bot.domain.mail import MailState
from bot.domain.mail_policy import RefusalReason, Refused
from bot.errors import StoreError
from bot.security.keyring import Keyring
from bot.store import Store, open_store
from bot.store.mail.repository import QueuedMail
from bot.store.schema import do_not_contact, mail, metadata
from tests.builders import contact, dnc_entry, license_, nov
from tests.store.steps import LATER, SECRET, ask, bring, cards, lift, mailed, mark, only_card, order, report, rows

ANA, BO = contact(), Contact(email="bo@acme.example", name="Bo Birch")
ANA_WORDS = ("ana@acme.example", "Ana Ash")
RTBF = Contact(forgotten=True)
NEW_SECRET = "the key that came after the first one"


async def readable(store: Store, secrets: Sequence[str] = (SECRET,)) -> str:
    """All that the tables hold, as somebody who has the key can read it."""
    words, keys = [], Keyring(secrets)
    async with store.database.read() as connection:
        held = [(table, (await connection.execute(table.select())).all()) for table in metadata.sorted_tables]
    for table, found in held:
        sealed = {column.name for column in table.columns if isinstance(column.type, LargeBinary)}
        for row in found:
            words += [_opened(value, keys) if name in sealed else str(value) for name, value in row._mapping.items()]  # noqa: SLF001  SQLAlchemy's public name
    return " ".join(words)


def _opened(value: bytes | None, keys: Keyring) -> str:
    try:
        return keys.decrypt(value or b"")
    except (StoreError, ValueError):  # a digest
        return ""


async def forget_ana(store: Store, number: int = 1) -> None:
    await report(store, license_(aliases=frozenset({f"E-{number}"}), technical=RTBF, billing=BO, updated=nov(24)))


async def test_no_table_holds_a_name_or_an_address_of_somebody_forgotten(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"}), billing=BO))
    await mailed(store, order(1, 1, body="Dear Ana Ash"), MailState.FAILED)
    await mailed(store, order(1, 2, body="Dear Ana Ash"))
    await mailed(store, order(1, 3, recipient="billing", template="other", body="Dear Bo Birch"))
    await mark(store, "ana@acme.example", dnc_entry(note="Ana Ash rang"))
    await lift(store, "ana@acme.example", note="Ana Ash rang again", by="U0BO")
    await mark(store, "ANA@acme.example", dnc_entry(note="Ana Ash rang once more"))
    await mark(store, "bo@acme.example", dnc_entry(note="Bo Birch rang"))
    before = await readable(store)
    assert all(word in before for word in (*ANA_WORDS, "bo@acme.example", "Bo Birch"))

    await forget_ana(store)

    after = await readable(store)
    assert [word for word in (*ANA_WORDS, "Ana", "ana@", "ANA@") if word in after] == []
    assert all(word in after for word in ("bo@acme.example", "Bo Birch", "Dear Bo Birch", "Bo Birch rang"))
    assert len(await rows(store, mail)) == 3


async def test_no_copy_stays_on_a_license_that_was_merged_away(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})), license_(aliases=frozenset({"E-2"})))
    await report(store, license_(aliases=frozenset({"E-1", "E-2"})))

    await forget_ana(store)

    after = await readable(store)
    assert [word for word in ANA_WORDS if word in after] == []


async def test_a_company_that_was_called_like_them_does_not_stay_on_a_license_that_was_merged_away(
    store: Store,
) -> None:
    named = license_(aliases=frozenset({"E-2"}), company="Ana Ash Consulting")
    await report(store, license_(aliases=frozenset({"E-1"})), named)
    await report(store, license_(aliases=frozenset({"E-1", "E-2"}), technical=BO))

    await store.personal_data.erase("ana@acme.example", at=LATER, by="somebody")

    after = await readable(store)
    assert [word for word in ANA_WORDS if word.lower() in after.lower()] == []


async def test_nobody_writes_to_them_on_another_license_either(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})))
    await report(store, license_(aliases=frozenset({"E-2"}), billing=BO))
    await bring(store)

    await forget_ana(store)

    assert await bring(store) == ["note contact_changed in 1.0", "update card 1", "update card 2"]
    assert await ask(store, order(1, 1)) == Refused(RefusalReason.FORGOTTEN)
    assert await ask(store, order(2, 2)) == Refused(RefusalReason.DO_NOT_CONTACT)
    assert isinstance(await ask(store, order(2, 3, recipient="billing")), QueuedMail)


async def test_nobody_writes_to_them_when_the_address_comes_back_later(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})))
    await forget_ana(store)

    await report(store, license_(aliases=frozenset({"E-2"}), technical=contact(email="ANA@acme.example ")))

    [_, other] = await cards(store)
    assert [person.dnc_entry and person.dnc_entry.reason.is_final for person in other.people] == [True]
    assert await ask(store, order(2, 2)) == Refused(RefusalReason.DO_NOT_CONTACT)


async def test_nobody_lifts_the_entry_and_none_takes_its_place(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})))
    await forget_ana(store)

    marked = await mark(store, "ana@acme.example", dnc_entry())
    lifted = await lift(store, "ana@acme.example", set_at=marked.entry.at, authority=Authority.ADMIN)

    assert not lifted.changed

    assert (marked.changed, marked.entry.reason) == (False, DncReason.FORGOTTEN)


async def test_a_permanent_entry_is_active_beside_those_before(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})))
    await mark(store, "ana@acme.example", dnc_entry())
    await lift(store, "ana@acme.example", note="", by="U0BO")
    await mark(store, "ana@acme.example", dnc_entry())

    await forget_ana(store)

    found = [(row.reason, row.lifted_at) for row in await rows(store, do_not_contact)]
    assert found == [("asked", LATER), ("asked", None), ("forgotten", None)]
    assert [person.dnc_entry and person.dnc_entry.reason for person in (await only_card(store)).people] == [None, None]


async def test_who_is_forgotten_twice_has_one_mark(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})), license_(aliases=frozenset({"E-2"})))

    await forget_ana(store, 1)
    await forget_ana(store, 2)
    await forget_ana(store, 2)

    assert len(await rows(store, do_not_contact)) == 1


async def test_a_contact_who_merely_changed_is_not_forgotten(store: Store) -> None:
    await report(store, license_())
    await report(store, license_(technical=BO, updated=nov(24)))
    await report(store, license_(technical=None, updated=nov(25)))

    assert await rows(store, do_not_contact) == []


async def test_an_old_row_does_not_bring_back_who_was_forgotten(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})))
    await forget_ana(store)

    await report(store, license_(aliases=frozenset({"E-1"}), updated=nov(22)))

    assert (await only_card(store)).evaluation.license.contacts == (RTBF, BO)
    assert "ana@acme.example" not in await readable(store)


async def test_the_entry_is_found_under_a_new_secret_and_refused_without_the_old_one(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_(aliases=frozenset({"E-1"})))
        await forget_ana(store)

    async with open_store(url, secret_keys=[NEW_SECRET, SECRET]) as store:
        await report(store, license_(aliases=frozenset({"E-2"})))
        assert await ask(store, order(2)) == Refused(RefusalReason.DO_NOT_CONTACT)
        marked = await mark(store, "ana@acme.example", dnc_entry())
        assert (marked.changed, marked.entry.reason.is_final) == (False, True)


async def test_who_stood_on_a_license_before_somebody_who_was_erased_asked_for_nothing(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"}), technical=BO))
    await store.personal_data.erase("ana@acme.example", at=LATER, by="operator")

    await report(store, license_(aliases=frozenset({"E-1"}), technical=ANA, updated=nov(24)))
    await report(store, license_(aliases=frozenset({"E-1"}), technical=BO, updated=nov(25)))

    assert [row.reason for row in await rows(store, do_not_contact)] == [DncReason.ERASED]
    assert isinstance(await ask(store, order(1)), QueuedMail)


@pytest.mark.parametrize("cause", [DncReason.FORGOTTEN, DncReason.ERASED])
async def test_a_permanent_entry_needs_the_secret_it_was_written_with_however_often_it_is_added(
    url: str, cause: DncReason
) -> None:
    async def said_of_ana(store: Store, number: int) -> None:
        await report(store, license_(aliases=frozenset({f"E-{number}"})))
        if cause is DncReason.FORGOTTEN:
            await forget_ana(store, number)
        else:
            await store.personal_data.erase("ana@acme.example", at=LATER, by="operator")

    async with open_store(url, secret_keys=[SECRET]) as store:
        await said_of_ana(store, 1)
    async with open_store(url, secret_keys=[NEW_SECRET, SECRET]) as store:
        await said_of_ana(store, 2)

    with pytest.raises(StoreError, match="another SECRET_KEY"):
        async with open_store(url, secret_keys=[NEW_SECRET]):
            pass


async def test_a_permanent_entry_names_nobody_whatever_people_type_later(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})))
    await mark(store, "ana@acme.example", dnc_entry())
    await forget_ana(store)

    assert (await mark(store, "ana@acme.example", dnc_entry(reason=DncReason.COMPLAINED, note="Ana Ash rang"))).changed
    assert (await lift(store, "ana@acme.example", note="Ana Ash rang again", set_at=None)).changed

    after = await readable(store)
    assert [word for word in ANA_WORDS if word in after] == []
    assert await ask(store, order(1)) == Refused(RefusalReason.FORGOTTEN)
