"""What bounces say about the address."""

from datetime import timedelta

import pytest

from bot.domain.dnc import DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Contact
from bot.domain.mail import MailState
from bot.domain.mail_policy import RefusalReason, Refused
from bot.security.keyring import Keyring
from bot.store import Store
from bot.store.mail.sealing import decrypt_content
from bot.store.schema import do_not_contact, mail
from tests.builders import license_
from tests.store.steps import LATER, SECRET, ask, mailed, order, report, rows

KEYS = Keyring([SECRET])


async def send(store: Store, count: int) -> None:
    """So many mails went to Ana."""
    await report(store, license_())
    for number in range(1, count + 1):
        await mailed(store, order(1, number, template=f"letter-{number}"))


async def soft(store: Store, mail_id: int, *, days: int = 0) -> None:
    await store.bounces.record_soft_bounce(mail_id, status="4.2.2", at=LATER + timedelta(days=days), threshold=3)


async def causes(store: Store) -> list[str]:
    return [row.reason for row in await rows(store, do_not_contact)]


async def test_three_mails_that_did_not_get_through_within_a_month_are_a_pause(store: Store) -> None:
    await send(store, 3)

    for number in (1, 2, 2, 3):
        assert await causes(store) == []
        await soft(store, number)

    [pause] = await rows(store, do_not_contact)
    assert (pause.reason, pause.until) == (DncReason.PAUSED, LATER + timedelta(days=30))


async def test_what_is_longer_ago_than_a_month_does_not_count(store: Store) -> None:
    await send(store, 3)

    for number, days in ((1, 0), (2, 15), (3, 31)):
        await soft(store, number, days=days)

    assert await causes(store) == []


async def test_what_was_refused_because_of_us_does_not_count_against_the_address(store: Store) -> None:
    await send(store, 3)

    for number in (1, 2):
        await store.bounces.record_policy_refusal(number, status="5.7.1", at=LATER)
    await soft(store, 3)

    assert await causes(store) == []
    assert [row.bounced for row in await rows(store, mail)] == ["5.7.1", "5.7.1", "4.2.2"]


async def test_what_did_not_get_through_counts_whatever_is_reported_of_it_later(store: Store) -> None:
    await send(store, 3)
    await soft(store, 1)
    await store.bounces.record_policy_refusal(1, status="5.7.1", at=LATER)

    for number in (2, 3):
        await soft(store, number)

    assert await causes(store) == [DncReason.PAUSED]


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("bounced", "complained", [DncReason.BOUNCED, DncReason.COMPLAINED]),
        ("complained", "bounced", [DncReason.COMPLAINED]),
    ],
)
async def test_the_stronger_cause_stands_whichever_comes_first(
    store: Store, first: str, second: str, found: list[DncReason]
) -> None:
    await send(store, 1)

    for kind in (first, second):
        if kind == "bounced":
            await store.bounces.record_hard_bounce(1, status="5.1.1", at=LATER)
        else:
            await store.bounces.record_complaint(1, at=LATER)

    assert await causes(store) == found


async def test_a_mail_that_came_back_did_go(store: Store) -> None:
    await report(store, license_())
    await mailed(store, order(1), MailState.UNKNOWN)

    await store.bounces.record_policy_refusal(1, status="5.7.1", at=LATER)

    assert [row.state for row in await rows(store, mail)] == ["sent"]


async def test_a_complaint_about_a_mail_whose_words_are_gone_still_blocks_the_address(
    store: Store,
) -> None:
    await send(store, 1)
    years = timedelta(days=800)
    await store.personal_data.apply_retention(LATER + years, at=LATER + years)
    [sent] = await rows(store, mail)
    assert decrypt_content(sent.content, KEYS) is None

    for _ in range(2):
        await store.bounces.record_complaint(1, at=LATER + years)

    assert await causes(store) == [DncReason.COMPLAINED]
    dnc_entry = await store.dnc.find_active([DncTarget.of_address("ANA@acme.example")])
    assert dnc_entry is not None
    assert (dnc_entry.reason, dnc_entry.target) == (DncReason.COMPLAINED, None)
    # They evaluate again: the card says so, and nobody may write to them.
    await report(store, license_(aliases=frozenset({"E-2"}), updated=(LATER + years).date()))
    refused = await ask(store, order(2, 2, template="welcome"))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.DO_NOT_CONTACT


@pytest.mark.parametrize("cause", [DncReason.FORGOTTEN, DncReason.ERASED])
async def test_a_permanent_entry_is_not_added_again(store: Store, cause: DncReason) -> None:
    await send(store, 1)
    if cause is DncReason.ERASED:
        await store.personal_data.erase("ana@acme.example", at=LATER, by="U0ANA")
    else:
        await report(store, license_(technical=Contact(forgotten=True), updated=LATER.date() + timedelta(days=1)))

    await store.bounces.record_complaint(1, at=LATER)

    assert await causes(store) == [cause]
