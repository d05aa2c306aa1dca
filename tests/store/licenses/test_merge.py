"""Two licenses, SEN-1 and E-1, that a third row of the report ties together."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from bot.domain.evaluation import CardRef, State
from bot.domain.history import Kind
from bot.domain.listing import Criteria, Days, ListKind, Page, Selection
from bot.domain.mail import MailState
from bot.domain.mail_policy import RefusalReason, Refused
from bot.domain.outbox import ApiMethod
from bot.store import Store
from bot.store.mail.repository import ClaimedMail, RejectedMail
from bot.store.schema import delivery, evaluation, history, mail
from tests.builders import NOON, TODAY, license_, nov, trial
from tests.store.steps import LATER, ask, bring, cards, claimed, known_of, mailed, only_card, order, report, rows, take

OLD = license_(aliases=frozenset({"SEN-1"}))
NEW = license_(aliases=frozenset({"E-1"}), company="Acme Ltd")
BOTH = license_(aliases=frozenset({"SEN-1", "E-1"}), company="Acme Ltd")


async def split(store: Store, *, old: bool = True, new: bool = True, posted: bool = True) -> None:
    """Both halves are on record as evaluations 1 and 2, each announced or not, their cards perhaps posted."""
    await report(store, OLD, announce=old)
    await report(store, NEW, announce=new, at=LATER)
    if posted:
        await bring(store)


async def own(store: Store, evaluation_id: int, owner: str, *, at: datetime = NOON) -> None:
    await store.evaluations.assign(evaluation_id, owner, instead_of=None, by=owner, at=at)


async def test_two_licenses_become_one_under_all_their_ids(store: Store) -> None:
    await split(store)
    await report(store, BOTH)

    found = await known_of(store, OLD, NEW, BOTH)

    assert [known and (known.ids, known.license) for known in found] == [((1,), BOTH)] * 3
    assert len(await cards(store)) == 1


async def test_three_licenses_become_one(store: Store) -> None:
    await split(store)
    await report(store, license_(aliases=frozenset({"X-1"})))

    await report(store, license_(aliases=BOTH.aliases | {"X-1"}))

    assert (await only_card(store)).evaluation.license.aliases == {"SEN-1", "E-1", "X-1"}


async def test_the_evaluation_that_lost_leads_to_the_one_that_stayed(store: Store) -> None:
    await split(store)
    await report(store, BOTH)

    first, second = [await store.evaluations.card(number) for number in (1, 2)]

    assert first is not None
    assert first == second
    assert first.evaluation.id == 1


@pytest.mark.parametrize(
    ("old", "new", "posted", "stays"),
    [
        pytest.param(True, True, True, 1, id="both posted: the older"),
        pytest.param(False, True, True, 2, id="one posted, one silent: the posted"),
        pytest.param(True, False, True, 1, id="posted, then silent: the posted"),
        pytest.param(False, True, False, 2, id="one announced, one silent: the announced"),
        pytest.param(False, False, True, 1, id="both silent: the older"),
    ],
)
async def test_the_evaluation_that_people_know_stays(
    store: Store, *, old: bool, new: bool, posted: bool, stays: int
) -> None:
    await split(store, old=old, new=new, posted=posted)
    await report(store, BOTH)

    assert (await only_card(store)).evaluation.id == stays


async def test_what_was_seen_first_counts_as_first_seen(store: Store) -> None:
    await split(store, old=False)
    await report(store, BOTH)

    assert (await only_card(store)).evaluation.first_seen == NOON


async def test_both_cards_are_painted_once_more_when_both_stand(store: Store) -> None:
    await split(store)
    await report(store, BOTH)

    assert await bring(store) == ["update card 1", "update card 2"]


async def test_a_card_that_was_not_posted_yet_never_will_be_where_another_one_stands(store: Store) -> None:
    await report(store, OLD)
    await bring(store)
    await report(store, NEW)
    await own(store, 2, "U0BO")

    await report(store, BOTH)

    assert await bring(store) == ["note assigned in 1.0", "update card 1"]
    assert await store.outbox.waiting() == 0


async def test_of_two_cards_not_posted_yet_one_is_posted(store: Store) -> None:
    await split(store, posted=False)
    await own(store, 2, "U0BO")

    await report(store, BOTH)

    assert await bring(store) == ["post card 1", "note assigned in 1.0"]


async def test_a_card_that_is_being_posted_while_it_loses_becomes_a_pointer(store: Store) -> None:
    await report(store, OLD)
    await bring(store)
    await report(store, NEW)
    (under_way,) = await store.outbox.claim(ApiMethod.POST, now=LATER)

    await report(store, BOTH)
    await store.outbox.mark_delivered(under_way, ts="2.0")

    assert await bring(store) == ["update card 1", "update card 2"]


@pytest.mark.parametrize("winner_first", [True, False], ids=["winner's row is fresher", "loser's row is fresher"])
async def test_the_fresher_row_says_how_the_trial_stands(store: Store, *, winner_first: bool) -> None:
    bought = license_(aliases=frozenset({"E-1"}), license_type="COMMERCIAL", updated=nov(24))
    await report(store, OLD, announce=not winner_first)
    await report(store, bought, announce=winner_first)

    await report(store, license_(aliases=BOTH.aliases, license_type="COMMERCIAL", updated=nov(24)))

    assert (await only_card(store)).evaluation.trial.state is State.CONVERTED


async def test_an_older_row_may_tie_them_together_and_the_youngest_stays_the_truth(store: Store) -> None:
    await report(store, OLD)
    await report(store, license_(aliases=frozenset({"E-1"}), company="Acme Ltd", updated=nov(24)))

    await report(store, license_(aliases=BOTH.aliases, company="Nobody", updated=nov(21)))

    kept = (await only_card(store)).evaluation.license
    assert (kept.company, kept.updated) == ("Acme Ltd", nov(24))


async def test_trials_with_different_starts_stay_two(store: Store) -> None:
    over = license_(aliases=frozenset({"SEN-1"}), status="inactive", latest_evaluation=nov(1), ends=nov(10))
    await report(store, over)
    await report(store, NEW)

    await report(store, BOTH)

    assert [card.evaluation.trial.started for card in await cards(store)] == [nov(1), nov(20)]
    assert {card.evaluation.license for card in await cards(store)} == {BOTH}


EARLIER = license_(aliases=frozenset({"SEN-1"}), latest_evaluation=nov(18), starts=nov(18), updated=nov(22))
"""The other half, by which the same trial began two days earlier."""


async def test_trials_whose_starts_differ_by_days_are_one_and_nothing_of_either_is_lost(store: Store) -> None:
    await report(store, EARLIER)
    await report(store, NEW, at=LATER)
    await bring(store)
    await own(store, 1, "U0BO")
    await mailed(store, order(2))
    await bring(store)

    await report(store, BOTH)

    card = await only_card(store)
    assert (card.evaluation.id, card.evaluation.trial, card.evaluation.owner) == (1, trial(), "U0BO")
    assert [m.attempt.state for m in card.mails] == [MailState.SENT]
    kinds = [row.kind for row in await rows(store, history) if row.evaluation_id == 1]
    assert kinds == [Kind.STARTED, Kind.STARTED, Kind.ASSIGNED, Kind.MAIL_QUEUED, Kind.MAIL_SENT, Kind.MERGED]
    assert await bring(store) == ["update card 1", "update card 2"]


async def test_three_licenses_whose_trials_start_days_apart_are_one_with_one_card(store: Store) -> None:
    latest = license_(aliases=frozenset({"X-1"}), latest_evaluation=nov(22), starts=nov(22), updated=nov(24))
    await report(store, EARLIER)
    await report(store, NEW)
    await report(store, latest)
    await bring(store)

    await report(store, replace(latest, aliases=BOTH.aliases | {"X-1"}))

    assert (await only_card(store)).evaluation.trial == trial(started=nov(22), reported_on=nov(24))
    assert await bring(store) == ["update card 1", "update card 2", "update card 3"]


async def test_the_trial_of_a_higher_edition_is_kept_apart_from_that_of_the_license(store: Store) -> None:
    sold = replace(NEW, license_type="COMMERCIAL", edition="Standard", latest_evaluation=None)
    await report(store, replace(OLD, updated=nov(22)))
    await report(store, replace(sold, upgrade_started=nov(20), upgrade_to="Advanced"))
    await bring(store)

    await report(store, replace(sold, aliases=BOTH.aliases, upgrade_started=nov(20), upgrade_to="Advanced"))

    trials = [card.evaluation.trial for card in await cards(store)]
    assert [(each.upgrade_to, each.state) for each in trials] == [(None, State.CONVERTED), ("Advanced", State.RUNNING)]
    assert await bring(store) == ["note converted in 1.0", "update card 1"]


async def test_a_trial_that_only_one_of_them_knew_ends_when_an_older_row_ties_them_together(store: Store) -> None:
    await report(store, replace(OLD, updated=nov(20)))
    again = license_(aliases=frozenset({"E-1"}), latest_evaluation=date(2027, 3, 1), updated=date(2027, 3, 1))
    await report(store, again)
    await bring(store)

    await report(store, replace(again, aliases=BOTH.aliases, updated=date(2027, 2, 28)))

    assert [card.evaluation.trial.state for card in await cards(store)] == [State.EXPIRED, State.RUNNING]
    assert await bring(store) == ["note ended in 1.0", "update card 1"]


@pytest.mark.parametrize(
    ("owners", "stays", "since"),
    [
        pytest.param({1: "U0BO"}, "U0BO", NOON, id="the one that stays is owned"),
        pytest.param({2: "U0CY"}, "U0CY", LATER, id="the one that goes is owned"),
        pytest.param({1: "U0BO", 2: "U0CY"}, "U0BO", NOON, id="both are owned"),
    ],
)
async def test_an_owner_is_not_lost(store: Store, owners: dict[int, str], stays: str, since: datetime) -> None:
    await split(store)
    for number, owner in owners.items():
        await own(store, number, owner, at=NOON if number == 1 else LATER)

    await report(store, BOTH)

    late = await store.evaluations.assign(1, "U0DI", instead_of=None, by="U0DI", at=LATER + timedelta(hours=1))
    assert late is not None
    assert (late.changed, late.owner, late.since) == (False, stays, since)


async def test_the_one_that_stays_has_all_history(store: Store) -> None:
    await split(store)
    await own(store, 2, "U0CY")

    await report(store, BOTH)

    assert {row.evaluation_id for row in await rows(store, history)} == {1}
    assert [row.kind for row in await rows(store, history)] == [Kind.STARTED, Kind.STARTED, Kind.ASSIGNED, Kind.MERGED]


@pytest.mark.parametrize("number", [1, 2])
async def test_a_mail_sent_before_is_not_sent_again_after(store: Store, number: int) -> None:
    await split(store)
    await mailed(store, order(number))

    await report(store, BOTH)

    for asked in (1, 2):
        assert await ask(store, order(asked, asked + 10)) == Refused(RefusalReason.SENT, by="U0BO", at=LATER)
    assert [m.attempt.state for m in (await only_card(store)).mails] == [MailState.SENT]


async def test_of_one_mail_that_waits_on_both_one_is_sent(store: Store) -> None:
    await split(store)
    for number in (1, 2):
        await ask(store, order(number, number))

    await report(store, BOTH)

    first, second = await take(store), await take(store)
    assert isinstance(first, ClaimedMail)
    assert isinstance(second, RejectedMail)


@pytest.mark.parametrize(("sent", "waits"), [(1, 2), (2, 1)])
async def test_a_mail_sent_on_one_stops_the_one_that_waits_on_the_other(store: Store, sent: int, waits: int) -> None:
    await split(store)
    await mailed(store, order(sent, 1))
    await ask(store, order(waits, 2))

    await report(store, BOTH)

    refused = Refused(RefusalReason.SENT, by="U0BO", at=LATER)
    assert await take(store) == RejectedMail(refusal=refused)
    assert await ask(store, order(1, 3)) == refused


async def test_what_was_sent_on_one_of_three_is_known_on_the_one_that_stays(store: Store) -> None:
    await report(store, *(license_(aliases=frozenset({f"X-{n}"})) for n in (1, 2, 3)))
    for number in (1, 2):
        await ask(store, order(number, number, due_at=LATER))
    await mailed(store, order(3, 3), MailState.UNKNOWN)
    await report(store, license_(aliases=frozenset({"X-2", "X-3"})))
    await report(store, license_(aliases=frozenset({"X-1", "X-2"})))

    assert [await take(store) for _ in range(2)] == [
        RejectedMail(refusal=Refused(RefusalReason.UNKNOWN, by="U0BO", at=LATER)) for _ in range(2)
    ]


async def test_mails_that_failed_on_both_are_both_on_the_card(store: Store) -> None:
    await split(store)
    await mailed(store, order(1, 1), MailState.FAILED)
    await mailed(store, order(2, 2), MailState.FAILED)

    await report(store, BOTH)

    assert [m.attempt.state for m in (await only_card(store)).mails] == [MailState.FAILED, MailState.FAILED]


async def test_a_mail_that_failed_on_one_and_was_sent_on_the_other_is_on_the_card_both_times(store: Store) -> None:
    await split(store)
    await mailed(store, order(1, 1))
    await mailed(store, order(2, 2), MailState.FAILED)

    await report(store, BOTH)

    assert [m.attempt.state for m in (await only_card(store)).mails] == [MailState.SENT, MailState.FAILED]


async def test_a_mail_under_way_is_settled_on_the_card_that_stays(store: Store) -> None:
    await split(store)
    first, second = [await claimed(store, order(number, number)) for number in (1, 2)]

    await report(store, BOTH)
    await store.mails.settle(first.mail_id, MailState.SENT, at=LATER)
    await store.mails.settle(second.mail_id, MailState.SENT, at=LATER)

    kinds = [(row.evaluation_id, row.kind) for row in await rows(store, history)]
    assert kinds[-2:] == [(1, Kind.MAIL_SENT), (1, Kind.MAIL_SENT)]
    assert len(await rows(store, mail)) == 2


async def test_what_waits_to_be_said_under_the_card_that_goes_is_said_under_the_one_that_stays(store: Store) -> None:
    await split(store)
    await own(store, 2, "U0CY")

    await report(store, BOTH)

    assert "note assigned in 1.0" in await bring(store)


async def test_a_merge_after_a_merge_still_leads_to_the_last(store: Store) -> None:
    await report(store, OLD, announce=False)
    await report(store, NEW, announce=False)
    await report(store, BOTH, announce=False)
    await report(store, license_(aliases=frozenset({"X-1"})))
    await bring(store)

    await report(store, license_(aliases=BOTH.aliases | {"X-1"}))

    found = [await store.evaluations.card(row.id) for row in await rows(store, evaluation)]
    assert [card and card.evaluation.id for card in found] == [3, 3, 3]
    assert [card and card.evaluation.card for card in found] == [CardRef(channel="C0CARDS", ts="3.0")] * 3


async def test_a_silent_merge_owes_slack_nothing(store: Store) -> None:
    await split(store, old=False, new=False)
    await report(store, BOTH, announce=False)

    assert await rows(store, delivery) == []
    days = Days(first=TODAY, last=TODAY, begins=NOON, ends=LATER)
    today = Selection(kind=ListKind.DAYS, days=days, criteria=Criteria())
    assert await store.lists.page(today, 0) == Page(rows=(), total=0)
