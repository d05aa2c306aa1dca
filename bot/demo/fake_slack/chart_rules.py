"""What Slack refuses in charts and data tables.

docs.slack.dev/reference/block-kit/blocks/data-visualization-block and data-table-block. Where live clients report other
numbers than the pages, the stricter one counts.
"""

import math
from collections.abc import Iterator, Sequence

from bot.demo.fake_slack.models import Json

CHART, TABLE = "data_visualization", "data_table"
MOST_OF_KIND = {CHART: 2, TABLE: 1}
"""Blocks of a kind in one message or view."""
TITLE, LABEL = 50, 20
MOST_SERIES, MOST_POINTS = 6, 20
MOST_ROWS, MOST_COLUMNS, MOST_CELL_TEXT, MOST_PAGE = 101, 20, 20_000, 100


def say(what: str, at: str) -> str:
    """Word a problem as Slack does in response_metadata."""
    return f"[ERROR] {what} [json-pointer:{at}]"


def chart_problems(block: Json, at: str) -> Iterator[str]:
    """Yield what is wrong with a chart."""
    yield from _unknown(block, {"type", "block_id", "title", "chart"}, at)
    yield from _word(block.get("title"), TITLE, f"{at}/title")
    chart = block.get("chart")
    if not isinstance(chart, dict) or chart.get("type") not in ("bar", "line", "area", "pie"):
        yield say("must be a bar, line, area or pie chart", f"{at}/chart")
    elif chart["type"] == "pie":
        segments = chart.get("segments")
        yield from _length(segments, 1, MOST_SERIES, f"{at}/chart/segments")
        for number, segment in enumerate(segments or ()):
            yield from _word(segment.get("label"), LABEL, f"{at}/chart/segments/{number}/label")
            if not _is_number(segment.get("value")) or segment["value"] <= 0:
                yield say("must be more than 0", f"{at}/chart/segments/{number}/value")
    else:
        yield from _series_problems(chart, f"{at}/chart")


def _series_problems(chart: Json, at: str) -> Iterator[str]:
    axes, series = chart.get("axis_config") or {}, chart.get("series")
    categories = axes.get("categories")
    yield from _length(categories, 1, MOST_POINTS, f"{at}/axis_config/categories")
    yield from _length(series, 1, MOST_SERIES, f"{at}/series")
    for name in ("x_label", "y_label"):
        if name in axes:
            yield from _word(axes[name], TITLE, f"{at}/axis_config/{name}")
    for number, category in enumerate(categories or ()):
        yield from _word(category, LABEL, f"{at}/axis_config/categories/{number}")
    if len(set(map(str, categories or ()))) < len(categories or ()):
        yield say("categories must be unique", f"{at}/axis_config/categories")
    names = [each.get("name") for each in series or ()]
    if len(set(names)) < len(names):
        yield say("series names must be unique", f"{at}/series")
    for number, each in enumerate(series or ()):
        place = f"{at}/series/{number}"
        yield from _word(each.get("name"), LABEL, f"{place}/name")
        points = each.get("data") or []
        if [point.get("label") for point in points] != list(categories or ()):
            yield say("must have one point for each category, in their order", f"{place}/data")
        if not all(_is_number(point.get("value")) for point in points):
            yield say("must be numbers", f"{place}/data")


def table_problems(block: Json, at: str) -> Iterator[str]:
    """Yield what is wrong with a data table."""
    known = {"type", "block_id", "caption", "rows", "page_size", "row_header_column_index"}
    yield from _unknown(block, known, at)
    yield from _word(block.get("caption"), MOST_CELL_TEXT, f"{at}/caption")
    rows = block.get("rows")
    yield from _length(rows, 2, MOST_ROWS, f"{at}/rows")
    if not isinstance(rows, list):
        return
    if len({len(row) for row in rows}) > 1:
        yield say("rows must have the same length", f"{at}/rows")
    for number, row in enumerate(rows):
        yield from _length(row, 1, MOST_COLUMNS, f"{at}/rows/{number}")
        for column, cell in enumerate(row):
            yield from _cell_problems(cell, f"{at}/rows/{number}/{column}", is_head=number == 0)
    if sum(len(str(cell.get("text", ""))) for row in rows for cell in row) > MOST_CELL_TEXT:
        yield say(f"cells must have {MOST_CELL_TEXT} characters at most", f"{at}/rows")
    if not 1 <= block.get("page_size", 5) <= MOST_PAGE:
        yield say(f"must be 1 to {MOST_PAGE}", f"{at}/page_size")
    if not 0 <= block.get("row_header_column_index", 0) < len(rows[0] if rows else ()):
        yield say("must be a column", f"{at}/row_header_column_index")


def _cell_problems(cell: Json, at: str, *, is_head: bool) -> Iterator[str]:
    kind = cell.get("type")
    if kind not in ("raw_text", "raw_number", "rich_text") or (is_head and kind == "rich_text"):
        yield say("unsupported type", f"{at}/type")
    if kind in ("raw_text", "raw_number"):
        yield from _word(cell.get("text"), MOST_CELL_TEXT, f"{at}/text")
    if kind == "raw_number" and not _is_number(cell.get("value")):
        yield say("must be a number", f"{at}/value")


def _length(found: object, least: int, most: int, at: str) -> Iterator[str]:
    if not isinstance(found, Sequence) or isinstance(found, str) or not least <= len(found) <= most:
        yield say(f"must have {least} to {most} items", at)


def _word(text: object, longest: int, at: str) -> Iterator[str]:
    if not isinstance(text, str) or not 1 <= len(text) <= longest:
        yield say(f"must be a string of 1 to {longest} characters", at)


def _unknown(block: Json, known: set[str], at: str) -> Iterator[str]:
    for name in sorted(set(block) - known):
        yield say(f"unexpected field {name}", at)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
