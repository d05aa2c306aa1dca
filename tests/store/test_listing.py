"""Lists of evaluations, on either engine."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from bot.domain.listing import PAGE_SIZE, EvaluationRow, Page
from bot.store import Store, open_store
from tests.builders import NOON, contact, dnc_entry, license_, nov
from tests.store.steps import SECRET, mailed, mark, order, report


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, secret_keys=[SECRET]) as found:
        yield found


async def listed(store: Store, *, page: int = 0) -> Page[EvaluationRow]:
    return await store.evaluations.of_day(nov(23), begins=NOON, ends=NOON + timedelta(hours=1), page=page)


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


async def test_a_page_takes_a_few_statements_however_long_the_list(store: Store) -> None:
    await trials(store, 2)
    with statements(store) as short:
        await listed(store)
    await trials(store, 2 * PAGE_SIZE + 1, "Gantt", "gantt")
    with statements(store) as long:
        found = await listed(store, page=1)

    assert (found.total, found.number, found.pages, len(found.rows)) == (2 * PAGE_SIZE + 3, 1, 3, PAGE_SIZE)
    assert len(short) == len(long)
    assert len(long) <= 12


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


async def test_a_page_that_does_not_exist_becomes_the_nearest(store: Store) -> None:
    assert await listed(store, page=3) == Page(rows=(), total=0)
    await trials(store, 1)
    assert [(await listed(store, page=page)).number for page in (-1, 0, 9)] == [0, 0, 0]
