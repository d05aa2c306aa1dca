"""What slackblocks, which others wrote from Slack's pages, makes of our blocks. It refuses what Slack refuses."""

# ruff: noqa: ANN401  the library has no types here

from collections.abc import Callable
from typing import Any

import pytest

from bot.slack.blocks import Block, Message
from bot.slack.views.modals import Modal

slackblocks: Any = pytest.importorskip("slackblocks", reason="comes with the extra `dev`")


def check_message(message: Message) -> None:
    """Hold a message against slackblocks, and what it makes of it against ours."""
    blocks = [rebuilt(block) for block in message.blocks]
    sent = slackblocks.Message(channel="C0CARDS", text=message.text, blocks=blocks).to_dict()
    assert [block["type"] for block in sent["blocks"]] == [block["type"] for block in message.blocks]


def check_view(view: Modal) -> None:
    """Hold a modal or a Home tab against slackblocks."""
    blocks = [rebuilt(block) for block in view["blocks"]]
    if view["type"] == "home":
        shown = slackblocks.HomeTabView(blocks)
    else:
        names = ("title", "close", "submit")
        texts = {name: _text(view[name]) for name in names if name in view}
        about = {"private_metadata": view.get("private_metadata"), "callback_id": view.get("callback_id")}
        shown = slackblocks.ModalView(blocks=blocks, **texts, **about)
    assert [block["type"] for block in shown.to_dict()["blocks"]] == [block["type"] for block in view["blocks"]]


def rebuilt(block: Block) -> Any:
    """Return a block as slackblocks makes it."""
    match block["type"]:
        case "actions":
            return slackblocks.ActionsBlock([_element(each) for each in block["elements"]])
        case "section" if "accessory" in block:
            return slackblocks.SectionBlock(_text(block["text"]), accessory=_element(block["accessory"]))
        case "input":
            return _input(block)
        case "rich_text":
            return slackblocks.RichTextBlock([_quote(each) for each in block["elements"]])
        case "data_visualization" | "data_table":
            return _figure(block)
        case _:
            return slackblocks.Block.from_dict(block)


def _figure(block: Block) -> Any:
    if block["type"] == "data_visualization":
        return slackblocks.DataVisualizationBlock(block["title"], _chart(block["chart"]))
    rows = [[_cell(cell) for cell in row] for row in block["rows"]]
    return slackblocks.DataTableBlock(rows, block["caption"], page_size=block["page_size"])


def _input(block: Block) -> Any:
    hint = _text(block["hint"]) if "hint" in block else None
    return slackblocks.InputBlock(
        _text(block["label"]),
        _element(block["element"]),
        dispatch_action=block.get("dispatch_action", False),
        block_id=block.get("block_id"),
        hint=hint,
        optional=block.get("optional", False),
    )


def _element(element: Block) -> Any:
    """Return an element by its type; one that has no builder here is a mistake of this test."""
    return _BUILDERS[element["type"]](element["action_id"], element)


def _button(action_id: str, button: Block) -> Any:
    more = {name: button[name] for name in ("value", "url", "style", "accessibility_label") if name in button}
    return slackblocks.Button(_text(button["text"]), action_id, **more)


def _overflow(action_id: str, menu: Block) -> Any:
    return slackblocks.OverflowMenu(action_id, [_option(each) for each in menu["options"]])


def _plain_text_input(action_id: str, element: Block) -> Any:
    more = {name: element[name] for name in ("initial_value", "multiline", "max_length") if name in element}
    return slackblocks.PlainTextInput(action_id, **more)


def _radio(action_id: str, element: Block) -> Any:
    chosen = _option(element["initial_option"]) if "initial_option" in element else None
    return slackblocks.RadioButtonGroup(action_id, [_option(each) for each in element["options"]], chosen)


def _select(action_id: str, element: Block) -> Any:
    chosen = _option(element["initial_option"]) if "initial_option" in element else None
    return slackblocks.StaticSelectMenu(
        action_id, [_option(each) for each in element["options"]], initial_option=chosen
    )


def _date(action_id: str, element: Block) -> Any:
    return slackblocks.DatePicker(action_id, element.get("initial_date"))


def _date_time(action_id: str, element: Block) -> Any:
    return slackblocks.DateTimePicker(action_id, element.get("initial_date_time"))


def _user(action_id: str, element: Block) -> Any:
    return slackblocks.UserSelectMenu(action_id, element.get("initial_user"))


_BUILDERS: dict[str, Callable[[str, Block], Any]] = {
    "button": _button,
    "overflow": _overflow,
    "plain_text_input": _plain_text_input,
    "radio_buttons": _radio,
    "static_select": _select,
    "datepicker": _date,
    "datetimepicker": _date_time,
    "users_select": _user,
}


def _option(option: Block) -> Any:
    return slackblocks.Option(_text(option["text"]), option["value"])


def _text(text: Block) -> Any:
    return slackblocks.Text.from_dict(text)


def _quote(quote: Block) -> Any:
    return slackblocks.RichTextQuote([slackblocks.RichText(each["text"]) for each in quote["elements"]])


def _chart(chart: Block) -> Any:
    series = [
        slackblocks.DataSeries(each["name"], [slackblocks.DataPoint(**point) for point in each["data"]])
        for each in chart["series"]
    ]
    return slackblocks.BarChart(series, slackblocks.AxisConfig(**chart["axis_config"]))


def _cell(cell: Block) -> Any:
    if cell["type"] == "raw_number":
        return slackblocks.RawNumber(cell["value"], cell["text"])
    return slackblocks.RawText(cell["text"])
