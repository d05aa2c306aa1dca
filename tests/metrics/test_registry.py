"""What the metrics may be called, and that their number has a limit."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as parse

from bot.domain.mail import Overtaken
from bot.domain.mail_policy import RefusalReason
from bot.metrics.catalog import CATALOG, EVALUATIONS, POLLS
from bot.metrics.labels import AppKey, EvaluationEvent, GateReason, PollKind, PollResult
from bot.metrics.meter import OFF, Meter
from bot.metrics.registry import Registry

ROOT = Path(__file__).parent.parent.parent
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboard.json"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
]


def _text(registry: Registry) -> str:
    return registry.expose("").body.decode()


def _announced(word: str) -> set[str]:
    """Return the names that a fresh bot gives a HELP or TYPE line."""
    return set(re.findall(rf"^# {word} (\w+) ", _text(Registry()), re.MULTILINE))


def _expressions() -> dict[str, str]:
    """Return the queries of the alerts and of the dashboard, by where they stand."""
    found = {rule["alert"]: rule["expr"] for rule in RULES}
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        found |= {f"{panel['title']} {target['refId']}": target["expr"] for target in panel["targets"]}
    return found


@pytest.mark.parametrize("where", _expressions())
def test_every_metric_of_an_alert_or_a_panel_exists_on_a_fresh_bot(where: str) -> None:
    named = re.findall(r"\b(?:evaluator_bot|process|python)_\w+", _expressions()[where])
    names = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named}
    assert names
    assert names <= _announced("HELP") & _announced("TYPE")


@pytest.mark.parametrize("where", _expressions())
def test_every_label_of_an_alert_or_a_panel_exists(where: str) -> None:
    expression = _expressions()[where]
    known = {label for each in CATALOG if each.name in expression for label in each.labels}
    named = {label.strip() for group in re.findall(r"\bby \((.+?)\)", expression) for label in group.split(",")}
    assert named | set(re.findall(r"(\w+)=\"", expression)) <= known | {"le"}


def test_every_panel_has_its_own_id_and_place() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_the_operations_guide_says_what_to_do_about_each_alert(rule: dict[str, Any]) -> None:
    assert f"\n### {rule['alert']}\n" in OPERATIONS
    assert rule["annotations"]["summary"].endswith(".")


def test_the_operations_guide_has_every_metric() -> None:
    table = OPERATIONS.partition("\n## Metrics\n")[2].partition("\n### ")[0]
    named = set(re.findall(r"`([a-z_]+)`", " ".join(re.findall(r"^\| (.+?) \|", table, re.MULTILINE))))
    assert named - {"evaluator_bot_"} == {each.name.removeprefix("evaluator_bot_") for each in CATALOG}


def test_every_metric_is_announced_by_a_fresh_bot() -> None:
    assert {each.name for each in CATALOG} <= _announced("HELP") & _announced("TYPE")
    assert _announced("TYPE") >= {"process_resident_memory_bytes", "python_info"}
    assert not re.search(r"_created\b", _text(Registry()))


def test_ten_thousand_apps_have_fifty_labels_and_one_for_the_rest() -> None:
    registry = Registry()
    meter = Meter(registry)
    for number in range(10_000):
        meter.count(EVALUATIONS, EvaluationEvent.STARTED, AppKey(f"example.app-{number}"))
    [family] = [each for each in parse(_text(registry)) if each.name == "evaluator_bot_evaluations"]
    figures = {sample.labels["app"]: sample.value for sample in family.samples}
    assert len(figures) == 51
    assert figures["other"] == 9_950


@pytest.mark.parametrize("text", ["Ada Test", "ada@northwind.test", "Northwind Test GmbH", "Müller", "a" * 101, ""])
def test_what_is_no_app_key_is_not_shown(text: str) -> None:
    registry = Registry()
    Meter(registry).count(EVALUATIONS, EvaluationEvent.STARTED, AppKey(text))
    assert 'evaluator_bot_evaluations_total{app="other",event="started"} 1.0' in _text(registry)


def test_what_cannot_occur_yet_is_zero_and_not_missing() -> None:
    assert 'evaluator_bot_mails_total{outcome="unknown"} 0.0' in _text(Registry())


def test_a_meter_without_a_registry_counts_nothing() -> None:
    OFF.count(POLLS, PollKind.POLL, PollResult.GOOD)
    assert OFF.registry is None


def test_every_reason_of_the_mail_policy_has_a_label() -> None:
    names = {each.name.lower() for each in (*RefusalReason, *Overtaken)}
    assert {each.value for each in GateReason} == names | {"none"}


def test_the_client_library_is_loaded_only_where_metrics_are_on() -> None:
    for path in (ROOT / "bot").rglob("*.py"):
        if path.name != "registry.py":
            imports = [node.module for node in ast.parse(path.read_text()).body if isinstance(node, ast.ImportFrom)]
            assert "bot.metrics.registry" not in imports, path
