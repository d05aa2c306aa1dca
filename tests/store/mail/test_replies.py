"""Replies on record: each once, with what follows, and nothing of them once somebody is erased."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.cautions import Caution
from bot.domain.dnc_reason import DncReason
from bot.domain.history import Kind
from bot.domain.listing import Criteria, ListKind, Selection
from bot.domain.mail import LawfulBasis, MailState
from bot.domain.mail_policy import NeedsLawfulBasis, RefusalReason, Refused
from bot.domain.outbox import ApiMethod
from bot.domain.replies import Reply, ReplyContent, ReplyKind, Writer
from bot.domain.team_settings import RotationMember, RotationRule, TeamSettings
from bot.slack.views.card import card_message
from bot.store import Store
from bot.store.absences import Absence
from bot.store.mail.replies import NewReply, Position
from bot.store.mail.repository import ClaimedMail, QueuedMail
from bot.store.reply_tables import reply as reply_table
from tests.builders import NOON, TODAY, contact, license_
from tests.store.steps import LATER, ask, bring, mailed, only_card, order, report, rows, take

EVENING = NOON + timedelta(hours=6)
WORDS = "Could you show it to the six of us"


def at(uid: int = 7) -> Position:
    return Position(folder="inbox", uidvalidity=1, uid=uid, at=EVENING)


async def emailed(store: Store) -> int:
    """The id of an email that went to the owner-to-be's evaluator."""
    await report(store, license_(technical=contact()))
    await bring(store)
    sent = await mailed(store, order((await only_card(store)).evaluation.id))
    await bring(store)
    return sent.mail_id


async def came(
    store: Store,
    mail_id: int,
    kind: ReplyKind = ReplyKind.REPLY,
    *,
    key: str = "k1",
    when: datetime = EVENING,
    has_left: bool = False,
) -> Reply | None:
    content = ReplyContent(text=WORDS, sender="ana@acme.example", subject="Re: Welcome", message_id=f"<{key}@acme>")
    content = replace(content, has_left=has_left)
    new = NewReply(mail_id=mail_id, message_key=key, kind=kind, writer=Writer.CONTACT, content=content, at=when)
    return await store.replies.record(new, at())


async def waiting(store: Store) -> int:
    selection = Selection(kind=ListKind.WAITING, criteria=Criteria())
    return (await store.lists.page(selection, 0)).total


async def test_a_reply_is_recorded_once_and_the_folder_moves_with_it(store: Store) -> None:
    mail_id = await emailed(store)
    evaluation_id = (await only_card(store)).evaluation.id
    await store.evaluations.assign(evaluation_id, "U0ANA", instead_of=None, by="U0ANA", at=NOON)
    await bring(store)
    first = await came(store, mail_id)
    assert first is not None
    assert await came(store, mail_id) is None
    assert await store.replies.position("inbox") == at()
    assert (await only_card(store)).evaluation.waiting_since == EVENING
    brought = await bring(store)
    assert [each.split()[0] for each in brought] == ["note", "remind", "update"]
    assert brought[0].startswith("note mail_replied")
    found = await store.replies.find(first.id)
    assert found is not None
    assert found.reply.content == first.content
    assert found.mail is not None
    assert found.mail.to == "ana@acme.example"
    assert await store.replies.latest(evaluation_id) == first.id


@pytest.mark.parametrize(
    ("owner", "away", "receiver"),
    [
        (None, (), "U0ANA"),
        ("U0BEN", (), "U0BEN"),
        ("U0BEN", ("U0BEN",), "U0ANA"),
        ("U0BEN", ("U0BEN", "U0ANA"), "U0BEN"),
    ],
    ids=["nobody owns it", "the owner is here", "the owner is away", "all are away"],
)
async def test_the_next_in_the_rotation_hears_of_it_if_the_owner_is_away(
    store: Store, owner: str | None, away: tuple[str, ...], receiver: str
) -> None:
    mail_id = await emailed(store)
    rule = RotationRule(members=(RotationMember("U0ANA"), RotationMember("U0BEN")))
    await store.team.change_settings(TeamSettings(rotation=(rule,)), by="U0CY", at=NOON)
    evaluation_id = (await only_card(store)).evaluation.id
    await store.evaluations.assign(evaluation_id, owner, instead_of=None, by="U0CY", at=NOON)
    for each in away:
        await store.absences.begin(each, Absence(since=NOON))
    await bring(store)
    for key in ("k1", "k2"):  # it costs no turn
        await came(store, mail_id, key=key)
        assert f"remind {receiver} of {evaluation_id}" in await bring(store)


async def test_somebody_waits_until_an_email_that_was_asked_for_later_or_done(store: Store) -> None:
    mail_id = await emailed(store)
    evaluation_id = (await only_card(store)).evaluation.id
    await came(store, mail_id)
    assert await waiting(store) == 1
    await store.dispositions.done(evaluation_id, by="U0BO", at=EVENING + timedelta(minutes=1))
    assert await waiting(store) == 0
    await came(store, mail_id, key="k2", when=EVENING + timedelta(hours=1))
    assert await waiting(store) == 1
    changed = await store.dispositions.done(evaluation_id, by="U0CY", at=EVENING + timedelta(hours=2))
    assert changed is not None
    assert changed.changed
    assert await store.reminders.candidates(now=EVENING, only_waiting=True) == []


async def test_an_answer_goes_once_in_any_state_of_the_trial_and_ends_the_wait(store: Store) -> None:
    mail_id = await emailed(store)
    evaluation_id = (await only_card(store)).evaluation.id
    found = await came(store, mail_id)
    assert found is not None
    answer = order(evaluation_id, 2, template=f"answer/{found.id}", basis=LawfulBasis.WROTE, at=EVENING)
    assert isinstance(await ask(store, answer), QueuedMail)
    again = await ask(store, replace(answer, message_id="<3@vendor.example>"))
    assert isinstance(again, Refused)
    assert again.reason is RefusalReason.ANSWERED
    taken = await take(store, now=EVENING)
    assert isinstance(taken, ClaimedMail)
    await store.mails.settle(taken.mail_id, MailState.SENT, at=EVENING)
    assert await waiting(store) == 0
    invented = order(evaluation_id, 4, template="answer/999", basis=LawfulBasis.WROTE, at=EVENING)
    refused = await ask(store, invented)
    assert refused == Refused(RefusalReason.NO_LAWFUL_BASIS)


async def test_a_no_blocks_the_address_and_nobody_waits(store: Store) -> None:
    mail_id = await emailed(store)
    await came(store, mail_id)
    await came(store, mail_id, ReplyKind.REFUSAL, key="k2")
    [person] = [each for each in (await only_card(store)).people if each.contact.email == "ana@acme.example"]
    assert person.dnc_entry is not None
    assert person.dnc_entry.reason is DncReason.UNSUBSCRIBED
    assert await waiting(store) == 0


async def test_somebody_who_may_have_left_is_emailed_only_on_purpose_until_they_write_themselves(store: Store) -> None:
    mail_id = await emailed(store)
    evaluation_id = (await only_card(store)).evaluation.id
    await came(store, mail_id, ReplyKind.AUTOMATIC, key="k1", has_left=True)
    again = order(evaluation_id, 2, template="trial-ending", at=EVENING)
    asks = await ask(store, again)
    assert isinstance(asks, NeedsLawfulBasis)
    assert asks.cautions[0] is Caution.GONE
    assert "may have left" in str(card_message(await only_card(store), today=TODAY).blocks)
    await came(store, mail_id, key="k2")
    assert isinstance(await ask(store, again), QueuedMail)


async def test_an_erased_person_leaves_no_byte_of_a_reply_and_slack_is_updated(store: Store, file: Path) -> None:
    mail_id = await emailed(store)
    await came(store, mail_id)
    await bring(store)
    exported = await store.personal_data.export("ana@acme.example", at=EVENING, by="somebody")
    assert [each["text"] for each in exported["replies"]] == [WORDS]
    [row] = await rows(store, reply_table)
    sealed = row.content
    await store.personal_data.erase("ana@acme.example", at=EVENING, by="somebody")
    assert [each.content for each in await rows(store, reply_table)] == [None]
    files = [each.read_bytes() for each in file.parent.glob(f"{file.name}*")]
    assert not any(sealed in content or WORDS.encode() in content for content in files)
    updates = await store.outbox.claim(ApiMethod.UPDATE, now=EVENING, most=9)
    assert Kind.MAIL_REPLIED in {each.entry.kind for each in updates if each.entry is not None}


async def test_replies_are_kept_no_longer_than_emails(store: Store) -> None:
    mail_id = await emailed(store)
    await came(store, mail_id)
    await store.personal_data.apply_retention(EVENING + timedelta(days=1), at=LATER)
    assert [each.content for each in await rows(store, reply_table)] == [None]
