"""Who said no, as people say it: on a card, by a command, by the link in a mail."""

from datetime import timedelta

import pytest

from bot.domain.dnc import Authority, DncEntry, DncLiftResult, DncScope, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Contact, ContactRole
from bot.domain.history import Kind
from bot.domain.mail_policy import RefusalReason, Refused
from bot.services.dnc import DoNotContact
from bot.services.mail.links import Link
from bot.store import Store
from bot.store.schema import do_not_contact, history
from tests.builders import NOON, contact, license_
from tests.store.steps import ask, mark, only_card, order, report, rows
from tests.world import Clock

ANA = DncTarget.of_address("ana@acme.example")
ACME = DncTarget(scope=DncScope.DOMAIN, value="acme.example")
SITE = DncTarget(scope=DncScope.SITE, value="acme.atlassian.net")
HERE = license_(site="acme.atlassian.net", billing=contact(email="bo@acme.example", name="Bo Birch"))
ADMIN, MEMBER = "U0CY", "U0BO"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def consent(store: Store, clock: Clock) -> DoNotContact:
    return DoNotContact(store, clock=clock, admins=[ADMIN])


async def kinds(store: Store) -> list[str]:
    """What happened since the trial began."""
    return [row.kind for row in await rows(store, history)][1:]


# --- Marking -------------------------------------------------------------------------------------------------------


async def test_each_contact_with_an_address_can_be_blocked_once(store: Store, consent: DoNotContact) -> None:
    await report(store, HERE)
    assert await consent.contacts(1) == {"technical": HERE.technical, "billing": HERE.billing}
    await consent.add_for_contact(1, role=ContactRole.BILLING, reason=DncReason.ASKED, note="", by=MEMBER)
    assert await consent.contacts(1) == {"technical": HERE.technical}


@pytest.mark.parametrize(
    "billing", [contact(name="Accounts"), Contact(name="Bo"), Contact(forgotten=True)], ids=["twin", "none", "gone"]
)
async def test_an_address_counts_once_and_no_address_not_at_all(
    store: Store, consent: DoNotContact, billing: Contact
) -> None:
    await report(store, license_(billing=billing))
    assert list(await consent.contacts(1)) == ["technical"]


async def test_nobody_can_be_blocked_for_an_evaluation_that_never_existed(consent: DoNotContact) -> None:
    assert await consent.contacts(99) == {}
    found = await consent.add_for_contact(99, role=ContactRole.TECHNICAL, reason=DncReason.ASKED, note="", by=MEMBER)
    assert found == Refused(RefusalReason.NO_CONTACT)
    assert await consent.active_for_evaluation(99) is None
    assert await consent.lift_for_evaluation(99, set_at=NOON, note="", by=MEMBER) == DncLiftResult(
        changed=False, by=None, at=None
    )


async def test_a_contact_without_an_address_cannot_be_blocked(store: Store, consent: DoNotContact) -> None:
    await report(store, license_(technical=Contact(name="Ana")))
    found = await consent.add_for_contact(1, role=ContactRole.TECHNICAL, reason=DncReason.ASKED, note="", by=MEMBER)
    assert found == Refused(RefusalReason.NO_CONTACT)


async def test_an_entry_says_who_added_it_why_and_when_and_is_on_the_card(store: Store, consent: DoNotContact) -> None:
    await report(store, HERE)
    marked = await consent.add_for_contact(
        1, role=ContactRole.TECHNICAL, reason=DncReason.COMPLAINED, note="Called us.", by=MEMBER
    )
    no = DncEntry(reason=DncReason.COMPLAINED, by=MEMBER, at=NOON, note="Called us.", target=ANA)
    assert not isinstance(marked, Refused)
    assert marked.changed
    assert await consent.active_for_evaluation(1) == no
    assert await consent.list_active() == [no]
    assert await kinds(store) == [Kind.DO_NOT_CONTACT]


async def test_a_domain_blocked_by_command_is_in_no_thread_and_on_all_cards(
    store: Store, consent: DoNotContact
) -> None:
    await report(store, HERE)
    marked = await consent.add(ACME, reason=DncReason.TEAM, note="", by=MEMBER)
    assert marked.changed
    standing = await consent.active_for_evaluation(1)
    assert standing is not None
    assert standing.target == ACME
    assert await kinds(store) == []


@pytest.mark.parametrize(
    ("marked", "asked", "found"),
    [
        (ACME, ANA, True),
        (ACME, DncTarget.of_address("ana@mail.acme.example"), True),
        (ACME, DncTarget(scope=DncScope.DOMAIN, value="mail.acme.example"), True),
        (ACME, SITE, False),
        (ANA, ACME, False),
        (SITE, SITE, True),
        (SITE, ANA, False),
    ],
)
async def test_an_address_is_also_found_blocked_by_its_domain(
    consent: DoNotContact, marked: DncTarget, asked: DncTarget, *, found: bool
) -> None:
    await consent.add(marked, reason=DncReason.ASKED, note="", by=MEMBER)
    assert (await consent.find_active(asked) is not None) == found


# --- The link in a mail --------------------------------------------------------------------------------------------


async def test_the_link_of_a_mail_unsubscribes_once(store: Store, consent: DoNotContact) -> None:
    await report(store, HERE)
    await ask(store, order(1))
    for _ in range(2):
        await consent.unsubscribe(Link(address="ANA@acme.example", mail_id=1))

    [no] = await consent.list_active()
    assert (no.reason, no.by, no.target) == (DncReason.UNSUBSCRIBED, None, ANA)
    assert await kinds(store) == [Kind.MAIL_QUEUED, Kind.DO_NOT_CONTACT]


async def test_the_link_of_a_mail_that_is_gone_from_the_records_works_all_the_same(consent: DoNotContact) -> None:
    await consent.unsubscribe(Link(address="ana@acme.example", mail_id=99))
    assert [no.reason for no in await consent.list_active()] == [DncReason.UNSUBSCRIBED]
    await consent.resubscribe(Link(address="ana@acme.example", mail_id=99))
    assert await consent.list_active() == []


async def test_they_take_back_what_they_said_there_and_nothing_else(store: Store, consent: DoNotContact) -> None:
    await report(store, HERE)
    await ask(store, order(1))
    await consent.add(ANA, reason=DncReason.ASKED, note="", by=MEMBER)
    link = Link(address="ana@acme.example", mail_id=1)
    await consent.unsubscribe(link)
    await consent.resubscribe(link)
    await consent.resubscribe(link)

    assert [no.reason for no in await consent.list_active()] == [DncReason.ASKED]
    assert await kinds(store) == [Kind.MAIL_QUEUED, Kind.DO_NOT_CONTACT, Kind.CONTACT_AGAIN]


# --- Lifting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", [ANA, ACME, SITE], ids=["address", "domain", "site"])
async def test_whatever_speaks_against_the_person_on_the_card_can_be_lifted_there(
    store: Store, consent: DoNotContact, subject: DncTarget
) -> None:
    await report(store, HERE)
    await consent.add(subject, reason=DncReason.ASKED, note="", by=MEMBER)
    assert await consent.lift_for_evaluation(1, set_at=NOON, note="They agreed", by=MEMBER) == DncLiftResult(
        changed=True, by=MEMBER, at=NOON
    )
    assert await consent.active_for_evaluation(1) is None
    assert await kinds(store) == [Kind.CONTACT_AGAIN]


async def test_lifting_one_of_two_entries_reports_the_other(store: Store, consent: DoNotContact, clock: Clock) -> None:
    await report(store, HERE)
    await consent.add(ACME, reason=DncReason.TEAM, note="", by=MEMBER)
    clock.now += timedelta(minutes=1)
    await consent.add(ANA, reason=DncReason.ASKED, note="", by=MEMBER)
    found = await consent.lift_for_evaluation(1, set_at=clock(), note="", by=MEMBER)
    assert found.changed
    assert found.remaining is not None
    assert found.remaining.target == ACME


async def test_the_second_of_two_who_lift_an_entry_learns_who_was_faster(
    store: Store, consent: DoNotContact, clock: Clock
) -> None:
    await report(store, HERE)
    await consent.add(ANA, reason=DncReason.ASKED, note="", by=MEMBER)
    await consent.lift_for_evaluation(1, set_at=NOON, note="", by="U0DI")
    clock.now += timedelta(minutes=1)
    assert await consent.lift_for_evaluation(1, set_at=NOON, note="", by=MEMBER) == DncLiftResult(
        changed=False, by="U0DI", at=NOON
    )


async def test_an_entry_added_after_somebody_looked_is_not_lifted(
    store: Store, consent: DoNotContact, clock: Clock
) -> None:
    await report(store, HERE)
    await consent.add(ANA, reason=DncReason.ASKED, note="", by=MEMBER)
    clock.now += timedelta(minutes=1)
    await consent.unsubscribe(Link(address="ana@acme.example", mail_id=1))
    found = await consent.lift_for_evaluation(1, set_at=clock() + timedelta(minutes=1), note="", by=MEMBER)
    assert (found.changed, found.by) == (False, None)
    assert found.remaining is not None
    assert found.remaining.reason is DncReason.UNSUBSCRIBED


@pytest.mark.parametrize(("who", "won"), [(MEMBER, False), (ADMIN, True)], ids=["member", "admin"])
async def test_what_somebody_said_themselves_only_an_admin_lifts(
    store: Store, consent: DoNotContact, who: str, *, won: bool
) -> None:
    await report(store, HERE)
    await consent.unsubscribe(Link(address="ana@acme.example", mail_id=1))
    found = await consent.lift_for_evaluation(1, set_at=NOON, note="Their letter of today", by=who)
    assert found.changed == won
    assert (found.remaining is None) == won


@pytest.mark.parametrize("who", [MEMBER, ADMIN])
async def test_of_somebody_who_was_erased_nobody_lifts_the_mark(store: Store, consent: DoNotContact, who: str) -> None:
    await report(store, HERE)
    await store.personal_data.erase("ana@acme.example", at=NOON, by="command line")
    await report(store, license_(updated=NOON.date() + timedelta(days=1)))
    assert not (await consent.take_back(ANA, note="", by=who)).changed
    assert await store.dnc.find_active([ANA]) is not None


async def test_an_entry_is_lifted_by_its_name_and_the_answer_says_what_remains(consent: DoNotContact) -> None:
    await consent.add(ACME, reason=DncReason.TEAM, note="", by=MEMBER)
    await consent.add(ANA, reason=DncReason.ASKED, note="", by=MEMBER)
    found = await consent.take_back(ANA, note="They agreed", by=MEMBER)
    assert found.changed
    assert found.remaining is not None
    assert found.remaining.target == ACME
    again = await consent.take_back(ANA, note="They agreed", by=MEMBER)
    assert not again.changed
    assert again.remaining == found.remaining


def test_the_people_in_the_settings_are_admins(consent: DoNotContact) -> None:
    assert [consent.authority(who) for who in (ADMIN, MEMBER)] == [Authority.ADMIN, Authority.MEMBER]


async def test_a_pause_ends_when_its_time_is_over(store: Store, consent: DoNotContact, clock: Clock) -> None:
    await report(store, HERE)
    pause = DncEntry(reason=DncReason.PAUSED, by=None, at=NOON, until=NOON + timedelta(days=30), target=ANA)
    await mark(store, "ana@acme.example", pause)
    clock.now += timedelta(days=30, seconds=-1)
    await consent.end_pauses()
    assert await consent.active_for_evaluation(1) == pause
    clock.now += timedelta(seconds=1)
    await consent.end_pauses()
    assert await consent.active_for_evaluation(1) is None
    assert (await only_card(store)).people[0].dnc_entry is None
    [row] = await rows(store, do_not_contact)
    assert row.lifted_by is None
