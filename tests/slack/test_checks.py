"""The checks of this folder find what they are there to find."""

from typing import Any

import pytest

from bot.demo.fake_slack.models import Refusal
from bot.slack.blocks import Block, Message, plain, section, small
from tests.slack.checks import check


def actions(*action_ids: str) -> Block:
    elements = [{"type": "button", "action_id": id_, "text": plain("Go"), "value": "1"} for id_ in action_ids]
    return {"type": "actions", "elements": elements}


def menu(**option: Any) -> Block:  # noqa: ANN401
    one = {"text": plain("One"), "value": "1", **option}
    return {"type": "actions", "elements": [{"type": "overflow", "action_id": "more", "options": [one]}]}


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param([section("")], id="empty text"),
        pytest.param([section("x" * 3001)], id="section text"),
        pytest.param([small("x" * 3001)], id="context text"),
        pytest.param([{"type": "section", "fields": [section("x" * 2001)["text"]]}], id="field"),
        pytest.param([menu(text={"type": "plain_text", "text": "x" * 76})], id="option text"),
        pytest.param([menu(value="x" * 151)], id="option value"),
        pytest.param([section("x")] * 51, id="number of blocks"),
        pytest.param([{**section("x"), "block_id": "one"}] * 2, id="block_id twice"),
        pytest.param([actions("go", "go")], id="action_id twice in a block"),
    ],
)
def test_what_slack_would_refuse_is_refused(blocks: list[Block]) -> None:
    with pytest.raises(Refusal):
        check(Message(text="Hello", blocks=blocks))


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(Message(text="Hello", blocks=[actions("go"), actions("go")]), id="action_id twice in a message"),
        pytest.param(Message(text="Hello", blocks=[section("x" * 2900)] * 3), id="all text together"),
        pytest.param(Message(text="Hello", blocks=[section("Hi <!channel>")]), id="everybody is called"),
        pytest.param(Message(text="Hello <@U1>", blocks=[section("Hi")]), id="somebody is called"),
        pytest.param(Message(text="Hello", blocks=[section("<https://evil.example|Acme>")]), id="a link from outside"),
        pytest.param(Message(text="Hello", blocks=[section("a > b")]), id="a bracket that is not escaped"),
        pytest.param(Message(text=" ", blocks=[section("Hi")]), id="nothing for a notification to say"),
    ],
)
def test_what_slack_would_take_and_nobody_wants_is_found(message: Message) -> None:
    with pytest.raises(AssertionError):
        check(message)
