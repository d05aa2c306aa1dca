"""Slack's charts and data tables, within their limits.

docs.slack.dev/reference/block-kit/blocks/data-visualization-block and data-table-block. Workspaces that do not have
them yet refuse the whole message, so each says only what its text says, too: see `without_charts`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from bot.slack.blocks import Block, Message
from bot.slack.text import tame

MOST_POINTS: Final = 20
"""Categories of a chart, and points in each of its series."""
MOST_ROWS: Final = 100
"""Rows of a table below its head."""
_LABEL: Final = 20
_TITLE: Final = 50
_CELL: Final = 80
_CHART: Final = "data_visualization"
_TABLE: Final = "data_table"

Cell = str | int


def bar_chart(title: str, labels: Sequence[str], series: Mapping[str, Sequence[int]], *, x: str, y: str) -> list[Block]:
    """Return a chart with a bar for each label and series, or nothing if there are no labels. Each series has a number
    for each label; the first ones are shown.
    """
    categories = unique_labels(labels[:MOST_POINTS])
    if not categories:
        return []
    data = [
        {
            "name": tame(name, longest=_LABEL),
            "data": [{"label": label, "value": value} for label, value in zip(categories, values, strict=False)],
        }
        for name, values in series.items()
    ]
    axes = {"categories": categories, "x_label": tame(x, longest=_TITLE), "y_label": tame(y, longest=_TITLE)}
    chart = {"type": "bar", "series": data, "axis_config": axes}
    return [{"type": _CHART, "title": tame(title, longest=_TITLE), "chart": chart}]


def data_table(caption: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[Block]:
    """Return a table that people can sort, or nothing if it has no rows. The first rows are shown."""
    if not rows:
        return []
    cells = [[_cell(name) for name in head], *([_cell(value) for value in row] for row in rows[:MOST_ROWS])]
    return [{"type": _TABLE, "caption": tame(caption), "rows": cells, "page_size": 10}]


def unique_labels(labels: Iterable[str]) -> list[str]:
    """Return labels of at most 20 characters, no two of them the same."""
    found: list[str] = []
    for label in labels:
        short = tame(label, longest=_LABEL) or "–"
        count = 1
        while short in found:
            count += 1
            suffix = f" ({count})"
            short = (tame(label, longest=_LABEL - len(suffix)) or "–") + suffix
        found.append(short)
    return found


def without_charts(message: Message) -> Message | None:
    """Return a message without its charts and tables, or None if it has none."""
    kept = [block for block in message.blocks if block["type"] not in {_CHART, _TABLE}]
    return Message(text=message.text, blocks=kept) if len(kept) < len(message.blocks) else None


def _cell(value: Cell) -> Block:
    if isinstance(value, int):
        return {"type": "raw_number", "value": value, "text": f"{value:,}"}
    return {"type": "raw_text", "text": tame(value, longest=_CELL) or "–"}
