"""What people type after the slash command, read once for all."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.commands import Command, CommandProblem, OtherCommand, ProblemKind, Word, read_command, write_command
from bot.domain.listing import Filters, FindQuery, ListKind, ListQuery, Status
from bot.domain.report_request import ReportKind, ReportRequest
from tests.builders import TODAY, nov

DAY = ListQuery.of_days(TODAY)


def expiring(within: int) -> ListQuery:
    return ListQuery(kind=ListKind.EXPIRING, within=within)


def found(*words: str, **filters: Any) -> FindQuery:  # noqa: ANN401  the fields of Filters
    return FindQuery(words=words, filters=Filters(**filters))


READ: dict[str, Command] = {
    "today": DAY,
    "  TODAY. ": DAY,
    "“today”": DAY,
    "`today`": DAY,
    "todays": DAY,
    "today's": DAY,
    "yesterday": ListQuery.of_days(nov(22)),
    "week": ListQuery.of_days(nov(17), TODAY),
    "2026-11-03": ListQuery.of_days(nov(3)),
    "2026-11-3.": ListQuery.of_days(nov(3)),
    "2026-11-03..2026-11-05": ListQuery.of_days(nov(3), nov(5)),
    "mine": ListQuery(kind=ListKind.MINE),
    "my": ListQuery(kind=ListKind.MINE),
    "unclaimed": ListQuery(kind=ListKind.UNOWNED),
    "expiring": expiring(7),
    "expiring 3d": expiring(3),
    "expiring 3 days": expiring(3),
    "expiring 2 weeks": expiring(14),
    "expiring 0d": expiring(0),
    "find acme corp": found("acme", "corp"),
    'Find "Acme Corp" x': found("Acme Corp", "x"),
    "find O'Brien": found("O'Brien"),
    "find https://acme.atlassian.net/browse/X": found("https://acme.atlassian.net/browse/X"),
    "find mailto:ana@acme.example": found("mailto:ana@acme.example"),
    "search acme": found("acme"),
    "find acme app:gantt state:bought": found("acme", app="gantt", state=Status.BOUGHT),
    "find acme APP: 'Gantt for Jira' Country:de": found("acme", app="Gantt for Jira", country="de"),
    "find acme owner:@ana ending:1w": found("acme", owner="@ana", ending=7),
    "find acme state:canceled since:2026-11-01": found("acme", state=Status.CANCELLED, since=nov(1)),
    "find acme state:“not for us” since:7d": found("acme", state=Status.NOT_FOR_US, since=nov(16)),
    "find acme since:yesterday": found("acme", since=nov(22)),
    "find acme apps:gantt": found("acme", app="gantt"),
    "find app：gantt acme": found("acme", app="gantt"),
}

REPORTS: dict[str, ReportRequest] = {
    "report": ReportRequest(),
    "Reports speed": ReportRequest(kind=ReportKind.SPEED),
    "report team app:'Gantt for Jira' since:2026-11-01": ReportRequest(
        kind=ReportKind.TEAM, app="Gantt for Jira", since=nov(1)
    ),
}


@pytest.mark.parametrize(("typed", "meant"), [*READ.items(), *REPORTS.items()])
def test_a_command_is_read_as_it_was_meant(typed: str, meant: Command) -> None:
    assert read_command(typed, today=TODAY) == meant


@pytest.mark.parametrize(
    ("typed", "word"),
    [("", Word.HELP), ("help", Word.HELP), ("?", Word.HELP), ("Health!", Word.HEALTH), ("“dnc” add x", Word.DNC)],
)
def test_other_commands_are_known_by_their_word(typed: str, word: Word) -> None:
    command = read_command(typed, today=TODAY)
    assert isinstance(command, OtherCommand)
    assert command.word is word


@pytest.mark.parametrize(
    ("typed", "kind", "given", "meant"),
    [
        ("acme", ProblemKind.UNKNOWN_COMMAND, "acme", None),
        ("yestarday", ProblemKind.UNKNOWN_COMMAND, "yestarday", "yesterday"),
        ("today company:acme", ProblemKind.UNKNOWN_FILTER, "company", None),
        ("today countri:DE", ProblemKind.UNKNOWN_FILTER, "countri", "country"),
        ("today state:", ProblemKind.UNKNOWN_VALUE, "", None),
        ("today ending:500d", ProblemKind.UNKNOWN_VALUE, "500d", None),
        ("today since:soon", ProblemKind.UNKNOWN_VALUE, "soon", None),
        ("2026-02-30", ProblemKind.WRONG_DAY, "2026-02-30", None),
        ("1026-02-03", ProblemKind.WRONG_DAY, "1026-02-03", None),
        ("2026-11-05..2026-11-03", ProblemKind.WRONG_DAY, "2026-11-05..2026-11-03", None),
        ("2026-11-05..", ProblemKind.UNKNOWN_COMMAND, None, None),
        ("today acme", ProblemKind.ONE_WORD_TOO_MANY, "acme", None),
        ("expiring soon", ProblemKind.ONE_WORD_TOO_MANY, "soon", None),
        ("mine owner:me owner:none", ProblemKind.TWICE, "owner", None),
        ("report spead", ProblemKind.UNKNOWN_REPORT, "spead", "speed"),
        ("report owner:me", ProblemKind.UNKNOWN_FILTER, "owner", None),
        ("report team maps", ProblemKind.ONE_WORD_TOO_MANY, "maps", None),
        ("state:bought", ProblemKind.NO_LIST, "", None),
        ("find app:gantt", ProblemKind.NO_WORDS, "", None),
        ("find " + "x " * 11, ProblemKind.TOO_LONG, "", None),
        ("find " + "x" * 201, ProblemKind.TOO_LONG, "", None),
    ],
)
def test_what_cannot_be_followed_is_named(typed: str, kind: ProblemKind, given: str | None, meant: str | None) -> None:
    problem = read_command(typed, today=TODAY)
    if given is None:  # the dots at the end are only punctuation
        assert problem == ListQuery.of_days(nov(5))
        return
    assert isinstance(problem, CommandProblem)
    assert (problem.kind, problem.given, problem.meant) == (kind, given, meant)


@given(typed=st.text(max_size=60) | st.text("find app:state'\"“ .d7ow-", max_size=60).map("find x{}".format))
def test_any_line_is_read_and_a_list_can_be_asked_for_again_later(typed: str) -> None:
    command = read_command(typed, today=TODAY)
    if isinstance(command, ListQuery | FindQuery):
        assert read_command(write_command(command), today=TODAY + timedelta(days=9)) == command


@pytest.mark.parametrize("typed", [each for each, command in READ.items() if not isinstance(command, OtherCommand)])
def test_a_button_asks_for_the_same_list_on_a_later_day(typed: str) -> None:
    command = READ[typed]
    assert isinstance(command, ListQuery | FindQuery)
    assert read_command(write_command(command), today=date(2027, 1, 1)) == command
