"""Messages and views that Slack would refuse."""

from typing import Any

import pytest

from bot.demo.fake_slack.models import Refusal
from bot.demo.fake_slack.validation import block_problems, check_message, check_view
from tests.demo.fake_slack.sample import CARD, SUBJECT, TEMPLATE, Json, actions, button, modal, option, plain, section


def select(*options: Json, **more: object) -> Json:
    return {"type": "static_select", "action_id": "pick", "options": list(options), **more}


def fields(text: str) -> Json:
    return {"type": "section", "fields": [{"type": "mrkdwn", "text": text}]}


def context(text: str) -> Json:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def chart(*names: str, **overrides: object) -> Json:
    """A bar chart with these series and two categories."""
    labels = ["Oct", "Nov"]
    points = [{"label": label, "value": 1} for label in labels]
    series = [{"name": name, "data": points} for name in names]
    inner = {"type": "bar", "series": series, "axis_config": {"categories": labels}, **overrides}
    return {"type": "data_visualization", "title": "Trials", "chart": inner}


def pie(value: float) -> Json:
    segments = [{"label": "Oct", "value": value}]
    return {"type": "data_visualization", "title": "Trials", "chart": {"type": "pie", "segments": segments}}


def cell(text: str) -> Json:
    return {"type": "raw_text", "text": text}


def table(*rows: list[Json], **overrides: object) -> Json:
    return {"type": "data_table", "caption": "Trials", "rows": list(rows), **overrides}


NUMBER = {"type": "raw_number", "value": 1, "text": "1"}
WORDS = {"type": "rich_text", "elements": []}

CONFIRM = {"title": plain("Sure?"), "text": plain("It cannot be undone."), "confirm": plain("Yes")}

WRONG_BLOCKS: dict[str, list[Any]] = {
    "51 blocks": [{"type": "divider"}] * 51,
    "not a block": ["text"],
    "unknown block": [{"type": "banner"}],
    "a block of modals": [{"type": "alert", "text": plain("Careful")}],
    "section without text": [{"type": "section"}],
    "empty text": [section("")],
    "text without type": [{"type": "section", "text": {"text": "Hi"}}],
    "text as a string": [{"type": "section", "text": "Hi"}],
    "long section": [section("x" * 3001)],
    "long field": [fields("x" * 2001)],
    "eleven fields": [{"type": "section", "fields": [plain("x")] * 11}],
    "long context": [context("x" * 3001)],
    "eleven context elements": [{"type": "context", "elements": [plain("x")] * 11}],
    "long header": [{"type": "header", "text": plain("x" * 151)}],
    "mrkdwn header": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
    "empty actions": [actions()],
    "26 buttons": [actions(*(button(f"a{n}") for n in range(26)))],
    "input inside actions": [actions(SUBJECT["element"])],
    "unknown element": [actions({"type": "lever", "action_id": "pull"})],
    "long button": [actions(button("a", text=plain("x" * 76)))],
    "mrkdwn button": [actions(button("a", text={"type": "mrkdwn", "text": "x"}))],
    "long value": [actions(button("a", value="x" * 2001))],
    "long action_id": [actions(button("x" * 256))],
    "odd style": [actions(button("a", style="green"))],
    "same action_id twice": [actions(button("a"), button("a"))],
    "same block_id twice": [section("a") | {"block_id": "b"}, section("b") | {"block_id": "b"}],
    "no options": [actions(select())],
    "long option": [actions(select({"text": plain("x" * 76), "value": "a"}))],
    "long option value": [actions(select(option("x") | {"value": "x" * 151}))],
    "initial option from elsewhere": [actions(select(option("a"), initial_option=option("b")))],
    "six in an overflow": [
        actions({"type": "overflow", "action_id": "o", "options": [option(f"o{n}") for n in range(6)]})
    ],
    "confirm without deny": [actions(button("a", confirm=CONFIRM))],
    "image without alt_text": [{"type": "image", "image_url": "https://pictures.example/a.png"}],
    "unknown field": [section("Hi") | {"colour": "red"}],
    "three charts": [chart("a")] * 3,
    "two tables": [table([cell("App")], [NUMBER])] * 2,
    "a chart without series": [chart()],
    "seven series": [chart(*"abcdefg")],
    "a series twice": [chart("a", "a")],
    "a long series name": [chart("x" * 21)],
    "a chart without title": [chart("a") | {"title": ""}],
    "a chart of another kind": [chart("a", type="radar")],
    "a point without its category": [chart("a", axis_config={"categories": ["Oct", "Dec"]})],
    "a category twice": [chart("a", axis_config={"categories": ["Oct", "Oct"]})],
    "21 categories": [chart("a", axis_config={"categories": [str(n) for n in range(21)]})],
    "a value that is no number": [chart("a", series=[{"name": "a", "data": [{"label": "Oct", "value": "1"}]}])],
    "an empty slice": [pie(0)],
    "a table without rows": [table([cell("App")])],
    "a table without caption": [table([cell("App")], [NUMBER], caption="")],
    "102 rows": [table(*[[cell("App")]] * 102)],
    "rows of different lengths": [table([cell("App")], [NUMBER, NUMBER])],
    "an empty cell": [table([cell("App")], [cell("")])],
    "rich text in the head": [table([WORDS], [NUMBER])],
    "a number without its text": [table([cell("App")], [{"type": "raw_number", "value": 1}])],
    "too much text in a table": [table(*[[cell("x" * 300)]] * 100)],
    "a page of 101 rows": [table([cell("App")], [NUMBER], page_size=101)],
}


def test_a_card_is_taken() -> None:
    check_message({"text": "Acme", "blocks": CARD})
    check_message({"text": "Acme", "blocks": [fields("x" * 2000), context("x" * 3000)]})
    check_message({"text": "x", "blocks": [actions(button("a", confirm=CONFIRM | {"deny": plain("No")}))]})
    check_view(modal(SUBJECT, TEMPLATE))


def test_charts_and_tables_are_taken_in_messages_and_on_home_but_not_in_modals() -> None:
    shown = [
        chart("a", "b"),
        pie(0.5),
        table([cell("App"), cell("Trials")], [WORDS, NUMBER], row_header_column_index=1),
    ]
    check_message({"text": "Trials", "blocks": shown})
    check_view({"type": "home", "blocks": shown})
    with pytest.raises(Refusal, match="unsupported type"):
        check_view(modal(chart("a"), submit=None))


@pytest.mark.parametrize("blocks", WRONG_BLOCKS.values(), ids=WRONG_BLOCKS)
def test_blocks_over_a_limit_are_refused_with_the_place(blocks: list[Json]) -> None:
    with pytest.raises(Refusal) as caught:
        check_message({"text": "Acme", "blocks": blocks})
    assert caught.value.error == "invalid_blocks"
    assert all("[json-pointer:/" in message for message in caught.value.messages)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({}, "no_text"),
        ({"text": ""}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": "x", "blocks": [section("x" * 3000)] * 5}, "msg_blocks_too_long"),
        ({"text": "x", "metadata": {"event_type": "card"}}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {"event_type": "card", "event_payload": {"a": "x" * 9000}}}, "metadata_too_large"),
    ],
)
def test_messages_that_slack_does_not_take(content: Json, error: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_message(content)
    assert caught.value.error == error


@pytest.mark.parametrize(
    ("view", "place"),
    [
        (modal(SUBJECT, submit=None), "/view/submit"),
        (modal(SUBJECT, title=None), "/view/title"),
        (modal(SUBJECT, title=plain("x" * 25)), "/view/title/text"),
        (modal(SUBJECT, private_metadata="x" * 3001), "/view/private_metadata"),
        (modal(SUBJECT, id="V1"), "/view/id"),
        (modal(*[{"type": "divider"}] * 101), "/blocks"),
        (modal({"type": "markdown", "text": "Hi"}), "/blocks/0/type"),
        ({"type": "window"}, "/view/type"),
        ({"type": "home"}, "/blocks"),
    ],
)
def test_views_that_slack_does_not_take(view: Json, place: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_view(view)
    assert caught.value.error == "invalid_arguments"
    assert f"[json-pointer:{place}]" in str(caught.value)


@pytest.mark.parametrize(
    ("elements", "problem"),
    [
        ([], "at least 1 item"),
        ([{"type": "text", "text": "bare"}], "unsupported type"),
        ([{"type": "rich_text_quote", "elements": [{"type": "text", "text": ""}]}], "more than 0 characters"),
    ],
    ids=["nothing", "a text without a section", "a text without a character"],
)
def test_rich_text_that_slack_refuses_is_refused(elements: list[Json], problem: str) -> None:
    [found] = block_problems([{"type": "rich_text", "elements": elements}], "message")
    assert problem in found
