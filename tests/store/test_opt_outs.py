import asyncio

import pytest

from bot.domain.card import OptOut
from bot.domain.evaluation import Contact
from bot.domain.history import Entry, Kind
from bot.domain.policy import Reason, Refused
from bot.errors import StoreError
from bot.store import Store, open_store
from bot.store.opt_outs import Lifted, Marked
from bot.store.schema import do_not_contact, history
from tests.builders import NOON, contact, license_, opt_out
from tests.store.steps import LATER, SECRET, bring, cards, only_card, order, report, rows

ANA = "ana@acme.example"
NEW_SECRET = "the key that came after the first one"


async def marks(store: Store) -> list[OptOut | None]:
    """What stands against each person on the only card."""
    return [person.opt_out for person in (await only_card(store)).people]


async def test_a_mark_stands_with_who_set_it_why_and_when(store: Store) -> None:
    await report(store, license_())
    no = opt_out(note="on the phone")

    assert await store.opt_outs.add(ANA, no) == Marked(won=True, opt_out=no)
    assert await marks(store) == [no]


async def test_a_standing_mark_stays_as_it_is_and_the_second_person_is_told(store: Store) -> None:
    await report(store, license_())
    await store.opt_outs.add(ANA, opt_out())

    again = await store.opt_outs.add(ANA, opt_out(reason="Legal reasons", by="U0CY", at=LATER), evaluation_id=1)

    assert again == Marked(won=False, opt_out=opt_out())
    assert await marks(store) == [opt_out()]
    assert [row.kind for row in await rows(store, history)] == [Kind.STARTED]


async def test_of_many_who_mark_an_address_at_once_one_does(store: Store) -> None:
    answers = await asyncio.gather(*(store.opt_outs.add(ANA, opt_out(by=f"U{n}")) for n in range(12)))

    assert [answer.won for answer in answers].count(True) == 1
    assert len({answer.opt_out.by for answer in answers}) == 1
    assert len(await rows(store, do_not_contact)) == 1


@pytest.mark.parametrize("spelling", ["ANA@ACME.EXAMPLE", " ana@acme.example\n", "Ana@Acme.example"])
async def test_a_no_covers_every_spelling_of_an_address(store: Store, spelling: str) -> None:
    await report(store, license_(technical=contact(email="aNa@acme.example")))
    await bring(store)

    await store.opt_outs.add(spelling, opt_out())

    assert await marks(store) == [opt_out()]
    assert await bring(store) == ["update card 1"]


async def test_every_card_of_an_address_is_painted_again_and_no_other(store: Store) -> None:
    await report(
        store,
        license_(aliases=frozenset({"E-1"})),
        license_(aliases=frozenset({"E-2"}), technical=Contact(email="cy@elsewhere.example")),
        license_(aliases=frozenset({"E-3"}), technical=None, billing=Contact(email="ANA@acme.example")),
    )
    await report(store, license_(aliases=frozenset({"E-4"})), announce=False)
    await bring(store)

    await store.opt_outs.add(ANA, opt_out())

    assert await bring(store) == ["update card 1", "update card 3"]


async def test_the_fact_is_told_where_the_person_acted(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})), license_(aliases=frozenset({"E-2"})))
    await bring(store)

    await store.opt_outs.add(ANA, opt_out(note="on the phone"), evaluation_id=2)

    details = {"reason": opt_out().reason, "note": "on the phone"}
    assert (await cards(store))[1].last == Entry(
        at=opt_out().at, kind=Kind.DO_NOT_CONTACT, actor="U0BO", details=details
    )
    assert await bring(store) == ["note do_not_contact in 2.0", "update card 2", "update card 1"]


async def test_a_fact_told_on_a_card_that_was_merged_is_told_on_the_one_that_stayed(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})), license_(aliases=frozenset({"E-2"})))
    await bring(store)
    await report(store, license_(aliases=frozenset({"E-1", "E-2"})))
    await bring(store)

    await store.opt_outs.add(ANA, opt_out(), evaluation_id=2)

    assert (await bring(store))[0] == "note do_not_contact in 1.0"


async def test_a_mark_can_be_lifted_and_the_card_offers_mail_again(store: Store) -> None:
    await report(store, license_())
    await store.opt_outs.add(ANA, opt_out())
    await bring(store)

    lifted = await store.opt_outs.lift(
        "ANA@acme.example", set_at=NOON, note="They asked again", by="U0CY", at=LATER, evaluation_id=1
    )

    assert lifted == Lifted(won=True, by="U0CY", at=LATER)

    assert await marks(store) == [None]
    assert (await only_card(store)).last == Entry(
        at=LATER, kind=Kind.CONTACT_AGAIN, actor="U0CY", details={"note": "They asked again"}
    )
    assert await bring(store) == ["note contact_again in 1.0", "update card 1"]


async def test_a_lifted_mark_stays_on_record_and_a_new_one_can_be_set(store: Store) -> None:
    await store.opt_outs.add(ANA, opt_out())
    await store.opt_outs.lift(ANA, set_at=NOON, note="They asked again", by="U0CY", at=LATER)

    assert (await store.opt_outs.add(ANA, opt_out(at=LATER))).won

    first, second = await rows(store, do_not_contact)
    assert (first.lifted_at, first.lifted_by, first.lifted_note) == (LATER, "U0CY", "They asked again")
    assert second.lifted_at is None


async def test_there_is_nothing_to_lift_where_no_mark_stands(store: Store) -> None:
    await report(store, license_())
    await bring(store)

    lifted = await store.opt_outs.lift(ANA, set_at=NOON, note="", by="U0CY", at=LATER, evaluation_id=1)

    assert lifted == Lifted(won=False, by=None, at=None)

    assert await bring(store) == []


async def test_of_many_who_lift_a_mark_at_once_one_does(store: Store) -> None:
    await store.opt_outs.add(ANA, opt_out())

    answers = await asyncio.gather(
        *(store.opt_outs.lift(ANA, set_at=NOON, note="", by=f"U{n}", at=LATER) for n in range(8))
    )

    [winner] = [answer.by for answer in answers if answer.won]
    assert answers.count(Lifted(won=False, by=winner, at=LATER)) == 7


async def test_only_the_mark_that_somebody_saw_is_lifted(store: Store) -> None:
    """While the form was open, the mark was lifted by another, and a second one was set."""
    await store.opt_outs.add(ANA, opt_out(reason="The team decided"))
    await store.opt_outs.lift(ANA, set_at=NOON, note="", by="U0BO", at=LATER)
    await store.opt_outs.add(ANA, opt_out(at=LATER))

    lifted = await store.opt_outs.lift(ANA, set_at=NOON, note="", by="U0CY", at=LATER)

    assert lifted == Lifted(won=False, by="U0BO", at=LATER)
    assert not (await store.opt_outs.add(ANA, opt_out())).won


async def test_a_no_said_under_the_old_key_stands_under_the_new_one(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_())
        await bring(store)
        await store.opt_outs.add(ANA, opt_out())

    async with open_store(url, secret_keys=[NEW_SECRET, SECRET]) as store:
        assert await bring(store) == ["update card 1"]
        assert await marks(store) == [opt_out()]
        assert await store.mails.claim(order(1)) == Refused(Reason.DO_NOT_CONTACT)
        assert not (await store.opt_outs.add(ANA, opt_out(by="U0CY"))).won
        await bring(store)
        assert (await store.opt_outs.lift(ANA, set_at=NOON, note="", by="U0CY", at=LATER)).won
        assert await bring(store) == ["update card 1"]
        assert await marks(store) == [None]


async def test_what_is_written_under_the_new_key_needs_the_old_one_no_more(url: str) -> None:
    async with open_store(url, secret_keys=[NEW_SECRET, SECRET]) as store:
        await report(store, license_())
        await store.opt_outs.add(ANA, opt_out())

    async with open_store(url, secret_keys=[NEW_SECRET]) as store:
        assert await marks(store) == [opt_out()]


async def test_a_new_secret_without_the_one_that_wrote_a_mark_is_refused_at_the_start(url: str) -> None:
    """Otherwise the mark would match nothing, and whoever said no could be written to."""
    async with open_store(url, secret_keys=[SECRET]) as store:
        await store.opt_outs.add(ANA, opt_out())
    with pytest.raises(StoreError, match="SECRET_KEY"):
        async with open_store(url, secret_keys=[NEW_SECRET]):
            pass
    async with open_store(url, secret_keys=[NEW_SECRET, SECRET]) as store:
        assert not (await store.opt_outs.add(ANA, opt_out())).won
