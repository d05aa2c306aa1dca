"""What the whole bot shows at /metrics: its figures, and nobody's name."""

import math
import re
import socket
from collections.abc import Iterator
from enum import StrEnum

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.metrics.catalog import CATALOG
from tests.world import TODAY, World

Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def _figures(text: str) -> Figures:
    samples = (sample for family in parse(text) for sample in family.samples)
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


async def _scrape(port: int, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://127.0.0.1:{port}/metrics", headers=headers)


def _value(figures: Figures, name: str, **labels: str) -> float:
    return figures[f"evaluator_bot_{name}", tuple(sorted(labels.items()))]


def _labels_of(figures: Figures) -> Iterator[tuple[str, str, str]]:
    for name, labels in figures:
        for label, value in labels:
            yield name, label, value


async def test_it_counts_a_day_and_names_nobody(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot(metrics="on") as parts:
        card = await here.card(NORTHWIND.company)
        await here.write("U0ANA", card)
        await here.until(lambda: here.mailbox.mails)
        await here.at_rest(parts)
        answer = await _scrape(here.port)
        openmetrics = await _scrape(here.port, Accept="application/openmetrics-text; version=1.0.0")
    figures = _figures(answer.text)

    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert _value(figures, "leader") == 1
    assert _value(figures, "leader_changes_total", reason="start") == 1
    assert _value(figures, "poll_total", kind="sweep", outcome="good") == 1
    assert _value(figures, "poll_seconds_count", kind="sweep") == 1
    assert _value(figures, "last_good_poll_timestamp_seconds", kind="poll") == here.clock().timestamp()
    assert _value(figures, "report_rows_total", result="new") == 1
    assert _value(figures, "evaluations_total", event="started", app=LANTERNS.key) == 1
    assert _value(figures, "report_delay_seconds_count") == 1
    assert _value(figures, "deliveries_total", kind="card", outcome="done") >= 1
    assert _value(figures, "delivery_seconds_count", kind="note") >= 1
    assert _value(figures, "deliveries_waiting", kind="card") == 0
    assert _value(figures, "slack_requests_total", method="chat.postMessage", code="ok") >= 1
    assert not [key for key in figures if ("method", "other") in key[1]]
    assert _value(figures, "socket_connected") == 1
    assert _value(figures, "press_seconds_count", kind="action") >= 1
    assert _value(figures, "press_seconds_count", kind="view") >= 1
    assert _value(figures, "mails_total", outcome="sent") == 1
    assert sum(value for (name, _), value in figures.items() if name == "evaluator_bot_mail_gate_total") == 1
    assert _value(figures, "trouble", kind="poll") == 0
    assert _value(figures, "database_seconds_count", operation="write") > 0

    assert list(parse_openmetrics(openmetrics.text))  # type: ignore[no-untyped-call]  # it has no types
    assert not re.search(r"_created\b", answer.text)
    words = {NORTHWIND.company, NORTHWIND.site, NORTHWIND.person, NORTHWIND.email, "northwind", "U0ANA", "@"}
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    assert {word for word in words if word.casefold() in "\n".join(lines).casefold()} == set()
    known = {each.name: each.labels for each in CATALOG}
    for name, label, value in _labels_of(figures):
        if name.startswith("evaluator_bot_") and label != "le":
            kind = known[re.sub(r"_(bucket|sum|count)$", "", name)][label]
            assert not issubclass(kind, StrEnum) or value in list(kind), (name, label)


async def test_a_port_of_its_own_is_the_only_place(here: World) -> None:
    port = _free_port()
    async with here.bot(metrics_port=port, slack_app_token=None) as parts:
        own, main = await _scrape(port), await _scrape(here.port)
        assert parts.meter.registry is not None
    assert (own.status_code, main.status_code) == (200, 404)
    assert math.isnan(_value(_figures(own.text), "socket_connected"))  # so that no alert says that it is down
