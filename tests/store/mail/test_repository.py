import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from bot.domain.evaluation import Contact, License
from bot.domain.history import Entry, Kind, MailEvent
from bot.domain.mail import Attempt, LawfulBasis, MailState
from bot.domain.mail_policy import NeedsLawfulBasis, RefusalReason, Refused
from bot.domain.outbox import DeliveryKind
from bot.errors import StoreError
from bot.store import Store, open_store
from bot.store.mail.repository import ClaimedMail, MailStatus, QueuedMail, RejectedMail
from bot.store.schema import delivery, history, mail
from tests.builders import FREELY, NOON, OPEN, contact, dnc_entry, license_, nov
from tests.store.steps import (
    LATER,
    SECRET,
    ask,
    bring,
    claimed,
    lift,
    mailed,
    mark,
    only_card,
    order,
    report,
    rows,
    take,
)

BO = Contact(email="bo@acme.example", name="Bo Birch")


@pytest.mark.parametrize(
    ("recipient", "to"),
    [pytest.param("technical", contact(), id="technical contact"), pytest.param("billing", BO, id="billing contact")],
)
async def test_a_claim_is_for_one_contact_and_their_address(store: Store, recipient: str, to: Contact) -> None:
    await report(store, license_(billing=BO))

    taken = await claimed(store, order(1, recipient=recipient))

    assert (taken.mail_id, taken.address, taken.contact) == (1, to.email, to)


async def test_when_twenty_send_at_once_one_may_and_the_others_learn_who(store: Store) -> None:
    await report(store, license_())

    answers = await asyncio.gather(*(ask(store, order(1, n, by=f"U{n}")) for n in range(20)))

    [held] = [answer for answer in answers if isinstance(answer, QueuedMail)]
    [row] = await rows(store, mail)
    assert row.id == held.mail_id
    reported = [answer for answer in answers if isinstance(answer, Refused)]
    assert reported == [Refused(RefusalReason.QUEUED, by=row.actor, at=NOON)] * 19


async def test_two_copies_of_the_bot_do_not_both_send(store: Store, url: str) -> None:
    await report(store, license_())
    async with open_store(url, secret_keys=[SECRET]) as other:
        answers = await asyncio.gather(
            *(ask(each, order(1, n * 2 + m)) for n in range(8) for m, each in enumerate((store, other)))
        )

    assert sum(isinstance(answer, QueuedMail) for answer in answers) == 1


@pytest.mark.parametrize(
    ("outcome", "answer", "reported"),
    [
        pytest.param(MailState.SENT, Refused(RefusalReason.SENT, by="U0BO", at=LATER), Kind.MAIL_SENT, id="sent"),
        pytest.param(
            MailState.UNKNOWN, Refused(RefusalReason.UNKNOWN, by="U0BO", at=LATER), Kind.MAIL_UNKNOWN, id="unknown"
        ),
        pytest.param(MailState.FAILED, None, Kind.MAIL_FAILED, id="failed"),
    ],
)
async def test_only_a_mail_that_failed_may_be_sent_again(
    store: Store, outcome: MailState, answer: Refused | None, reported: Kind
) -> None:
    await report(store, license_())
    await bring(store)
    await mailed(store, order(1, 1), outcome)

    assert await bring(store) == [f"note {reported} in 1.0", "update card 1"]
    again = await ask(store, order(1, 2, by="U0CY"))
    assert again == answer or (answer is None and isinstance(again, QueuedMail))


async def test_card_and_thread_show_an_email_on_its_way_and_the_same_line_says_later_that_it_was_sent(
    store: Store,
) -> None:
    await report(store, license_())
    await bring(store)

    await ask(store, order(1))
    assert await bring(store) == ["note mail_queued in 1.0", "update card 1"]
    await take(store)
    await store.mails.settle(1, MailState.SENT, at=LATER)

    assert await bring(store) == ["note mail_sent in 1.0", "update card 1"]
    assert [row.kind for row in await rows(store, delivery)].count(DeliveryKind.NOTE) == 1


async def test_a_failure_gets_a_line_of_its_own_under_one_that_people_have_read(store: Store) -> None:
    await report(store, license_())
    await ask(store, order(1))
    await bring(store)
    await take(store)
    await store.mails.settle(1, MailState.FAILED, at=LATER, error="The server said no.")

    assert await bring(store) == ["note mail_failed in 1.0", "update card 1"]


async def test_where_there_is_no_pause_another_template_and_another_evaluation_are_other_mails(store: Store) -> None:
    await report(store, license_(), license_(app_key="com.example.forms"))
    await mailed(store, order(1, 1))

    assert isinstance(await ask(store, order(1, 2, template="trial-ending")), QueuedMail)
    assert isinstance(await ask(store, order(2, 3)), QueuedMail)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param({"technical": Contact(name="Ana Ash")}, RefusalReason.NO_CONTACT, id="no address any more"),
        pytest.param({"technical": Contact(forgotten=True)}, RefusalReason.FORGOTTEN, id="forgotten"),
        pytest.param({"technical": contact(email="ana at acme")}, RefusalReason.MALFORMED, id="no address"),
        pytest.param({"atlassian": True}, RefusalReason.ATLASSIAN, id="atlassian"),
        pytest.param({"license_type": "COMMERCIAL"}, RefusalReason.CONVERTED, id="bought"),
        pytest.param({"status": "inactive"}, RefusalReason.OVER, id="over"),
    ],
)
async def test_what_the_report_said_since_the_form_was_opened_counts(
    store: Store, facts: dict[str, Any], reason: RefusalReason
) -> None:
    await report(store, license_())
    now: License = replace(license_(updated=nov(24)), **facts)
    await report(store, now)

    assert await ask(store, order(1)) == Refused(reason)
    assert await rows(store, mail) == []


@pytest.mark.parametrize("spelling", ["ana@acme.example", "ANA@Acme.Example", "  ana@acme.example "])
async def test_who_said_no_since_the_form_was_opened_is_not_mailed(store: Store, spelling: str) -> None:
    await report(store, license_())
    await mark(store, spelling, dnc_entry())

    assert await ask(store, order(1)) == Refused(RefusalReason.DO_NOT_CONTACT)
    assert await rows(store, mail) == []


async def test_a_no_of_one_contact_does_not_silence_the_other(store: Store) -> None:
    await report(store, license_(billing=BO))
    await mark(store, "ana@acme.example", dnc_entry())

    assert isinstance(await ask(store, order(1, recipient="billing")), QueuedMail)


async def test_an_opt_out_and_a_claim_at_once_end_in_one_order_or_the_other(store: Store) -> None:
    await report(store, *(license_(aliases=frozenset({f"E-{n}"})) for n in range(10)))

    answers = await asyncio.gather(
        *(ask(store, order(n, n)) for n in range(1, 6)),
        mark(store, "ana@acme.example", dnc_entry()),
        *(ask(store, order(n, n)) for n in range(6, 11)),
    )

    claims = [answer for answer in answers if isinstance(answer, QueuedMail | Refused)]
    assert claims[5:] == [Refused(RefusalReason.DO_NOT_CONTACT)] * 5
    assert len(await rows(store, mail)) == sum(isinstance(answer, QueuedMail) for answer in claims)


async def test_a_refusal_is_remembered_with_its_reason(store: Store) -> None:
    await report(store, license_(technical=None))
    await bring(store)

    await ask(store, order(1))

    fact = MailEvent(kind=Kind.MAIL_REFUSED, template="welcome", error=RefusalReason.NO_CONTACT.value)
    assert (await only_card(store)).last == Entry(at=order(1).at, actor="U0BO", fact=fact)
    assert await bring(store) == ["note mail_refused in 1.0", "update card 1"]


async def test_nobody_is_mailed_about_an_evaluation_that_never_was(store: Store) -> None:
    assert await ask(store, order(99)) == Refused(RefusalReason.NO_CONTACT)


async def test_a_mail_under_way_when_the_bot_stopped_is_never_sent_again_by_the_machine(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_())
        await bring(store)
        await claimed(store, order(1, 1))

    async with open_store(url, secret_keys=[SECRET]) as store:
        assert await store.mails.recover_in_flight(at=LATER) == 1
        assert await store.mails.recover_in_flight(at=LATER) == 0
        assert await ask(store, order(1, 2)) == Refused(RefusalReason.UNKNOWN, by="U0BO", at=LATER)
        [row] = await rows(store, mail)
        assert (row.state, row.settled_at, row.error) == (
            "unknown",
            LATER,
            "The bot was stopped while it was being sent.",
        )
        assert "note mail_unknown in 1.0" in await bring(store)


async def test_the_database_itself_refuses_a_second_live_mail(store: Store) -> None:
    await report(store, license_())
    await mailed(store, order(1, 1))
    [sent] = await rows(store, mail)
    again = {**sent._mapping, "id": None, "message_id": "<2@vendor.example>"}  # noqa: SLF001  SQLAlchemy's public name

    with pytest.raises(IntegrityError):
        async with store.database.write() as connection:
            await connection.execute(mail.insert().values(again))

    assert await rows(store, mail) == [sent]


async def test_a_contact_that_cannot_be_decrypted_is_not_mailed(store: Store, url: str) -> None:
    await report(store, license_())

    with pytest.raises(StoreError, match="another SECRET_KEY"):
        async with open_store(url, secret_keys=["another key that is long enough, too"]) as stranger:
            await ask(stranger, order(1))

    assert await rows(store, mail) == []
    assert [row.kind for row in await rows(store, history)] == [Kind.STARTED]


async def test_when_many_settle_a_lost_mail_one_decides_and_the_others_learn_who(store: Store) -> None:
    await report(store, license_())
    lost = await mailed(store, order(1), MailState.UNKNOWN)

    answers = await asyncio.gather(
        *(store.mails.confirm(lost.mail_id, by=f"UA{n}", at=LATER) for n in range(5)),
        *(store.mails.resend(lost.mail_id, FREELY, by=f"UB{n}", at=LATER) for n in range(5)),
    )

    verdicts = [answer for answer in answers if isinstance(answer, MailStatus)]
    [first] = {(verdict.state, verdict.by, verdict.at) for verdict in verdicts}
    assert first[0] in {MailState.SENT, MailState.QUEUED}
    winners = [a for a in answers if isinstance(a, QueuedMail) or (isinstance(a, MailStatus) and a.changed)]
    assert len(winners) == 1


async def test_a_lost_mail_is_sent_again_word_for_word_to_the_same_address(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    await mailed(store, order(1), MailState.UNKNOWN)
    await bring(store)

    again = await store.mails.resend(1, FREELY, by="U0CY", at=LATER)

    assert isinstance(again, QueuedMail)
    taken = await take(store)
    assert isinstance(taken, ClaimedMail)
    assert (taken.address, taken.message_id) == ("ana@acme.example", "<1@vendor.example>")
    assert taken.content == replace(order(1).content, to="ana@acme.example")
    assert await bring(store) == ["note mail_again in 1.0", "update card 1"]
    await store.mails.settle(1, MailState.SENT, at=LATER)
    assert (await only_card(store)).mails[0].attempt == Attempt(state=MailState.SENT, by="U0CY")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param({"license_type": "COMMERCIAL"}, RefusalReason.CONVERTED, id="bought"),
        pytest.param({"technical": BO}, RefusalReason.ANOTHER, id="another contact"),
        pytest.param({"technical": Contact(forgotten=True)}, RefusalReason.FORGOTTEN, id="forgotten"),
    ],
)
async def test_a_lost_mail_goes_through_the_gate_again(
    store: Store, facts: dict[str, Any], reason: RefusalReason
) -> None:
    await report(store, license_())
    await mailed(store, order(1), MailState.UNKNOWN)
    now: License = replace(license_(updated=nov(24)), **facts)
    await report(store, now)

    assert await store.mails.resend(1, FREELY, by="U0CY", at=LATER) == Refused(reason)
    assert [row.state for row in await rows(store, mail)] == ["unknown"]


async def test_a_lost_mail_is_not_sent_again_to_somebody_who_said_no(store: Store) -> None:
    await report(store, license_())
    await mailed(store, order(1), MailState.UNKNOWN)
    await mark(store, "ana@acme.example", dnc_entry())

    assert await store.mails.resend(1, FREELY, by="U0CY", at=LATER) == Refused(RefusalReason.DO_NOT_CONTACT)


async def test_a_mail_that_somebody_says_arrived_is_sent_and_the_card_tells_who_said_so(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    await mailed(store, order(1), MailState.UNKNOWN)
    await bring(store)

    assert await store.mails.confirm(1, by="U0CY", at=LATER) == MailStatus(
        changed=True, state=MailState.SENT, by="U0CY", at=LATER
    )
    assert await bring(store) == ["note mail_arrived in 1.0", "update card 1"]
    assert await ask(store, order(1, 2)) == Refused(RefusalReason.SENT, by="U0BO", at=LATER)


async def test_nothing_is_decided_about_a_mail_that_never_was(store: Store) -> None:
    assert await store.mails.confirm(99, by="U0CY", at=LATER) is None
    assert await store.mails.resend(99, FREELY, by="U0CY", at=LATER) is None


async def test_one_address_gets_one_mail_a_week_from_all_evaluations(store: Store) -> None:
    await report(store, license_(), license_(app_key="com.example.forms"))
    await mailed(store, order(1, 1))

    soon = order(2, 2, by="U0CY", at=LATER + timedelta(hours=1), due_at=LATER + timedelta(hours=1))
    late = order(2, 3, by="U0CY", at=LATER + timedelta(days=7), due_at=LATER + timedelta(days=7))

    refused = Refused(RefusalReason.TOO_SOON, by="U0BO", at=LATER, until=LATER + timedelta(days=7))
    assert await ask(store, soon, OPEN) == refused
    assert isinstance(await ask(store, late, OPEN), QueuedMail)


async def test_the_week_begins_when_a_mail_went_however_long_the_server_put_it_off(store: Store) -> None:
    await report(store, license_(), license_(app_key="com.example.forms"))
    taken = await claimed(store, order(1, 1))
    went = NOON + timedelta(days=2)
    await store.mails.settle(taken.mail_id, MailState.SENT, at=went)

    refused = Refused(RefusalReason.TOO_SOON, by="U0BO", at=went, until=went + timedelta(days=7))
    for days, held in ((7, False), (8, False), (9, True)):
        at = NOON + timedelta(days=days)
        asked = await ask(store, order(2, days, at=at, due_at=at), OPEN)
        assert isinstance(asked, QueuedMail) if held else asked == refused


async def test_nobody_is_written_to_while_another_mail_to_them_is_still_to_go(store: Store) -> None:
    await report(store, license_(), license_(app_key="com.example.forms"))
    daily = replace(OPEN, at_most_every=timedelta(days=1))
    taken = await claimed(store, order(1, 1))
    at = NOON + timedelta(days=1, hours=1)
    refused = Refused(RefusalReason.TOO_SOON, by="U0BO", at=NOON)

    assert await ask(store, order(2, 2, at=at, due_at=at), daily) == refused
    await store.mails.defer(taken.mail_id, until=at, at=LATER, error="")
    assert await ask(store, order(2, 2, at=at, due_at=at), daily) == refused


async def test_of_two_that_wait_for_one_address_the_first_goes(store: Store) -> None:
    await report(store, license_(), license_(app_key="com.example.forms"))
    for number in (1, 2):
        await ask(store, order(number, number))

    taken, stopped = await take(store, rules=OPEN), await take(store, rules=OPEN)

    assert isinstance(taken, ClaimedMail)
    assert (taken.mail_id, taken.first) == (1, True)
    assert stopped == RejectedMail(refusal=Refused(RefusalReason.TOO_SOON, by="U0BO", at=NOON))


async def test_a_lost_mail_that_was_to_go_again_and_did_not_is_lost_still(store: Store) -> None:
    await report(store, license_())
    await mailed(store, order(1), MailState.UNKNOWN)
    unknown = Refused(RefusalReason.UNKNOWN, by="U0BO", at=LATER)

    await store.mails.resend(1, FREELY, by="U0BO", at=LATER)
    verdict = await store.mails.cancel(1, by="U0BO", at=LATER)
    assert verdict is not None
    assert verdict.changed
    assert await ask(store, order(1, 2)) == unknown

    await store.mails.resend(1, FREELY, by="U0BO", at=LATER)
    taken = await take(store)
    assert isinstance(taken, ClaimedMail)
    await store.mails.settle(taken.mail_id, MailState.FAILED, at=LATER)
    assert await ask(store, order(1, 3)) == unknown

    await store.mails.resend(1, FREELY, by="U0BO", at=LATER)
    await mark(store, "ana@acme.example")
    assert isinstance(await take(store), RejectedMail)
    await lift(store, "ana@acme.example")
    assert await ask(store, order(1, 4)) == unknown
    assert isinstance(await store.mails.resend(1, FREELY, by="U0BO", at=LATER), QueuedMail)


async def test_a_mail_that_was_not_sent_makes_nobody_wait(store: Store) -> None:
    await report(store, license_(), license_(app_key="com.example.forms"))
    await mailed(store, order(1, 1), MailState.FAILED)

    assert isinstance(await ask(store, order(2, 2), OPEN), QueuedMail)


async def test_a_held_mail_goes_when_its_time_has_come_and_not_before(store: Store) -> None:
    await report(store, license_())
    due = NOON + timedelta(seconds=10)
    held = await ask(store, order(1, due_at=due))

    assert held == QueuedMail(mail_id=1, contact=contact(), due_at=due)
    assert await store.mails.next_due() == due
    assert await take(store, now=due - timedelta(seconds=1)) is None
    assert isinstance(await take(store, now=due), ClaimedMail)
    assert await store.mails.next_due() is None
    assert await take(store, now=due) is None


async def test_who_sent_a_mail_can_take_it_back_and_then_send_it_again(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    await ask(store, order(1, due_at=LATER))

    assert await store.mails.cancel(1, by="U0CY", at=NOON) == MailStatus(
        changed=False, state=MailState.QUEUED, by="U0BO", at=NOON
    )
    undone = MailStatus(changed=True, state=MailState.CANCELLED, by="U0BO", at=NOON)
    assert await store.mails.cancel(1, by="U0BO", at=NOON) == undone
    assert await store.mails.cancel(1, by="U0BO", at=LATER) == replace(undone, changed=False)
    assert await take(store) is None
    assert await bring(store) == ["note mail_undone in 1.0", "update card 1"]
    assert isinstance(await ask(store, order(1, 2)), QueuedMail)


async def test_a_mail_that_is_being_sent_cannot_be_cancelled(store: Store) -> None:
    await report(store, license_())
    taken = await claimed(store, order(1))

    verdict = await store.mails.cancel(taken.mail_id, by="U0BO", at=LATER)

    assert verdict == MailStatus(changed=False, state=MailState.SENDING, by="U0BO", at=NOON)
    assert await store.mails.cancel(99, by="U0BO", at=LATER) is None


async def test_of_undo_and_the_moment_it_goes_one_wins(store: Store) -> None:
    await report(store, *(license_(aliases=frozenset({f"E-{n}"})) for n in range(8)))
    for n in range(1, 9):
        await ask(store, order(n, n))

    answers = await asyncio.gather(
        *(each for n in range(1, 9) for each in (take(store), store.mails.cancel(n, by="U0BO", at=LATER)))
    )

    gone = {answer.mail_id for answer in answers if isinstance(answer, ClaimedMail)}
    back = [
        n
        for n in range(1, 9)
        if answers[2 * n - 1] == MailStatus(changed=True, state=MailState.CANCELLED, by="U0BO", at=LATER)
    ]
    assert gone.isdisjoint(back)
    assert sorted([*gone, *back]) == list(range(1, 9))


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param({"license_type": "COMMERCIAL"}, RefusalReason.CONVERTED, id="bought"),
        pytest.param({"technical": BO}, RefusalReason.ANOTHER, id="another contact"),
        pytest.param({"technical": Contact(forgotten=True)}, RefusalReason.FORGOTTEN, id="forgotten"),
        pytest.param({"sandbox": True}, RefusalReason.SANDBOX, id="a sandbox"),
    ],
)
async def test_a_mail_that_waits_goes_through_the_gate_when_it_is_due(
    store: Store, facts: dict[str, Any], reason: RefusalReason
) -> None:
    await report(store, license_())
    await bring(store)
    await ask(store, order(1))
    now: License = replace(license_(updated=nov(24)), **facts)
    await report(store, now)

    assert await take(store) == RejectedMail(refusal=Refused(reason))
    assert [(row.state, row.due_at) for row in await rows(store, mail)] == [("failed", None)]
    assert "note mail_failed in 1.0" in await bring(store)


async def test_a_deferred_mail_has_one_line_and_is_claimed_again_when_it_is_due(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    taken = await claimed(store, order(1))
    again = LATER + timedelta(minutes=1)

    await store.mails.defer(taken.mail_id, until=again, at=LATER, error="Later.")
    assert "note mail_deferred in 1.0" in await bring(store)
    assert await take(store) is None
    second = await take(store, now=again)
    assert isinstance(second, ClaimedMail)
    assert second.attempts == 2
    await store.mails.defer(taken.mail_id, until=again, at=again, error="Later.")
    assert [line for line in await bring(store) if line.startswith("note")] == []


async def test_a_mail_that_could_not_go_for_days_does_not_go_any_more(store: Store) -> None:
    """It may come out of a backup that was put back, too."""
    await report(store, license_())
    await ask(store, order(1))

    assert await take(store, now=NOON + timedelta(days=4)) == RejectedMail(refusal=Refused(RefusalReason.TOO_LATE))


async def test_where_the_policy_asks_for_a_ground_the_one_that_was_named_is_kept(store: Store) -> None:
    await report(store, license_(technical=contact(email="it@acme.example")))

    assert isinstance(await ask(store, order(1)), NeedsLawfulBasis)
    assert isinstance(await ask(store, order(1, basis=LawfulBasis.REQUEST)), QueuedMail)
    [row] = await rows(store, mail)
    assert row.lawful_basis == "REQUEST"
    assert isinstance(await take(store), ClaimedMail)


async def test_only_the_first_mail_to_an_address_is_the_first(store: Store) -> None:
    await report(store, license_(), license_(app_key="com.example.forms"))

    assert (await mailed(store, order(1, 1))).first
    assert not (await mailed(store, order(2, 2))).first
