"""slackblocks, which others wrote from Slack's pages, takes our charts, tables and Home tabs, whatever the names."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.report import ConversionReport, ReportScope
from bot.slack.blocks import Block, Message
from bot.slack.views.home import home_tab
from bot.slack.views.report import report_message
from tests.builders import TODAY
from tests.slack.checks import NAMES, WORKSPACE
from tests.slack.views import test_home as homes
from tests.slack.views import test_report as reports

slackblocks: Any = pytest.importorskip("slackblocks", reason="comes with the extra `dev`")
HOSTILE = ("<!channel>" * 300, "*_~`<&>" * 430, "\u202e" + "W" * 3000)


def rebuilt(block: Block) -> Any:  # noqa: ANN401  of a library without types here
    """The block as slackblocks makes it, which refuses what Slack does."""
    match block["type"]:
        case "actions":
            return slackblocks.ActionsBlock([_button(each) for each in block["elements"]])
        case "section" if "accessory" in block:
            return slackblocks.SectionBlock(_text(block["text"]), accessory=_button(block["accessory"]))
        case "data_visualization":
            return slackblocks.DataVisualizationBlock(block["title"], _chart(block["chart"]))
        case "data_table":
            rows = [[_cell(cell) for cell in row] for row in block["rows"]]
            return slackblocks.DataTableBlock(rows, block["caption"], page_size=block["page_size"])
        case _:
            return slackblocks.Block.from_dict(block)


def check_message(message: Message) -> None:
    """Hold a message against slackblocks, and what it makes of it against ours."""
    blocks = [rebuilt(block) for block in message.blocks]
    sent = slackblocks.Message(channel="C0CARDS", text=message.text, blocks=blocks).to_dict()
    assert [block["type"] for block in sent["blocks"]] == [block["type"] for block in message.blocks]


def _text(text: Block) -> Any:  # noqa: ANN401  as above
    return slackblocks.Text(text["text"], verbatim=text["verbatim"])


def _button(button: Block) -> Any:  # noqa: ANN401  as above
    label = button.get("accessibility_label")
    return slackblocks.Button(
        button["text"]["text"], button["action_id"], value=button["value"], accessibility_label=label
    )


def _chart(chart: Block) -> Any:  # noqa: ANN401  as above
    series = [
        slackblocks.DataSeries(each["name"], [slackblocks.DataPoint(**point) for point in each["data"]])
        for each in chart["series"]
    ]
    return slackblocks.BarChart(series, slackblocks.AxisConfig(**chart["axis_config"]))


def _cell(cell: Block) -> Any:  # noqa: ANN401  as above
    if cell["type"] == "raw_number":
        return slackblocks.RawNumber(cell["value"], cell["text"])
    return slackblocks.RawText(cell["text"])


@given(st.lists(NAMES | st.sampled_from(HOSTILE), min_size=1, max_size=20))
def test_it_takes_reports(names: list[str]) -> None:
    keys = {str(number): name for number, name in enumerate(names)}
    scope = ReportScope(since=TODAY, today=TODAY, app_keys=frozenset(keys), names=keys)
    apps = reports.conversion(*((name, reports.MANY) for name in names))
    check_message(report_message(ConversionReport(scope=scope, total=apps.total, apps=apps.apps, months=apps.months)))


@given(NAMES | st.sampled_from(HOSTILE), NAMES | st.sampled_from(HOSTILE), st.integers(0, 15))
def test_it_takes_home_tabs(company: str, app: str, count: int) -> None:
    rows = homes.page(*(homes.row(number, company, app) for number in range(1, count + 1)), total=10**6)
    shown = homes.home(*[app] * 12, mine=rows, unowned=rows, ending=rows)
    tab = home_tab(shown, today=TODAY, workspace_url=WORKSPACE)
    assert slackblocks.HomeTabView([rebuilt(block) for block in tab["blocks"]]).to_dict()["type"] == "home"
