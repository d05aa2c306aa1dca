"""The help, and why a command cannot be followed."""

import pytest
from hypothesis import given

from bot.domain.commands import CommandProblem, Filter, ProblemKind, Word, read_command
from bot.domain.listing import Status
from bot.slack.views.help import help_message, problem_message
from tests.builders import TODAY
from tests.slack.checks import NAMES, check, mrkdwn_of


def said(text: str) -> str:
    """What is answered to a command that cannot be followed."""
    problem = read_command(text, today=TODAY)
    assert isinstance(problem, CommandProblem)
    message = problem_message(problem)
    check(message)
    return "\n".join(mrkdwn_of(message.blocks))


def test_the_help_lists_every_command_with_an_example_and_every_filter() -> None:
    message = help_message()
    check(message)
    lines = "\n".join(mrkdwn_of(message.blocks)).split("\n")
    assert lines[0] == "*Evaluator Bot* understands:"
    commands = lines[1 : len(Word) + 1]
    assert [line.split("  ")[0] for line in commands] == [f"`/evaluators {word}`" for word in Word]
    examples = [line.rpartition(" · `")[2].removesuffix("`").removeprefix("`/evaluators ") for line in commands]
    examples = [each.partition("`")[0] for each in examples]
    assert [each for each in examples if isinstance(read_command(each, today=TODAY), CommandProblem)] == []
    assert all(f"`{name}:" in lines[-2] for name in Filter)
    assert all(f"`{state}`" in lines[-2] or f"`state:{state}`" in lines[-2] for state in Status)
    assert "names of contacts are encrypted" in str(commands)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("tomorow", ["Unknown command “tomorow”. Try:", "`/evaluators help`"]),
        ("unownd", ["Unknown command “unownd”. Did you mean `/evaluators unowned`?", "help` lists everything"]),
        ("today colour:red", ["Unknown filter “colour:”. Did you mean `country:`?", "`app:`, `state:`, `owner:`"]),
        ("today state:runing", ["`state:` can't be “runing”. Did you mean “running”? Use one of `running`, `bought`"]),
        ("today ending:soon", ["`ending:` can't be “soon”. Use a number of days such as `ending:3d`"]),
        ("today since:2026-13-01", ["`since:` can't be “2026-13-01”. Use a day"]),
        ("2026-13-01", ["“2026-13-01” isn't a day that can be listed."]),
        ("2026-01-01..2026-12-31", ["at most 31 days"]),
        ("today acme", ["`today` takes no “acme”.", "`/evaluators find`"]),
        ("expiring soon", ["`expiring` takes no “soon”.", "`expiring 7d`"]),
        ("today app:a app:b", ["`app:` is there twice. Use it once."]),
        ("app:gantt", ["Say which list the filters are for: `today`"]),
        ("find", ["Say what to find: `/evaluators find acme`."]),
        (f"find {'x' * 201}", ["at most 200 characters"]),
        (f"today app:{'x' * 201}", ["That is too long for `app`"]),
    ],
    ids=lambda given: given[:30] if isinstance(given, str) else "",
)
def test_a_problem_is_named_with_what_would_do(typed: str, words: list[str]) -> None:
    answer = said(typed)
    assert [each for each in words if each not in answer] == []


@pytest.mark.parametrize("about", [Filter.APP, Filter.OWNER, Filter.COUNTRY])
def test_a_name_that_nobody_has_is_answered_with_the_ones_there_are(about: Filter) -> None:
    problem = CommandProblem(kind=ProblemKind.UNKNOWN_VALUE, given="x", about=about, valid=("U0ANA",) * 40)
    message = problem_message(problem)
    check(message)
    assert ("U0ANA" in message.text) is (about is not Filter.COUNTRY)


@given(given=NAMES)
def test_slack_takes_the_answer_whatever_was_typed(given: str) -> None:
    for kind in ProblemKind:
        for about in (Filter.APP, Filter.OWNER):
            is_name = kind is ProblemKind.UNKNOWN_VALUE and about is Filter.APP
            valid, meant = ((given,) * 30, given) if is_name else (("U0ANA",), None)
            check(problem_message(CommandProblem(kind=kind, given=given, about=about, valid=valid, meant=meant)))
