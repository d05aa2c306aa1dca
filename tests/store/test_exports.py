"""Tables for other programs, page by page, on either engine."""

import tracemalloc
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import delete, insert, update

from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import NotForUsReason
from bot.domain.export_choices import ExportKind, ExportScope, RecordFormat
from bot.domain.exports import EmailRecord, EvaluationRecord, ExportedOwner, HistoryRecord, Record
from bot.domain.mail import LawfulBasis
from bot.exports.records import write_records
from bot.store import Store, open_store
from bot.store.exports import PAGE_SIZE
from bot.store.schema import evaluation, history, mail
from bot.store.schema import license_ as license_table
from tests.builders import NOON, OPEN, TODAY, contact, dnc_entry, license_, nov
from tests.store.steps import CHANNEL, SECRET, mailed, mark, order, report, rows
from tests.store.test_listing import statements

EVERYTHING = ExportScope()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, secret_keys=[SECRET]) as found:
        yield found


async def table(store: Store, kind: ExportKind, scope: ExportScope = EVERYTHING) -> list[Record]:
    """The whole table."""
    found = list[Record]()
    after: int | None = 0
    while after is not None:
        page = await store.exports.page(kind, scope, OPEN, after=after)
        found += page.records
        after = page.next_after
    return found


async def evaluations(store: Store, scope: ExportScope = EVERYTHING) -> list[EvaluationRecord]:
    return [each for each in await table(store, ExportKind.EVALUATIONS, scope) if isinstance(each, EvaluationRecord)]


async def emails(store: Store, scope: ExportScope = EVERYTHING) -> list[EmailRecord]:
    return [each for each in await table(store, ExportKind.EMAILS, scope) if isinstance(each, EmailRecord)]


async def facts(store: Store, scope: ExportScope = EVERYTHING) -> list[HistoryRecord]:
    return [each for each in await table(store, ExportKind.HISTORY, scope) if isinstance(each, HistoryRecord)]


async def test_an_evaluation_has_what_the_team_and_the_report_say(store: Store) -> None:
    await report(store, license_(site="acme.atlassian.net", country="Germany", opportunity_size="57"))
    async with store.database.write() as connection:
        done = {"owner": "U0BO", "done_at": NOON, "done_by": "U0BO", "card_ts": "12.000034"}
        ours = {"not_for_us_at": NOON, "not_for_us_by": "U0BO", "not_for_us_reason": NotForUsReason.STUDENT}
        await connection.execute(update(evaluation).values(**done, **ours))
    await store.team_members.record("U0BO", "bo@vendor.example", at=NOON)
    await store.team_members.record_workspace("https://vendor.slack.com/")
    [found] = await evaluations(store)
    assert (found.company, found.site, found.country) == ("Acme", "acme.atlassian.net", "Germany")
    assert found.owner == ExportedOwner(slack_id="U0BO", email="bo@vendor.example")
    assert found.card_url == f"https://vendor.slack.com/archives/{CHANNEL}/p12000034"
    assert (found.done, found.not_for_us, found.not_for_us_reason) == (True, True, "student")
    assert (found.started, found.first_seen, found.state) == (nov(20), NOON, "running")


async def test_filters_are_the_first_day_and_the_app(store: Store) -> None:
    await report(store, license_())
    late = license_(aliases=frozenset({"E-2"}), app_key="maps", starts=TODAY, latest_evaluation=TODAY)
    await report(store, late)
    await mailed(store, order(1))
    maps, today = ExportScope(app_keys=frozenset({"maps"})), ExportScope(since=TODAY)
    for scope in (maps, today):
        assert [each.app_key for each in await evaluations(store, scope)] == ["maps"]
    assert await emails(store, maps) == []
    assert len(await emails(store, today)) == 1
    assert await emails(store, ExportScope(since=nov(24))) == []
    assert await facts(store, ExportScope(since=nov(24))) == []
    assert {each.app_key for each in await facts(store, maps)} == {"maps"}


async def test_an_email_has_its_outcome_and_neither_address_nor_words(store: Store) -> None:
    await report(store, license_())
    await mailed(store, order(1, basis=LawfulBasis.REQUEST))
    [found] = await emails(store)
    assert (found.template, found.state, found.sender, found.legal_basis) == ("welcome", "sent", "U0BO", "request")
    assert found.company == "Acme"
    assert "Dear" not in repr(found)


async def test_what_was_merged_goes_under_the_evaluation_that_stays(store: Store) -> None:
    for number in range(3):
        await report(store, license_(aliases=frozenset({f"E-{number}"}), company=f"Company {number}"))
    await mailed(store, order(1))
    async with store.database.write() as connection:
        for loser in (1, 2):
            await connection.execute(update(evaluation).where(evaluation.c.id == loser).values(merged_into=loser + 1))
    assert [each.evaluation_id for each in await evaluations(store)] == [3]
    [mail_] = await emails(store)
    assert (mail_.evaluation_id, mail_.company) == (3, "Company 2")
    assert {each.evaluation_id for each in await facts(store)} == {3}


@pytest.mark.parametrize("who", ["ana@acme.example", "@acme.example", "acme.atlassian.net"])
@pytest.mark.parametrize("reason", [DncReason.UNSUBSCRIBED, DncReason.PAUSED, DncReason.LEGAL])
async def test_who_said_no_is_not_among_the_contacts(store: Store, who: str, reason: DncReason) -> None:
    await report(store, license_(site="acme.atlassian.net", billing=contact(email="bo@acme.example")))
    await report(store, license_(aliases=frozenset({"E-2"}), technical=contact(email="cy@other.example")))
    await mailed(store, order(1))
    await mark(store, who, dnc_entry(reason=reason))
    acme, other = await evaluations(store)
    assert (acme.contact, acme.may_email.answer) == (None, "no")
    assert other.contact is not None
    assert [each.contact for each in await emails(store)] == [None]
    assert {each.contact for each in await facts(store) if each.evaluation_id == acme.evaluation_id} == {None}


async def test_an_erased_person_is_not_among_the_contacts_nor_is_their_company(store: Store) -> None:
    await report(store, license_(company="Ana Ash"))
    await store.personal_data.erase("ana@acme.example", at=NOON, by="tests")
    [found] = await evaluations(store)
    assert (found.contact, found.company) == (None, None)


async def test_people_in_every_column_are_not_in_a_table_without_contacts(store: Store) -> None:
    await report(store, license_(billing=contact(email="bo.birch@acme.example", name="Bo Birch")))
    await mailed(store, order(1))
    await mark(store, "ana@acme.example", dnc_entry(note="Ana Ash called"), evaluation_id=1)
    async with store.database.write() as connection:
        names = {"company": "Ash, Ana", "site": "ana-ash.atlassian.net", "partner_name": "Bo Birch"}
        texts = ("app_name", "hosting", "edition", "country", "region", "opportunity_size", "parent_product", "tier")
        addresses = dict.fromkeys(texts, "ana@acme.example")
        await connection.execute(update(license_table).values(**names, **addresses))
        people = {"owner": "Ana Ash", "done_by": "Ana Ash", "done_at": NOON, "upgrade_to": "ana@acme.example"}
        await connection.execute(update(evaluation).values(people))
        sent = {"template": "ana@acme.example", "actor": "Ana Ash", "error": "Ana Ash", "bounced": "ana@acme.example"}
        await connection.execute(update(mail).values(sent))
        planted = {"template": "Ana Ash", "error": "no ana@acme.example", "Ana Ash": "Ana Ash", "note": "Ana Ash"}
        kinds = (await connection.scalars(history.select().with_only_columns(history.c.kind))).all()
        await connection.execute(update(history).values(details=planted, actor="Ana Ash"))
    assert len(set(kinds)) >= 4
    for kind in ExportKind:
        found = await table(store, kind)
        for format_ in RecordFormat:
            text = write_records(found, format_, contacts=False).lower()
            assert [word for word in ("ana", "ash", "birch", "@") if word in text.replace("@ ", "")] == []


@pytest.mark.parametrize("kind", ExportKind)
async def test_a_page_takes_a_few_statements_and_no_row_is_on_two(
    store: Store, kind: ExportKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.exports.PAGE_SIZE", 2)
    for number in range(5):
        await report(store, license_(aliases=frozenset({f"E-{number}"}), site=f"site-{number}.atlassian.net"))
        await mailed(store, order(number + 1, number, to="", at=NOON))
    with statements(store) as sent:
        found = await table(store, kind)
    pages = len(found) // 2 + 1
    assert len(found) == len(set(map(repr, found))) >= 5
    assert {each.evaluation_id for each in found} == {row.id for row in await rows(store, evaluation)}
    assert len(sent) <= 7 * pages


@pytest.mark.slow
async def test_many_rows_take_the_memory_of_a_page(url: str) -> None:
    many = 5_000
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_(), announce=False)
        fact = {"evaluation_id": 1, "at": NOON, "kind": "enriched", "details": {"company": "Acme" * 50}}
        async with store.database.write() as connection:
            await connection.execute(delete(history))
            await connection.execute(insert(history), [fact] * many)
        await store.exports.page(ExportKind.HISTORY, EVERYTHING, OPEN)  # what is made once
        count = 0
        after: int | None = 0
        with statements(store) as sent:
            while after is not None:
                if count == many // 2:  # tracing takes its time, and the second half shows what is kept
                    tracemalloc.start()
                page = await store.exports.page(ExportKind.HISTORY, EVERYTHING, OPEN, after=after)
                count += len(write_records(page.records, RecordFormat.CSV, contacts=True).splitlines())
                after = page.next_after
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == many
    assert len(sent) <= 7 * (many // PAGE_SIZE + 1)
    assert peak < 2_000_000  # half of the records kept would be more
