"""Lists of evaluations, on either engine."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from bot.domain.listing import (
    PAGE_SIZE,
    Criteria,
    Days,
    EvaluationRow,
    ListKind,
    Ownership,
    Page,
    Selection,
    Status,
    Term,
)
from bot.store import Store, open_store
from bot.store.schema import evaluation
from tests.builders import NOON, TODAY, contact, dnc_entry, license_, nov
from tests.store.steps import SECRET, mailed, mark, order, report


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, secret_keys=[SECRET]) as found:
        yield found


DAY = Selection(
    kind=ListKind.DAYS,
    days=Days(first=TODAY, last=TODAY, begins=NOON, ends=NOON + timedelta(hours=1)),
    criteria=Criteria(),
)
WEEK = (TODAY, TODAY + timedelta(days=7))


def work(kind: ListKind, **criteria: Any) -> Selection:  # noqa: ANN401  the fields of Criteria
    """A list of Bo's work."""
    if kind is ListKind.EXPIRING:
        criteria.setdefault("ends", WEEK)
    return Selection(kind=kind, user="U0BO", criteria=Criteria(**criteria))


async def listed(store: Store, selection: Selection = DAY, *, page: int = 0) -> Page[EvaluationRow]:
    return await store.lists.page(selection, page)


async def ids(store: Store, selection: Selection) -> list[int]:
    """The evaluations on the first page of a list."""
    return [row.evaluation.id for row in (await listed(store, selection)).rows]


async def change(store: Store, evaluation_id: int, **values: object) -> None:
    """What the team did, or what the report says, about an evaluation."""
    async with store.database.write() as connection:
        await connection.execute(update(evaluation).where(evaluation.c.id == evaluation_id).values(values))


async def trials(store: Store, count: int, app: str = "Maps", key: str = "maps") -> None:
    """Report trials that began today, each with a company and contacts of its own."""
    for n in range(count):
        await report(
            store,
            license_(
                aliases=frozenset({f"E-{key}-{n}", f"SEN-{key}-{n}"}),
                app_name=app,
                app_key=key,
                company=f"Company {n}",
                site=f"site-{n}.atlassian.net",
                technical=contact(email=f"ana@company-{n}.example"),
                billing=contact(email=f"bo@company-{n}.example"),
            ),
        )


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """Note the statements that the database gets."""
    engine = store.database._engine.sync_engine  # noqa: SLF001  no other way shows what is sent
    sent: list[str] = []

    def note(*args: object) -> None:
        sent.append(str(args[2]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_a_list_is_in_order_of_apps_and_has_the_newest_first(store: Store) -> None:
    for app, key in (("Maps", "b"), ("Maps", "a"), ("atlas", "y"), ("Äpfel", "x"), ("Atlas", "z")):
        await trials(store, 2, app, key)

    found = await listed(store)

    assert [(row.evaluation.license.app_key, row.evaluation.id) for row in found.rows] == [
        *(("z", 10), ("z", 9), ("a", 4), ("a", 3), ("b", 2), ("b", 1)),
        *(("y", 6), ("y", 5), ("x", 8), ("x", 7)),
    ]


async def test_every_list_takes_a_few_statements_however_long_it_is(store: Store) -> None:
    lists = [DAY, work(ListKind.UNOWNED), work(ListKind.MINE), work(ListKind.EXPIRING, ends=(TODAY, date.max))]
    few = replace(DAY, criteria=Criteria(app_keys=frozenset({"gantt"}), status=Status.RUNNING, since=nov(1)))
    await trials(store, 2)
    with statements(store) as short:
        await listed(store)
    await trials(store, 2 * PAGE_SIZE + 1, "Gantt", "gantt")
    for number in range(3, 2 * PAGE_SIZE + 4):
        await change(store, number, owner="U0BO")
    for selection in (*lists, few):
        with statements(store) as long:
            found = await listed(store, selection, page=1)
        is_long = selection.kind is not ListKind.UNOWNED
        assert (found.number, found.pages, len(found.rows)) == ((1, 3, PAGE_SIZE) if is_long else (0, 1, 2))
        assert len(long) == len(short) <= 8
    with statements(store) as search:
        await store.lists.find([Term(names=("company",), joined="company")], Criteria(), most=10)
    assert len(search) == len(short) + 1


async def test_work_is_what_runs_the_first_to_end_first(store: Store) -> None:
    await trials(store, 6)
    for number, day in ((1, 29), (2, 25), (3, 30), (4, 23)):
        await change(store, number, ends=nov(day))
    await change(store, 5, ends=None)
    await change(store, 6, channel=None, ends=nov(24))  # recorded in silence

    assert await ids(store, work(ListKind.UNOWNED)) == [4, 2, 1, 3, 5]
    assert await ids(store, work(ListKind.EXPIRING)) == [4, 2, 1, 3]
    assert await ids(store, work(ListKind.EXPIRING, ends=(TODAY, nov(25)))) == [4, 2]
    assert await ids(store, work(ListKind.MINE)) == []

    await change(store, 1, owner="U0BO")
    await change(store, 2, owner="U0CY")
    await change(store, 3, not_for_us_at=NOON, not_for_us_by="U0BO", not_for_us_reason="student")
    await change(store, 4, state="expired")

    assert await ids(store, work(ListKind.UNOWNED)) == [5]
    assert await ids(store, work(ListKind.EXPIRING)) == [2, 1]
    assert await ids(store, work(ListKind.MINE)) == [1]
    assert await ids(store, work(ListKind.UNOWNED, status=Status.ENDED)) == [4]
    assert await ids(store, work(ListKind.UNOWNED, status=Status.NOT_FOR_US)) == [3]
    assert await ids(store, DAY) == [5, 4, 3, 2, 1]


async def test_the_assumed_end_of_an_upgrade_trial_is_no_end(store: Store) -> None:
    await report(
        store,
        license_(license_type="COMMERCIAL", upgrade_started=nov(20), upgrade_to="Advanced", latest_evaluation=None),
        license_(aliases=frozenset({"E-2"})),
    )
    within = work(ListKind.EXPIRING, ends=(TODAY, TODAY + timedelta(days=60)))
    assert len(await ids(store, work(ListKind.UNOWNED))) == 2
    assert [row.evaluation.trial.upgrade_to for row in (await listed(store, within)).rows] == [None]


async def test_filters_narrow_a_list_down(store: Store) -> None:
    await report(
        store, license_(aliases=frozenset({"E-1"}), country="Germany", starts=nov(10), latest_evaluation=nov(10))
    )
    await report(store, license_(aliases=frozenset({"E-2"}), country="Kenya", app_key="gantt", app_name="Gantt"))
    await report(store, license_(aliases=frozenset({"E-3"}), country="Deutschland", ends=nov(25)))
    await change(store, 1, done_at=NOON, done_by="U0BO", owner="U0BO")
    await change(store, 2, state="converted")

    narrowed: list[tuple[dict[str, object], list[int]]] = [
        ({}, [2, 3, 1]),
        ({"app_keys": frozenset({"gantt"})}, [2]),
        ({"countries": frozenset({"Germany", "Deutschland"})}, [3, 1]),
        ({"countries": frozenset[str]()}, []),
        ({"owner": "U0BO"}, [1]),
        ({"owner": Ownership.NONE}, [2, 3]),
        ({"ends": WEEK}, [3]),
        ({"since": nov(11)}, [2, 3]),
        ({"status": Status.RUNNING}, [3, 1]),
        ({"status": Status.LICENSED}, [2]),
        ({"status": Status.BOUGHT}, []),
        ({"status": Status.DONE}, [1]),
        ({"status": Status.DONE, "owner": Ownership.NONE}, []),
    ]
    for criteria, expected in narrowed:
        assert await ids(store, replace(DAY, criteria=Criteria(**criteria))) == expected, criteria  # type: ignore[arg-type]


async def test_the_names_in_the_report_are_known(store: Store) -> None:
    assert await store.lists.apps() == {}
    assert await store.lists.owners() == await store.lists.countries() == frozenset()
    await report(store, license_(aliases=frozenset({"E-1"}), country="Germany"))
    await report(store, license_(aliases=frozenset({"E-2"}), country="Kenya", app_key="gantt", app_name="Gantt"))
    await report(store, license_(aliases=frozenset({"E-3"}), app_name="Roadmap 2"))
    await change(store, 1, owner="U0BO")
    await change(store, 3, owner="U0ANA")

    assert await store.lists.apps() == {"com.example.roadmap": "Roadmap 2", "gantt": "Gantt"}
    assert await store.lists.countries() == {"Germany", "Kenya"}
    assert await store.lists.owners() == {"U0ANA", "U0BO"}


async def test_each_row_knows_its_license_who_was_emailed_and_who_is_blocked(store: Store) -> None:
    await trials(store, 5)
    await mailed(store, order(1, 1))
    await mark(store, "bo@company-1.example", dnc_entry())
    await mark(store, "company-2.example", dnc_entry())
    await mark(store, "site-3.atlassian.net", dnc_entry())

    found = {row.evaluation.id: row for row in (await listed(store)).rows}

    assert [number for number, row in sorted(found.items()) if row.mailed] == [1]
    assert [number for number, row in sorted(found.items()) if row.is_blocked] == [2, 3, 4]
    assert found[5].evaluation.license.aliases == {"E-maps-4", "SEN-maps-4"}
    assert [each.email for each in found[5].evaluation.license.contacts] == [
        "ana@company-4.example",
        "bo@company-4.example",
    ]


async def test_pages_read_together_are_those_read_one_by_one_with_fewer_statements(store: Store) -> None:
    await trials(store, 2 * PAGE_SIZE)
    for number in range(1, 20):
        await change(store, number, owner="U0BO" if number % 2 else "U0CY")
    wanted = [(work(ListKind.MINE), 0), (work(ListKind.UNOWNED), 1), (work(ListKind.WAITING), 0), (DAY, 1)]
    alone = [await store.lists.page(*each) for each in wanted]
    with statements(store) as sent:
        assert await store.lists.pages(wanted) == alone
    assert len(sent) <= 7 + len(wanted)
    assert [len(page.rows) for page in alone][-1] == PAGE_SIZE


async def test_a_page_that_does_not_exist_becomes_the_nearest(store: Store) -> None:
    assert await listed(store, page=3) == Page(rows=(), total=0)
    await trials(store, 1)
    assert [(await listed(store, page=page)).number for page in (-1, 0, 9)] == [0, 0, 0]
