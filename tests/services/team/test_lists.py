"""What the filters of a list stand for: apps, countries and people by the names that people type."""

from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.domain.commands import CommandProblem, read_command
from bot.domain.listing import FindQuery, ListQuery
from bot.errors import SlackUnavailable
from bot.services.team.lists import Lists
from bot.slack.client.users import SlackUser
from bot.store import Store, open_store
from tests.builders import NOON, license_, nov
from tests.store.steps import SECRET, report

ANA, ANNE, BO, AWAY = "U0ANA", "U0ANNE", "U0BO", "U0AWAY"
PEOPLE = {
    ANA: SlackUser(name="Ana Ash", teams=frozenset({"T"}), handle="aash"),
    ANNE: SlackUser(name="Anne Birch", teams=frozenset({"T"}), display_name="annie"),
    BO: SlackUser(name="Bo Cedar", teams=frozenset({"T"})),
}


async def slack_user(user: str) -> SlackUser:
    """Slack, which knows nothing of one person right now."""
    if user == AWAY:
        raise SlackUnavailable("not now", retry_after=1)
    return PEOPLE[user]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Four evaluations, each with an owner, and one without."""
    async with open_store(f"sqlite+aiosqlite:///{tmp_path / 'evaluators.db'}", secret_keys=[SECRET]) as found:
        for number, owner in enumerate((ANA, ANNE, BO, AWAY, None), start=1):
            country = "Germany" if number < 3 else "Korea, Republic of"
            app = {"app_key": "gantt", "app_name": "Gantt for Jira"} if number == 1 else {}
            await report(found, license_(aliases=frozenset({f"E-{number}"}), country=country, **app))
            if owner is not None:
                await found.evaluations.assign(number, owner, instead_of=None, by=owner, at=NOON)
        yield found


async def ask(store: Store, typed: str) -> list[int] | CommandProblem:
    """The evaluations that Bo sees, or what is wrong with what he types."""
    lists = Lists(store, zone=ZoneInfo("Europe/Berlin"), slack_user=slack_user, clock=lambda: NOON)
    query = read_command(typed, today=lists.today())
    assert isinstance(query, ListQuery | FindQuery)
    found = await (lists.find(query, user=BO) if isinstance(query, FindQuery) else lists.page(query, 0, user=BO))
    return found if isinstance(found, CommandProblem) else sorted(row.evaluation.id for row in found.rows)


EXPECTED = {
    "today": [1, 2, 3, 4, 5],
    "yesterday": [],
    "2026-11-20": [1, 2, 3, 4, 5],
    "week": [1, 2, 3, 4, 5],
    "mine": [3],
    "unowned": [5],
    "today app:gantt": [1],
    "today app:com.example.roadmap": [2, 3, 4, 5],
    "today app:jira": [1, 2, 3, 4, 5],
    "today country:DE": [1, 2],
    "today country:germany": [1, 2],
    "today country:kr": [3, 4, 5],
    "today country:FR": [],
    "today owner:me": [3],
    "today owner:none": [5],
    "today owner:@Ana": [1],
    "today owner:annie": [2],
    "today owner:birch": [2],
    "today owner:aash": [1],
    "today owner:U0AWAY": [4],
    "today owner:<@U0ANA>": [1],
    "expiring": [],
    "expiring 27d": [1, 2, 3, 4, 5],
    "expiring 26d": [],
    "expiring 30d ending:3d": [],
    "today ending:30d": [1, 2, 3, 4, 5],
    "today since:2026-11-21": [],
    "find acme": [1, 2, 3, 4, 5],
    "find acme owner:me": [3],
    "find gantt": [1],
}


async def test_filters_take_the_names_that_people_use(store: Store) -> None:
    for typed, expected in EXPECTED.items():
        assert await ask(store, typed) == expected, typed


@pytest.mark.parametrize(
    ("typed", "valid", "meant"),
    [
        ("today app:gannt", ("Gantt for Jira", "Roadmap for Jira"), None),
        ("today app:'gantt for jirra'", ("Gantt for Jira", "Roadmap for Jira"), "Gantt for Jira"),
        ("today country:Atlantis", (), None),
        ("today owner:zoe", (ANA, ANNE, AWAY, BO), None),
        ("today owner:an", (ANA, ANNE), None),
        ("find acme owner:zoe", (ANA, ANNE, AWAY, BO), None),
    ],
)
async def test_a_name_of_nothing_is_answered_with_the_names_there_are(
    store: Store, typed: str, valid: tuple[str, ...], meant: str | None
) -> None:
    problem = await ask(store, typed)
    assert isinstance(problem, CommandProblem)
    assert (problem.valid, problem.meant) == (valid, meant)


async def test_a_day_is_the_team_s_own(store: Store) -> None:
    late = NOON.replace(hour=23, minute=30)  # it is the 24th in Berlin
    await report(store, license_(aliases=frozenset({"E-9"}), starts=nov(1), latest_evaluation=nov(1)), at=late)
    lists = Lists(store, zone=ZoneInfo("Europe/Berlin"), slack_user=slack_user, clock=lambda: late)
    assert lists.today() == nov(24)
    page = await lists.page(ListQuery.of_days(nov(24)), 0, user=BO)
    assert not isinstance(page, CommandProblem)
    assert [row.evaluation.id for row in page.rows] == [6]
