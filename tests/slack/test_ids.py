"""The names under which Slack sends things back."""

import pytest

from bot.domain.card import Action
from bot.slack.ids import option, read_option


@pytest.mark.parametrize("action", Action)
def test_an_option_comes_back_as_it_went(action: Action) -> None:
    assert read_option(option(action, 7)) == (action, "7", None)
    assert read_option(option(action, 7, "U0BO")) == (action, "7", "U0BO")


@pytest.mark.parametrize(
    ("value", "read"),
    [("assign:7:8:9", ("assign", "7", "8")), ("7", ("7", "", None)), ("", ("", "", None))],
    ids=["too much", "too little", "nothing"],
)
def test_an_option_of_an_earlier_time_names_no_action_of_ours(value: str, read: tuple[str, str, str | None]) -> None:
    assert read_option(value) == read
    assert read[0] not in set(Action)
