"""The command line as an operator meets it: exit codes, and sentences that say what to do."""

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.cli import cli
from tests.world import World


def _run(*arguments: str, folder: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env={"PATH": os.defpath, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


async def _run_beside(here: World, *arguments: str, **changes: object) -> subprocess.CompletedProcess[str]:
    """Run it while the servers of the world go on."""
    import asyncio  # noqa: PLC0415

    environment = here.environment(**changes)
    return await asyncio.to_thread(_run, *arguments, folder=here.folder, environment=environment)


def test_without_settings_every_missing_one_is_named_with_what_to_do(tmp_path: Path) -> None:
    done = _run("run", folder=tmp_path)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    for name in (
        "SLACK_BOT_TOKEN",
        "SLACK_CHANNEL",
        "MARKETPLACE_USER",
        "MARKETPLACE_TOKEN",
        "SECRET_KEY",
        "SLACK_APP_TOKEN",
        "MARKETPLACE_VENDOR_ID",
    ):
        assert any(line.startswith(f"{name} is missing. It should be ") for line in lines)
    assert "Traceback" not in done.stderr


def test_a_misspelt_command_is_misuse(tmp_path: Path) -> None:
    assert _run("rnu", folder=tmp_path).returncode == 2


@pytest.mark.parametrize("command", [c.name or c.callback.__name__ for c in cli.registered_commands if c.callback])
def test_every_command_explains_itself(command: str, tmp_path: Path) -> None:
    done = _run(command, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert "Usage" in done.stdout


async def test_check_says_of_each_thing_that_it_works(here: World) -> None:
    done = await _run_beside(here, "check")
    assert [line[0] for line in done.stdout.splitlines()] == ["✓"] * 9
    assert done.returncode == 0


async def test_check_names_everything_that_is_wrong_and_what_to_do(here: World) -> None:
    here.workspace.channels["C0EVALS"].bot_is_member = False
    here.workspace.keys.scopes.discard("users:read")
    done = await _run_beside(here, "check", marketplace_token="expired", smtp_port=1, slack_app_token="xapp-wrong")
    wrong = [line for line in done.stdout.splitlines() if line.startswith("✗")]
    assert done.returncode == 1
    for words in ("users:read", "/invite", "SLACK_APP_TOKEN", "MARKETPLACE_TOKEN", "Mail server"):
        assert any(words in line for line in wrong), words


async def test_poll_by_hand_says_what_it_read(here: World) -> None:
    done = await _run_beside(here, "poll")
    assert done.stdout == "0 rows read, 0 evaluations new, 0 announced, 0 unreadable.\n"
    assert done.returncode == 0


async def test_a_poll_that_fails_says_what_to_do_and_fails(here: World) -> None:
    done = await _run_beside(here, "poll", marketplace_token="expired")
    assert done.returncode == 1
    assert "MARKETPLACE_TOKEN" in done.stderr
    assert "Traceback" not in done.stderr


async def test_backup_writes_a_copy_that_nobody_else_can_read(here: World) -> None:
    await _run_beside(here, "db", "upgrade")
    done = await _run_beside(here, "db", "backup", "copy.db")
    copy = here.folder / "copy.db"
    assert done.returncode == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT count(*) FROM evaluation").fetchone() == (0,)
    again = await _run_beside(here, "db", "backup", "copy.db")
    assert (again.returncode, again.stderr) == (1, "copy.db exists. Name a file that does not.\n")


async def test_a_port_that_is_taken_is_said_in_one_line(here: World) -> None:
    done = await _run_beside(here, "run", http_port=here.workspace.url.rpartition(":")[2])
    assert done.returncode == 2
    assert "HTTP_PORT" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_token_that_slack_refuses_ends_the_start_with_what_to_do(here: World) -> None:
    done = await _run_beside(here, "run", slack_bot_token="xoxb-wrong")
    assert done.returncode == 1
    assert "SLACK_BOT_TOKEN" in done.stderr
    assert "Traceback" not in done.stderr
