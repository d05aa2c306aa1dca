"""The watch over the log can fail."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.log_watch import LogWatch

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("mail_sent to=ana@acme.example", "an address"),
        ("mail_sent to=ana%40acme.example", "an address"),
        ("mail_sent to=ana%252540acme.example", "an address"),
        (r"mail_sent to=ana\u0040acme.example", "an address"),
        ("mail_sent by=Liv Eksempel", "a name"),
        ("mail_sent by=Liv%20Eksempel", "a name"),
        ("seen company=Fjord Eksempel AS", "a name"),
        ("asked token=xoxb-demo-123", "a token"),
        ("asked url=https://bot.example/u/AAAABBBBCCCCDDDDEEEE", "a token"),
        ("asked key=what only we know", "a token"),
        ("sent text=Two lines are enough, if that is all you have.", "the text of a mail"),
    ],
)
def test_what_must_not_be_logged_is_found(line: str, kind: str) -> None:
    watch = LogWatch()
    watch.keep_private("a token", ["what only we know"])
    watch.keep_mail_private("Hello Liv,\nTwo lines are enough, if that is all you have.\n")
    watch.note("bot.x", "event", f"2026-11-30T00:00:00Z {line}")

    [leak] = watch.take_leaks()
    assert leak == f"bot.x: event shows {kind}"
    assert watch.take_leaks() == []


@pytest.mark.parametrize(
    "line", ["mail_settled mail=12 state=sent", "no @here", "press_failed reason=<address> was refused", "x=Nobody"]
)
def test_what_may_be_logged_is_not(line: str) -> None:
    watch = LogWatch()
    watch.note("bot.x", "event", f"2026-11-30T00:00:00Z {line}")

    assert watch.take_leaks() == []


def test_the_log_of_a_process_is_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("2026-11-30T00:00:00Z [info     ] mail_sent          to=Liv Eksempel\n")
    watch = LogWatch()
    watch.read(tmp_path / "log")
    watch.read(tmp_path / "no such log")

    assert [leak.rpartition(" shows ")[2] for leak in watch.take_leaks()] == ["a name"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_in_which_a_name_is_logged_fails_and_does_not_show_it(tmp_path: Path, workers: str) -> None:
    (tmp_path / "conftest.py").write_text("from tests.log_watch import _every_sink_is_watched, logged\n")
    (tmp_path / "test_it.py").write_text(
        dedent("""
            import logging, structlog

            def test_one():
                structlog.get_logger("bot.some.part").info("somebody_came", who="Liv " + "Eksempel")

            def test_two():
                logging.getLogger("some.library").warning("It is %s", "Liv " + "Eksempel")

            def test_three():
                structlog.get_logger("bot.some.part").info("somebody_came", who="<address>")
        """)
    )
    done = subprocess.run(  # noqa: S603  pytest itself
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-q",
            "--show-capture=no",
            "-n",
            workers,
            str(tmp_path),
        ],
        cwd=tmp_path,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert "3 passed, 2 errors" in done.stdout
    assert "bot.some.part: somebody_came shows a name" in done.stdout
    assert "some.library: warning shows a name" in done.stdout
    assert "Eksempel" not in done.stdout.replace('"Eksempel"', "")
