"""Charts and tables keep Slack's limits, whatever they show."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from bot.slack.blocks import Message, section
from bot.slack.charts import bar_chart, data_table, unique_labels, without_charts
from tests.slack.checks import NAMES, check_blocks


def test_labels_that_would_be_cut_to_the_same_differ_by_a_number() -> None:
    assert unique_labels(["Roadmap for Jira Cloud", "Roadmap for Jira Clouds", "", ""]) == [
        "Roadmap for Jira Cl…",
        "Roadmap for Jir… (2)",
        "–",
        "– (2)",
    ]


@given(st.lists(NAMES, max_size=30), st.integers(0, 10**9))
def test_any_names_make_a_chart_and_a_table_that_slack_takes(names: list[str], value: int) -> None:
    values = [value] * len(names)
    chart = bar_chart("Trials " * 20, names, {"Mature": values, "Bought": values}, x="App", y="Trials")
    table = data_table("Trials by app", ("App", "Trials"), list(zip(names, values, strict=True)))
    check_blocks([section("–"), *chart, *table])
    assert bool(chart) is bool(table) is bool(names)


def test_only_charts_and_tables_go_where_slack_does_not_take_them() -> None:
    text = section("The same figures")
    chart = bar_chart("Trials", ["Maps"], {"Trials": [1]}, x="App", y="Trials")
    table = data_table("Trials", ("App", "Trials"), [("Maps", 1)])
    assert without_charts(Message(text="Trials", blocks=[*chart, text, *table])) == Message(
        text="Trials", blocks=[text]
    )
    assert without_charts(Message(text="Trials", blocks=[text])) is None


def test_a_long_table_is_cut_to_what_slack_takes() -> None:
    rows = [(f"App {n}-{m}", n) for n, m in product(range(20), range(20))]
    [table] = data_table("Trials", ("App", "Trials"), rows)
    assert len(table["rows"]) == 101
