import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from bot.domain.evaluation import Contact, License
from bot.domain.history import Entry, Kind
from bot.domain.policy import Attempt, MailState, Reason, Refused
from bot.errors import StoreError
from bot.store import Store, open_store
from bot.store.mails import Claimed, Verdict
from bot.store.schema import history, mail
from tests.builders import NOON, contact, license_, nov, opt_out
from tests.store.steps import LATER, SECRET, bring, mailed, only_card, order, report, rows

BO = Contact(email="bo@acme.example", name="Bo Birch")


@pytest.mark.parametrize(
    ("recipient", "to"),
    [pytest.param("technical", contact(), id="technical contact"), pytest.param("billing", BO, id="billing contact")],
)
async def test_a_claim_is_for_one_contact_and_their_address(store: Store, recipient: str, to: Contact) -> None:
    await report(store, license_(billing=BO))

    wanted = order(1, recipient=recipient)

    assert await store.mails.claim(wanted) == Claimed(mail_id=1, address=to.email or "", contact=to, order=wanted)


async def test_of_twenty_who_send_at_once_one_may_and_all_others_are_told_who(store: Store) -> None:
    await report(store, license_())

    answers = await asyncio.gather(*(store.mails.claim(order(1, n, by=f"U{n}")) for n in range(20)))

    [claimed] = [answer for answer in answers if isinstance(answer, Claimed)]
    [row] = await rows(store, mail)
    assert row.id == claimed.mail_id
    told = [answer for answer in answers if isinstance(answer, Refused)]
    assert told == [Refused(Reason.SENDING, by=row.actor, at=NOON)] * 19


async def test_two_copies_of_the_bot_do_not_both_send(store: Store, url: str) -> None:
    await report(store, license_())
    async with open_store(url, secret_keys=[SECRET]) as other:
        answers = await asyncio.gather(
            *(each.mails.claim(order(1, n * 2 + m)) for n in range(8) for m, each in enumerate((store, other)))
        )

    assert sum(isinstance(answer, Claimed) for answer in answers) == 1


@pytest.mark.parametrize(
    ("outcome", "answer", "told"),
    [
        pytest.param(MailState.SENT, Refused(Reason.SENT, by="U0BO", at=LATER), Kind.MAIL_SENT, id="sent"),
        pytest.param(MailState.UNKNOWN, Refused(Reason.UNKNOWN, by="U0BO", at=LATER), Kind.MAIL_UNKNOWN, id="unknown"),
        pytest.param(MailState.FAILED, None, Kind.MAIL_FAILED, id="failed"),
    ],
)
async def test_only_a_mail_that_failed_may_be_sent_again(
    store: Store, outcome: MailState, answer: Refused | None, told: Kind
) -> None:
    await report(store, license_())
    await bring(store)
    await mailed(store, order(1, 1), outcome)

    assert await bring(store) == [f"note {told} in 1.0", "update card 1"]
    again = await store.mails.claim(order(1, 2, by="U0CY"))
    assert again == answer or (answer is None and isinstance(again, Claimed))


async def test_a_card_is_painted_again_as_soon_as_a_mail_is_under_way(store: Store) -> None:
    await report(store, license_())
    await bring(store)

    await store.mails.claim(order(1))

    assert await bring(store) == ["update card 1"]


async def test_another_template_and_another_evaluation_are_other_mails(store: Store) -> None:
    await report(store, license_(), license_(app_key="com.example.forms"))
    await mailed(store, order(1, 1))

    assert isinstance(await store.mails.claim(order(1, 2, template="trial-ending")), Claimed)
    assert isinstance(await store.mails.claim(order(2, 3)), Claimed)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param({"technical": Contact(name="Ana Ash")}, Reason.NO_CONTACT, id="no address any more"),
        pytest.param({"technical": Contact(forgotten=True)}, Reason.FORGOTTEN, id="forgotten"),
        pytest.param({"technical": contact(email="ana at acme")}, Reason.MALFORMED, id="no address"),
        pytest.param({"atlassian": True}, Reason.ATLASSIAN, id="atlassian"),
        pytest.param({"license_type": "COMMERCIAL"}, Reason.CONVERTED, id="bought"),
        pytest.param({"status": "inactive"}, Reason.OVER, id="over"),
    ],
)
async def test_what_the_report_said_since_the_form_was_opened_counts(
    store: Store, facts: dict[str, Any], reason: Reason
) -> None:
    await report(store, license_())
    now: License = replace(license_(updated=nov(24)), **facts)
    await report(store, now)

    assert await store.mails.claim(order(1)) == Refused(reason)
    assert await rows(store, mail) == []


@pytest.mark.parametrize("spelling", ["ana@acme.example", "ANA@Acme.Example", "  ana@acme.example "])
async def test_who_said_no_since_the_form_was_opened_is_not_mailed(store: Store, spelling: str) -> None:
    await report(store, license_())
    await store.opt_outs.add(spelling, opt_out())

    assert await store.mails.claim(order(1)) == Refused(Reason.DO_NOT_CONTACT)
    assert await rows(store, mail) == []


async def test_a_no_of_one_contact_does_not_silence_the_other(store: Store) -> None:
    await report(store, license_(billing=BO))
    await store.opt_outs.add("ana@acme.example", opt_out())

    assert isinstance(await store.mails.claim(order(1, recipient="billing")), Claimed)


async def test_an_opt_out_and_a_claim_at_once_end_in_one_order_or_the_other(store: Store) -> None:
    await report(store, *(license_(aliases=frozenset({f"E-{n}"})) for n in range(10)))

    answers = await asyncio.gather(
        *(store.mails.claim(order(n, n)) for n in range(1, 6)),
        store.opt_outs.add("ana@acme.example", opt_out()),
        *(store.mails.claim(order(n, n)) for n in range(6, 11)),
    )

    claims = [answer for answer in answers if isinstance(answer, Claimed | Refused)]
    assert claims[5:] == [Refused(Reason.DO_NOT_CONTACT)] * 5
    assert len(await rows(store, mail)) == sum(isinstance(answer, Claimed) for answer in claims)


async def test_a_refusal_is_remembered_with_its_reason(store: Store) -> None:
    await report(store, license_(technical=None))
    await bring(store)

    await store.mails.claim(order(1))

    said = {"template": "welcome", "error": Reason.NO_CONTACT.value}
    assert (await only_card(store)).last == Entry(at=order(1).at, kind=Kind.MAIL_REFUSED, actor="U0BO", details=said)
    assert await bring(store) == ["note mail_refused in 1.0", "update card 1"]


async def test_nobody_is_mailed_about_an_evaluation_that_never_was(store: Store) -> None:
    assert await store.mails.claim(order(99)) == Refused(Reason.NO_CONTACT)


async def test_a_mail_under_way_when_the_bot_stopped_is_never_sent_again_by_the_machine(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_())
        await bring(store)
        await store.mails.claim(order(1, 1))

    async with open_store(url, secret_keys=[SECRET]) as store:
        assert await store.mails.settle_interrupted(at=LATER) == 1
        assert await store.mails.settle_interrupted(at=LATER) == 0
        assert await store.mails.claim(order(1, 2)) == Refused(Reason.UNKNOWN, by="U0BO", at=LATER)
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

    async with open_store(url, secret_keys=["another key that is long enough, too"]) as stranger:
        with pytest.raises(StoreError, match="another SECRET_KEY"):
            await stranger.mails.claim(order(1))

    assert await rows(store, mail) == []
    assert [row.kind for row in await rows(store, history)] == [Kind.STARTED]


async def test_of_many_who_say_how_a_lost_mail_ended_one_decides_and_all_others_are_told_who(store: Store) -> None:
    await report(store, license_())
    lost = await mailed(store, order(1), MailState.UNKNOWN)

    answers = await asyncio.gather(
        *(store.mails.confirm(lost.mail_id, by=f"UA{n}", at=LATER) for n in range(5)),
        *(store.mails.claim_again(lost.mail_id, by=f"UB{n}", at=LATER) for n in range(5)),
    )

    verdicts = [answer for answer in answers if isinstance(answer, Verdict)]
    [first] = {(verdict.state, verdict.by, verdict.at) for verdict in verdicts}
    assert first[0] in {MailState.SENT, MailState.SENDING}
    winners = [a for a in answers if isinstance(a, Claimed) or (isinstance(a, Verdict) and a.won)]
    assert len(winners) == 1


async def test_a_lost_mail_is_sent_again_word_for_word_to_the_same_address(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    await mailed(store, order(1), MailState.UNKNOWN)
    await bring(store)

    again = await store.mails.claim_again(1, by="U0CY", at=LATER)

    assert isinstance(again, Claimed)
    assert again.order == order(1, by="U0CY", at=LATER)
    assert again.address == "ana@acme.example"
    assert await bring(store) == ["note mail_again in 1.0", "update card 1"]
    await store.mails.settle(1, MailState.SENT, at=LATER)
    assert (await only_card(store)).mails[0].attempt == Attempt(state=MailState.SENT, by="U0CY")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param({"license_type": "COMMERCIAL"}, Reason.CONVERTED, id="bought"),
        pytest.param({"technical": BO}, Reason.ANOTHER, id="another contact"),
        pytest.param({"technical": Contact(forgotten=True)}, Reason.FORGOTTEN, id="forgotten"),
    ],
)
async def test_a_lost_mail_goes_through_the_gate_again(store: Store, facts: dict[str, Any], reason: Reason) -> None:
    await report(store, license_())
    await mailed(store, order(1), MailState.UNKNOWN)
    now: License = replace(license_(updated=nov(24)), **facts)
    await report(store, now)

    assert await store.mails.claim_again(1, by="U0CY", at=LATER) == Refused(reason)
    assert [row.state for row in await rows(store, mail)] == ["unknown"]


async def test_a_lost_mail_is_not_sent_again_to_somebody_who_said_no(store: Store) -> None:
    await report(store, license_())
    await mailed(store, order(1), MailState.UNKNOWN)
    await store.opt_outs.add("ana@acme.example", opt_out())

    assert await store.mails.claim_again(1, by="U0CY", at=LATER) == Refused(Reason.DO_NOT_CONTACT)


async def test_a_mail_that_somebody_says_arrived_is_sent_and_the_card_tells_who_said_so(store: Store) -> None:
    await report(store, license_())
    await bring(store)
    await mailed(store, order(1), MailState.UNKNOWN)
    await bring(store)

    assert await store.mails.confirm(1, by="U0CY", at=LATER) == Verdict(
        won=True, state=MailState.SENT, by="U0CY", at=LATER
    )
    assert await bring(store) == ["note mail_arrived in 1.0", "update card 1"]
    assert await store.mails.claim(order(1, 2)) == Refused(Reason.SENT, by="U0BO", at=LATER)


async def test_nothing_is_decided_about_a_mail_that_never_was(store: Store) -> None:
    assert await store.mails.confirm(99, by="U0CY", at=LATER) is None
    assert await store.mails.claim_again(99, by="U0CY", at=LATER) is None
