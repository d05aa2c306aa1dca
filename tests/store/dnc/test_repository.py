import asyncio
from datetime import timedelta

import pytest

from bot.domain.dnc import Authority, DncAddResult, DncEntry, DncLiftResult, DncScope, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Contact
from bot.domain.history import DncAdded, DncLifted, Entry, Kind
from bot.domain.mail_policy import RefusalReason, Refused
from bot.errors import StoreError
from bot.security.keyring import Keyring
from bot.store import Store, open_store
from bot.store.mail.repository import QueuedMail, RejectedMail
from bot.store.schema import do_not_contact, history
from tests.builders import NOON, contact, dnc_entry, license_
from tests.store.steps import LATER, SECRET, ask, bring, cards, lift, mark, only_card, order, report, rows, take

ANA = "ana@acme.example"
NEW_SECRET = "the key that came after the first one"


async def marks(store: Store) -> list[DncEntry | None]:
    """The entry against each person on the only card."""
    return [person.dnc_entry for person in (await only_card(store)).people]


async def test_an_entry_is_active_with_who_added_it_why_and_when(store: Store) -> None:
    await report(store, license_())
    no = dnc_entry(note="on the phone")

    assert await mark(store, ANA, no) == DncAddResult(changed=True, entry=no)
    assert await marks(store) == [no]


async def test_an_active_entry_stays_as_it_is_and_the_second_person_learns_of_it(store: Store) -> None:
    await report(store, license_())
    await mark(store, ANA, dnc_entry())

    again = await mark(store, ANA, dnc_entry(reason=DncReason.TEAM, by="U0CY", at=LATER), evaluation_id=1)

    assert again == DncAddResult(changed=False, entry=dnc_entry())
    assert await marks(store) == [dnc_entry()]
    assert [row.kind for row in await rows(store, history)] == [Kind.STARTED]


async def test_when_many_block_an_address_at_once_one_does(store: Store) -> None:
    answers = await asyncio.gather(*(mark(store, ANA, dnc_entry(by=f"U{n}")) for n in range(12)))

    assert [answer.changed for answer in answers].count(True) == 1
    assert len({answer.entry.by for answer in answers}) == 1
    assert len(await rows(store, do_not_contact)) == 1


@pytest.mark.parametrize("spelling", ["ANA@ACME.EXAMPLE", " ana@acme.example\n", "Ana@Acme.example"])
async def test_a_no_covers_every_spelling_of_an_address(store: Store, spelling: str) -> None:
    await report(store, license_(technical=contact(email="aNa@acme.example")))
    await bring(store)

    await mark(store, spelling, dnc_entry())

    assert await marks(store) == [dnc_entry()]
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

    await mark(store, ANA, dnc_entry())

    assert await bring(store) == ["update card 1", "update card 3"]


async def test_the_fact_is_recorded_where_the_person_acted(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})), license_(aliases=frozenset({"E-2"})))
    await bring(store)

    await mark(store, ANA, dnc_entry(note="on the phone"), evaluation_id=2)

    fact = DncAdded(reason=DncReason.ASKED, entry_id=1, note="on the phone")
    assert (await cards(store))[1].last == Entry(at=dnc_entry().at, actor="U0BO", fact=fact)
    assert await bring(store) == ["note do_not_contact in 2.0", "update card 2", "update card 1"]


async def test_a_fact_of_a_merged_card_is_recorded_on_the_one_that_stayed(store: Store) -> None:
    await report(store, license_(aliases=frozenset({"E-1"})), license_(aliases=frozenset({"E-2"})))
    await bring(store)
    await report(store, license_(aliases=frozenset({"E-1", "E-2"})))
    await bring(store)

    await mark(store, ANA, dnc_entry(), evaluation_id=2)

    assert (await bring(store))[0] == "note do_not_contact in 1.0"


async def test_an_entry_can_be_lifted_and_the_card_offers_email_again(store: Store) -> None:
    await report(store, license_())
    await mark(store, ANA, dnc_entry())
    await bring(store)

    lifted = await lift(store, "ANA@acme.example", note="They asked again", by="U0CY", evaluation_id=1)

    assert lifted == DncLiftResult(changed=True, by="U0CY", at=LATER, remaining=None)

    assert await marks(store) == [None]
    assert (await only_card(store)).last == Entry(
        at=LATER, actor="U0CY", fact=DncLifted(entry_id=1, note="They asked again")
    )
    assert await bring(store) == ["note contact_again in 1.0", "update card 1"]


async def test_a_lifted_entry_stays_on_record_and_a_new_one_can_be_added(store: Store) -> None:
    await mark(store, ANA, dnc_entry())
    await lift(store, ANA, note="They asked again", by="U0CY")

    assert (await mark(store, ANA, dnc_entry(at=LATER))).changed

    first, second = await rows(store, do_not_contact)
    assert (first.lifted_at, first.lifted_by) == (LATER, "U0CY")
    assert Keyring([SECRET]).decrypt(first.lifted_note) == "They asked again"
    assert second.lifted_at is None


async def test_there_is_nothing_to_lift_without_an_active_entry(store: Store) -> None:
    await report(store, license_())
    await bring(store)

    lifted = await lift(store, ANA, note="", by="U0CY", evaluation_id=1)

    assert lifted == DncLiftResult(changed=False, by=None, at=None)

    assert await bring(store) == []


async def test_when_many_lift_an_entry_at_once_one_does(store: Store) -> None:
    await mark(store, ANA, dnc_entry())

    answers = await asyncio.gather(*(lift(store, ANA, note="", by=f"U{n}") for n in range(8)))

    [winner] = [answer.by for answer in answers if answer.changed]
    assert answers.count(DncLiftResult(changed=False, by=winner, at=LATER)) == 7


async def test_only_the_entry_that_somebody_saw_is_lifted(store: Store) -> None:
    """While the form was open, somebody else lifted the entry and added a second one."""
    await mark(store, ANA, dnc_entry(reason=DncReason.TEAM))
    await lift(store, ANA, note="", by="U0BO")
    await mark(store, ANA, dnc_entry(at=LATER))

    lifted = await lift(store, ANA)

    assert lifted == DncLiftResult(changed=False, by="U0BO", at=LATER, remaining=dnc_entry(at=LATER))
    assert not (await mark(store, ANA, dnc_entry())).changed


async def test_a_no_said_under_the_old_key_stands_under_the_new_one(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_())
        await bring(store)
        await mark(store, ANA, dnc_entry())

    async with open_store(url, secret_keys=[NEW_SECRET, SECRET]) as store:
        assert await bring(store) == ["update card 1"]
        assert await marks(store) == [dnc_entry()]
        assert await ask(store, order(1)) == Refused(RefusalReason.DO_NOT_CONTACT)
        assert not (await mark(store, ANA, dnc_entry(by="U0CY"))).changed
        await bring(store)
        assert (await lift(store, ANA)).changed
        assert await bring(store) == ["update card 1"]
        assert await marks(store) == [None]


async def test_what_is_written_under_the_new_key_needs_the_old_one_no_more(url: str) -> None:
    async with open_store(url, secret_keys=[NEW_SECRET, SECRET]) as store:
        await report(store, license_())
        await mark(store, ANA, dnc_entry())

    async with open_store(url, secret_keys=[NEW_SECRET]) as store:
        assert await marks(store) == [dnc_entry()]


async def test_a_new_secret_without_the_one_that_wrote_an_entry_is_refused_at_the_start(url: str) -> None:
    """Otherwise the entry would match nothing, and somebody who said no could be emailed."""
    async with open_store(url, secret_keys=[SECRET]) as store:
        await mark(store, ANA, dnc_entry())
    with pytest.raises(StoreError, match="SECRET_KEY"):
        async with open_store(url, secret_keys=[NEW_SECRET]):
            pass
    async with open_store(url, secret_keys=[NEW_SECRET, SECRET]) as store:
        assert not (await mark(store, ANA, dnc_entry())).changed


DOMAIN, SITE = "@acme.example", "acme.atlassian.net"


@pytest.mark.parametrize(
    ("who", "painted"),
    [
        pytest.param(DOMAIN, ["update card 1", "update card 2"], id="a domain, with those below it"),
        pytest.param(SITE, ["update card 3"], id="a site"),
    ],
)
async def test_an_entry_updates_every_card_of_its_target(store: Store, who: str, painted: list[str]) -> None:
    await report(
        store,
        license_(aliases=frozenset({"E-1"})),
        license_(aliases=frozenset({"E-2"}), technical=Contact(email="bo@lists.ACME.example")),
        license_(aliases=frozenset({"E-3"}), technical=Contact(email="cy@other.example"), site="Acme.atlassian.net"),
    )
    await bring(store)

    await mark(store, who)

    assert await bring(store) == painted
    spoken = [person.dnc_entry for card in await cards(store) for person in card.people]
    assert [n for n, no in enumerate(spoken, 1) if no is not None] == [int(line[-1]) for line in painted]
    for number in range(1, 4):
        refused = await ask(store, order(number, number)) == Refused(RefusalReason.DO_NOT_CONTACT)
        assert refused == (f"update card {number}" in painted)


async def test_a_stronger_cause_stands_beside_a_weaker_one_and_speaks(store: Store) -> None:
    await report(store, license_())
    await mark(store, ANA)
    unsubscribed = dnc_entry(reason=DncReason.UNSUBSCRIBED, by=None, at=LATER)

    assert (await mark(store, ANA, unsubscribed)).changed
    assert await marks(store) == [unsubscribed]
    assert not (await mark(store, ANA, dnc_entry(reason=DncReason.BOUNCED, at=LATER))).changed


async def test_when_the_strongest_is_lifted_the_next_one_speaks(store: Store) -> None:
    await report(store, license_())
    await mark(store, ANA)
    await mark(store, ANA, dnc_entry(reason=DncReason.UNSUBSCRIBED, by=None, at=LATER))

    lifted = await lift(store, ANA, authority=Authority.SELF, by=None, set_at=None)

    assert (lifted.changed, lifted.remaining) == (True, dnc_entry())
    assert await ask(store, order(1)) == Refused(RefusalReason.DO_NOT_CONTACT)


@pytest.mark.parametrize(
    ("cause", "authority", "won"),
    [
        (DncReason.UNSUBSCRIBED, Authority.MEMBER, False),
        (DncReason.UNSUBSCRIBED, Authority.ADMIN, True),
        (DncReason.UNSUBSCRIBED, Authority.SELF, True),
        (DncReason.COMPLAINED, Authority.SELF, False),
        (DncReason.TEAM, Authority.SELF, False),
        (DncReason.TEAM, Authority.MEMBER, True),
        (DncReason.BOUNCED, Authority.MEMBER, True),
        (DncReason.LEGAL, Authority.MEMBER, False),
    ],
)
async def test_an_entry_is_lifted_only_by_somebody_with_the_authority(
    store: Store, cause: DncReason, authority: Authority, *, won: bool
) -> None:
    no = dnc_entry(reason=cause)
    await mark(store, ANA, no)

    lifted = await lift(store, ANA, authority=authority)

    assert (lifted.changed, lifted.remaining) == (won, None if won else no)


async def test_lifting_an_address_does_not_touch_the_entry_for_its_domain(store: Store) -> None:
    await report(store, license_())
    await mark(store, DOMAIN)

    assert not (await lift(store, ANA)).changed
    assert await ask(store, order(1)) == Refused(RefusalReason.DO_NOT_CONTACT)


async def test_what_waits_to_be_sent_is_stopped(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    tomorrow = NOON + timedelta(days=1)
    held = await ask(store, order(1, due_at=tomorrow))
    assert isinstance(held, QueuedMail)

    await mark(store, ANA)

    assert await take(store) == RejectedMail(refusal=Refused(RefusalReason.DO_NOT_CONTACT))
    assert await take(store, now=tomorrow) is None
    assert "note mail_failed in 1.0" in await bring(store)


async def test_what_waits_for_another_contact_of_the_license_keeps_its_time(store: Store) -> None:
    await report(store, license_(billing=Contact(email="bo@acme.example")))
    tomorrow = NOON + timedelta(days=1)
    await ask(store, order(1, recipient="billing", due_at=tomorrow))

    await mark(store, ANA)

    assert await store.mails.next_due() == tomorrow


async def test_a_table_of_entries_is_imported_completely_or_not_at_all(store: Store) -> None:
    many = [DncTarget(scope=DncScope.DOMAIN, value=f"firm{n}.example") for n in range(30)]
    await mark(store, "@firm3.example")

    assert await store.dnc.add_all([(each, dnc_entry(target=each)) for each in many]) == 29
    assert [mark.target for mark in await store.dnc.list_active()][:3] == [many[3], many[0], many[1]]


async def test_a_pause_ends_by_itself_and_the_card_is_painted(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    await mark(store, ANA, dnc_entry(reason=DncReason.PAUSED, by=None, until=LATER))
    await bring(store)

    assert await store.dnc.end_pauses(at=NOON) == 0
    assert await marks(store) != [None]
    assert await store.dnc.end_pauses(at=LATER) == 1
    assert await marks(store) == [None]
    assert await bring(store) == ["update card 1"]


async def test_nothing_of_an_entry_can_be_read_without_the_key(store: Store) -> None:
    await mark(store, DOMAIN, dnc_entry(note="Ana Ash rang", target=DncTarget.read(DOMAIN)))

    [row] = await rows(store, do_not_contact)

    assert "acme" not in str(row)
    assert "Ash" not in str(row)
