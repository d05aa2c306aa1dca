"""What the bot says of itself."""

import pytest

from bot.slack.reports import first_run
from tests.builders import TODAY
from tests.slack.checks import check_text

OLD = "What is older I know and keep to myself; from now on every new evaluation gets a card."


@pytest.mark.parametrize(
    ("rows", "started", "announced", "said"),
    [
        (0, 0, 0, f"0 licenses, 0 evaluations. No trial has begun since 9 Nov 2026. {OLD}"),
        (1, 1, 1, f"1 license, 1 evaluation. 1 trial began since 9 Nov 2026 and has a card here. {OLD}"),
        (
            12345,
            678,
            9,
            f"12,345 licenses, 678 evaluations. 9 trials began since 9 Nov 2026 and have a card here. {OLD}",
        ),
    ],
    ids=["an empty report", "one", "many"],
)
def test_the_first_run_says_what_it_found_and_what_will_come(
    rows: int, started: int, announced: int, said: str
) -> None:
    text = first_run(rows=rows, started=started, announced=announced, today=TODAY, days=14)
    check_text(text)
    assert text == f":wave: I read the licenses report for the first time: {said}"
