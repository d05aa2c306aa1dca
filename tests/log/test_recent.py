"""The last log lines, kept beside the database."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot.log.recent import MAX_LINES, read_recent
from bot.log.setup import set_up_logging


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for each in root.handlers:
        each.close()
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def _log(path: Path, *events: str) -> str:
    """Log events with something private in each. Return what is in the other log."""
    stream = io.StringIO()
    set_up_logging(json=False, level="info", stream=stream, secrets=["a-secret-of-ours"], recent=path)
    for event in events:
        structlog.get_logger().info(event, private="ana@acme.example a-secret-of-ours")
    return stream.getvalue()


def test_the_lines_are_kept_as_they_were_logged_and_nobody_else_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "evaluators.db.log"
    _log(path, "first", "second")
    found = [json.loads(line) for line in read_recent(path)]
    assert [(each["event"], each["private"]) for each in found] == [
        ("first", "<address> <secret>"),
        ("second", "<address> <secret>"),
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_files_do_not_grow_without_end_and_have_the_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.log.recent._MAX_BYTES", 1_000)
    path = tmp_path / "evaluators.db.log"
    _log(path, *(f"event_{number}" for number in range(50)))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["evaluators.db.log", "evaluators.db.log.1"]
    assert all(each.stat().st_size <= 1_000 for each in tmp_path.iterdir())
    assert json.loads(read_recent(path)[-1])["event"] == "event_49"
    assert 2 < len(read_recent(path)) < MAX_LINES


def test_a_folder_that_is_gone_costs_only_the_kept_lines(tmp_path: Path) -> None:
    assert "first" in _log(tmp_path / "gone" / "evaluators.db.log", "first")
    assert read_recent(tmp_path / "gone" / "evaluators.db.log") == read_recent(None) == []
