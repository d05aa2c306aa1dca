"""Of a contact who asked to be forgotten nothing stays but that nobody may write to them."""

from sqlalchemy import LargeBinary

from bot.domain.card import FORGOTTEN
from bot.domain.evaluation import Contact
from bot.domain.policy import MailState, Reason, Refused
from bot.errors import StoreError
from bot.store import Store, open_store
from bot.store.keys import Keys
from bot.store.mails import Claimed
from bot.store.schema import do_not_contact, mail, metadata
from tests.builders import NOON, contact, license_, nov, opt_out
from tests.store.steps import LATER, SECRET, bring, cards, mailed, only_card, order, report, rows

ANA, BO = contact(), Contact(email="bo@acme.example", name="Bo Birch")
ANA_WORDS = ("ana@acme.example", "Ana Ash")
RTBF = Contact(forgotten=True)
NEW_SECRET = "the key that came after the first one"


async def readable(store: Store) -> str:
    """All that the tables hold, as somebody who has the key can read it."""
    words = []
    for table in metadata.sorted_tables:
        sealed = {column.name for column in table.columns if isinstance(column.type, LargeBinary)}
        for row in await rows(store, table):
            words += [_opened(value) if name in sealed else str(value) for name, value in row._mapping.items()]  # noqa: SLF001  SQLAlchemy's public name
    return " ".join(words)


def _opened(value: bytes | None) -> str:
    try:
        return Keys([SECRET]).open(value or b"")
    except (StoreError, ValueError):  # a digest
        return ""


async def forget_ana(store: Store, number: int = 1) -> None:
    await report(store, license_(aliases=frozenset({f"E-{number}"}), technical=RTBF, billing=BO, updated=nov(24)))


async def test_no_table_holds_a_name_or_an_address_of_somebody_forgotten(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"}), billing=BO))
    await mailed(store, order(1, 1, body="Dear Ana Ash"), MailState.FAILED)
    await mailed(store, order(1, 2, body="Dear Ana Ash"))
    await mailed(store, order(1, 3, recipient="billing", template="other", body="Dear Bo Birch"))
    await store.opt_outs.add("ana@acme.example", opt_out(note="Ana Ash rang"))
    await store.opt_outs.lift("ana@acme.example", set_at=NOON, note="Ana Ash rang again", by="U0BO", at=LATER)
    await store.opt_outs.add("ANA@acme.example", opt_out(note="Ana Ash rang once more"))
    await store.opt_outs.add("bo@acme.example", opt_out(note="Bo Birch rang"))
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


async def test_nobody_writes_to_them_on_another_license_either(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})))
    await report(store, license_(aliases=frozenset({"E-2"}), billing=BO))
    await bring(store)

    await forget_ana(store)

    assert await bring(store) == ["note contact_changed in 1.0", "update card 2", "update card 1"]
    assert await store.mails.claim(order(1, 1)) == Refused(Reason.FORGOTTEN)
    assert await store.mails.claim(order(2, 2)) == Refused(Reason.DO_NOT_CONTACT)
    assert isinstance(await store.mails.claim(order(2, 3, recipient="billing")), Claimed)


async def test_nobody_writes_to_them_when_the_address_comes_back_later(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})))
    await forget_ana(store)

    await report(store, license_(aliases=frozenset({"E-2"}), technical=contact(email="ANA@acme.example ")))

    [_, other] = await cards(store)
    assert [person.opt_out and person.opt_out.is_final for person in other.people] == [True]
    assert await store.mails.claim(order(2, 2)) == Refused(Reason.DO_NOT_CONTACT)


async def test_nobody_lifts_the_mark_and_none_takes_its_place(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})))
    await forget_ana(store)

    marked = await store.opt_outs.add("ana@acme.example", opt_out())
    lifted = await store.opt_outs.lift("ana@acme.example", set_at=marked.opt_out.at, note="please", by="U0BO", at=LATER)

    assert not lifted.won

    assert (marked.won, marked.opt_out.reason, marked.opt_out.is_final) == (False, FORGOTTEN, True)


async def test_a_mark_that_stood_before_becomes_final_and_one_that_was_lifted_stays_on_record(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})))
    await store.opt_outs.add("ana@acme.example", opt_out())
    await store.opt_outs.lift("ana@acme.example", set_at=NOON, note="", by="U0BO", at=LATER)
    await store.opt_outs.add("ana@acme.example", opt_out())

    await forget_ana(store)

    found = [(row.reason, row.lifted_at) for row in await rows(store, do_not_contact)]
    assert found == [(opt_out().reason, LATER), (FORGOTTEN, None)]


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


async def test_the_mark_stands_under_a_new_secret_and_is_refused_without_the_old_one(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_(aliases=frozenset({"E-1"})))
        await forget_ana(store)

    async with open_store(url, secret_keys=[NEW_SECRET, SECRET]) as store:
        await report(store, license_(aliases=frozenset({"E-2"})))
        assert await store.mails.claim(order(2)) == Refused(Reason.DO_NOT_CONTACT)
        marked = await store.opt_outs.add("ana@acme.example", opt_out())
        assert (marked.won, marked.opt_out.is_final) == (False, True)
