"""The figures of reports, on either engine."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.domain.evaluation import License, State
from bot.domain.mail import MailState
from bot.domain.replies import ReplyKind
from bot.domain.report import Counts, ReportScope, TrialGroup, TrialGroups, conversion_report, is_counted
from bot.domain.report_rates import Share
from bot.domain.report_team import TemplateForApp, TemplateUse, Work, WorkOnApp
from bot.store import Store, open_store
from bot.store.schema import evaluation
from bot.store.schema import license_ as license_table
from tests.builders import NOON, TODAY, license_
from tests.store.mail.test_replies import came
from tests.store.steps import LATER, SECRET, mailed, order, report
from tests.store.test_listing import statements

SCOPE = ReportScope(since=date(2026, 1, 1), today=TODAY)
LONG_AGO, LATELY = date(2026, 9, 1), date(2026, 11, 1)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(database_url, secret_keys=[SECRET]) as found:
        yield found


def trial(number: int, began: date = LONG_AGO, **overrides: Any) -> License:  # noqa: ANN401  of its field's type
    """A trial of thirty days, the first of the year's."""
    dates = {"starts": began, "latest_evaluation": began, "ends": began + timedelta(days=30), "updated": began}
    return license_(**{"aliases": frozenset({f"E-{number}", f"SEN-{number}"}), **dates, **overrides})


def bought(number: int, began: date = LONG_AGO, **overrides: Any) -> License:  # noqa: ANN401  as above
    sold = {"license_type": "COMMERCIAL", "updated": began + timedelta(days=20), "ends": began + timedelta(days=385)}
    return trial(number, began, **{**sold, **overrides})


async def counts(store: Store, scope: ReportScope = SCOPE, *own: str) -> Counts:
    return conversion_report(scope, await store.reports.trials(scope, own_sites=frozenset(own))).total


async def test_only_trials_that_were_bought_or_ended_two_weeks_ago_are_mature(store: Store) -> None:
    running = trial(1, LATELY)
    over_lately = trial(2, TODAY - timedelta(days=43), status="inactive")
    just_mature = trial(3, TODAY - timedelta(days=44), status="inactive")
    forgotten = trial(4)  # the report never said that it is over
    await report(store, running, over_lately, just_mature, forgotten, trial(5, LATELY), trial(6))
    await report(store, bought(5, LATELY), bought(6))

    found = await counts(store)

    assert (found.trials, found.mature, found.bought) == (6, 4, 2)


async def test_trials_are_by_app_and_month_and_begin_with_the_scope(store: Store) -> None:
    april, later = date(2026, 4, 1), date(2026, 4, 30)
    await report(store, trial(1, date(2026, 3, 31)), trial(2, april), trial(3, later), trial(4, april, app_key="maps"))

    found = await store.reports.trials(ReportScope(since=april, today=TODAY), own_sites=frozenset())

    assert {(each.app_key, each.started, each.number) for each in found.every} == {
        ("com.example.roadmap", april, 2),
        ("maps", april, 1),
    }


async def test_what_nobody_would_buy_is_left_out_and_upgrades_are_apart(store: Store) -> None:
    upgrade: dict[str, Any] = {
        "license_type": "UPGRADE_EVALUATION",
        "upgrade_started": LONG_AGO,
        "upgrade_to": "Advanced",
    }
    await report(store, trial(1))
    await _set(store, 1, not_for_us_at=NOON, not_for_us_by="U0ANA", not_for_us_reason="student")
    await report(
        store,
        trial(2, sandbox=True),
        trial(3, migration=True),
        trial(4, atlassian=True),
        trial(5, license_type="COMMUNITY"),
        trial(6, site="acme-dev.atlassian.net"),
        trial(7, site="gantt.acme.example"),
        trial(8),
        trial(9, **upgrade),
    )

    found = await counts(store, SCOPE, "acme-dev", "*.acme.example")

    assert (found.trials, found.left_out, found.upgrades) == (1, 7, 1)
    assert (await counts(store)).trials == 3


async def test_contacted_are_those_who_were_emailed_or_spoken_to(store: Store) -> None:
    await report(store, *(trial(n, LATELY) for n in range(1, 5)))
    await mailed(store, order(1, 1))
    await mailed(store, order(2, 2), MailState.FAILED)
    await _set(store, 3, done_at=NOON, done_by="U0ANA")
    await report(store, *(bought(n, LATELY, status="active") for n in range(1, 4)))
    much_later = ReportScope(since=SCOPE.since, today=TODAY + timedelta(days=90))

    found = await counts(store, much_later)

    assert (found.when_contacted, found.when_not_contacted) == (Share(2, 2), Share(1, 2))


async def test_delays_are_those_of_trials_with_a_card(store: Store) -> None:
    await report(store, trial(1, TODAY), trial(2, TODAY), trial(3, TODAY, sandbox=True))
    await report(store, trial(4, TODAY), announce=False)
    await store.evaluations.assign(1, "U0ANA", instead_of=None, by="U0ANA", at=LATER)
    await store.evaluations.assign(1, "U0BEN", instead_of="U0ANA", by="U0BEN", at=LATER + timedelta(days=1))
    await mailed(store, order(1, 1, at=LATER))
    await _set(store, 1, done_at=LATER + timedelta(hours=1), done_by="U0ANA")

    found = await store.reports.responses(SCOPE)

    assert {(each.seen, each.claimed, each.contacted) for each in found} == {(NOON, LATER, LATER), (NOON, None, None)}


async def test_people_own_and_email_and_templates_come_back_or_are_followed_by_a_purchase(store: Store) -> None:
    await report(store, trial(1, LATELY), trial(2, LATELY))
    for number in (1, 2):
        await store.evaluations.assign(number, "U0ANA", instead_of=None, by="U0ANA", at=NOON)
    first, second = [await mailed(store, order(number, number)) for number in (1, 2)]
    await came(store, first.mail_id, ReplyKind.AUTOMATIC, key="k0")
    for key in ("k1", "k2"):  # the email counts once
        await came(store, second.mail_id, key=key)
    await report(store, bought(1, LATELY, status="active"), at=LATER + timedelta(days=30))

    works, uses = await store.reports.works(SCOPE), await store.reports.templates(SCOPE)

    app = "com.example.roadmap"
    assert works == [
        WorkOnApp(user="U0ANA", work=Work(owned=2, running=1, bought=1), app_key=app),
        WorkOnApp(user="U0BO", work=Work(emails=2, replied=1), app_key=app),
    ]
    assert uses == [TemplateForApp(template="welcome", use=TemplateUse(sent=2, replied=1), app_key=app)]
    await report(store, bought(2, LATELY, status="active"), at=LATER + timedelta(days=29))
    assert (await store.reports.templates(SCOPE))[0].use.bought == 1


async def test_reports_take_as_many_statements_for_many_trials_as_for_one(store: Store) -> None:
    await report(store, trial(1))
    with statements(store) as few:
        await _read_all(store)
    await report(store, *(trial(n, LATELY, app_key=f"app-{n % 7}") for n in range(2, 60)))
    with statements(store) as many:
        await _read_all(store)
    assert len(many) == len(few)


async def test_an_evaluation_repeats_what_its_license_says(store: Store) -> None:
    await report(store, trial(1), trial(2))
    await report(store, trial(1, sandbox=True, updated=TODAY), trial(3, LATELY, sandbox=True))
    renamed = trial(2, app_key="com.example.roadmap-2", aliases=frozenset({"E-2", "SEN-2", "E-2b"}), updated=TODAY)
    await report(store, renamed)
    await report(store, trial(4, app_key="maps"), trial(5, LATELY, app_key="maps", aliases=frozenset({"E-5"})))
    merged = frozenset({"E-4", "SEN-4", "E-5"})
    await report(store, trial(4, LATELY, app_key="maps", aliases=merged, sandbox=True, updated=TODAY))

    async with store.database.read() as connection:
        both = select(evaluation, license_table).join(license_table, license_table.c.id == evaluation.c.license_id)
        found = (await connection.execute(both.where(evaluation.c.merged_into.is_(None)))).all()

    assert found
    for row in found:
        of_license = trial(0, license_type=row.license_type, sandbox=row.sandbox)
        assert (row._mapping[evaluation.c.app_key], row.counted) == (  # noqa: SLF001  SQLAlchemy's public name
            row._mapping[license_table.c.app_key],  # noqa: SLF001  as above
            is_counted(of_license),
        )


async def _read_all(store: Store) -> None:
    await store.reports.trials(SCOPE, own_sites=frozenset({"acme-dev"}))
    await store.reports.responses(SCOPE)
    await store.reports.works(SCOPE)
    await store.reports.templates(SCOPE)


async def _set(store: Store, number: int, **values: object) -> None:
    async with store.database.write() as connection:
        await connection.execute(update(evaluation).where(evaluation.c.id == number).values(values))


async def test_groups_add_up_to_what_each_trial_says(store: Store) -> None:
    """The quick count against a look at each trial alone."""
    chance = Random(7)  # noqa: S311  no secret
    own, maps = "acme-dev.atlassian.net", "maps"
    seen = [
        trial(
            number,
            TODAY - timedelta(days=chance.randrange(120)),
            app_key=chance.choice(("com.example.roadmap", maps)),
            site=chance.choice((f"site-{number}.atlassian.net", f"site-{number}.atlassian.net", own)),
            sandbox=chance.random() < 0.1,
        )
        for number in range(1, 61)
    ]
    await report(store, *seen)
    await report(store, *(bought(n, seen[n - 1].starts, app_key=seen[n - 1].app_key) for n in range(1, 61, 4)))
    for number in range(1, 61, 3):
        await _set(store, number, done_at=NOON, done_by="U0ANA")
    for number in range(1, 61, 7):
        await _set(store, number, not_for_us_at=NOON, not_for_us_by="U0ANA", not_for_us_reason="student")
    scope = ReportScope(since=TODAY - timedelta(days=100), today=TODAY)

    found = await store.reports.trials(scope, own_sites=frozenset({"acme-dev"}))

    def alone(row: Any, *, is_contacted: bool) -> TrialGroups:  # noqa: ANN401  a row of two tables
        one = TrialGroup(
            app_key=row.app_key,
            started=row.started,
            ends=row.ends,
            state=State(row.state),
            is_counted=row.counted and row.not_for_us_at is None,
            is_upgrade=row.upgrade_to != "",
            number=1,
        )
        is_own = row.site == own
        return TrialGroups(
            every=[one], own=[one] if is_own else [], contacted=[one] if is_contacted and not is_own else []
        )

    async with store.database.read() as connection:
        both = select(evaluation, license_table.c.site).join(license_table)
        rows = (await connection.execute(both.where(evaluation.c.started >= scope.since))).all()
    one_by_one = [conversion_report(scope, alone(row, is_contacted=row.done_at is not None)).total for row in rows]
    assert conversion_report(scope, found).total == sum(one_by_one, Counts())
    assert 20 < len(rows) < len(seen)
