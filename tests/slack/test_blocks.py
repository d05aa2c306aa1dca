"""Building blocks of messages."""

import pytest

from bot.slack.blocks import note_message, paragraphs, plain
from tests.slack.checks import check


@pytest.mark.parametrize(
    ("lengths", "packed"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([10, 20], [31], id="what fits is one"),
        pytest.param([1500, 1499], [3000], id="to the last character"),
        pytest.param([1500, 1500], [1500, 1500], id="one character too many"),
        pytest.param([2000, 2000, 10], [2000, 2011], id="in order"),
    ],
)
def test_lines_are_packed_into_as_few_paragraphs_as_slack_takes(lengths: list[int], packed: list[int]) -> None:
    assert [len(block["text"]["text"]) for block in paragraphs("x" * n for n in lengths)] == packed


@pytest.mark.parametrize(("name", "shown"), [("Acme", "Acme"), ("\u200b", "–"), ("x" * 80, "x" * 74 + "…")])
def test_a_literal_text_is_never_empty_and_never_too_long(name: str, shown: str) -> None:
    assert plain(name) == {"type": "plain_text", "text": shown, "emoji": False}


def test_a_line_of_a_thread_is_a_message() -> None:
    check(note_message("The trial was cancelled."))
