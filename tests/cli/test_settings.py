"""Where commands find their settings and the database, and the exit codes by which a mail server tries again."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import typer

from bot.cli.main import cli
from bot.domain.dnc import DncReason
from tests.cli.test_dnc import ANA, Run, one_mail, run, standing, within  # noqa: F401  run is a fixture
from tests.config.test_settings import NEEDED
from tests.services.inbound.test_bounces import BOUNCE

ROOT = Path(__file__).parent.parent.parent
COMPLETE = "".join(f"{name}={value}\n" for name, value in NEEDED.items())
PIPE = re.search(r'^"\|(.*)"$', (ROOT / "docs" / "mail.md").read_text(), re.MULTILINE)
INSTALLED = Path("/opt/evaluator-bot")


# --- --env-file ----------------------------------------------------------------------------------------------------


def _commands() -> Iterator[tuple[str, ...]]:
    """Every command that reads settings, with an argument wherever one is needed."""

    def walk(command: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if isinstance(command, typer.core.TyperGroup):
            for name, each in command.commands.items():
                yield from walk(each, (*path, name))
        elif isinstance(command, typer.core.TyperCommand):
            needed = [each for each in command.params if each.required and each.param_type_name == "argument"]
            yield (*path, *(ANA for _ in needed))

    yield from (path for path in walk(typer.main.get_command(cli), ()) if path != ("demo",))


@pytest.mark.parametrize("command", list(_commands()), ids=" ".join)
@pytest.mark.parametrize("before", [True, False], ids=["before", "behind"])
def test_every_command_takes_the_file_that_is_named(run: Run, command: tuple[str, ...], *, before: bool) -> None:  # noqa: F811
    option = ("--env-file", "none.env")
    done = run(*(*option, *command) if before else (*command, *option), stdin=b"yes\n")
    assert done.code == (75 if command == ("bounce",) else 2)
    assert "none.env cannot be read (No such file or directory)." in done.err
    assert sorted(Path().iterdir()) == []


@pytest.mark.parametrize("command", list(_commands()), ids=" ".join)
def test_no_command_starts_with_a_way_that_cannot_be_used(
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setenv("SSL_CERT_FILE", "nowhere.pem")
    done = run(*command, stdin=b"yes\n")
    assert done.code == (75 if command == ("bounce",) else 2)
    for name in ("ALL_PROXY", "SSL_CERT_FILE"):
        assert len([line for line in done.err.splitlines() if line.startswith(f"{name} cannot be used. ")]) == 1
    assert "1080" not in done.err
    assert list(Path().iterdir()) == []


def test_the_settings_and_the_database_are_found_from_any_folder(
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in NEEDED:
        monkeypatch.delenv(name)
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    for folder in (home, elsewhere):
        folder.mkdir()
    (home / "bot.env").write_text(COMPLETE)
    monkeypatch.chdir(elsewhere)
    assert run("db", "upgrade", f"--env-file={home / 'bot.env'}").code == 0
    assert (home / "evaluators.db").exists()
    assert list(elsewhere.iterdir()) == []


def test_what_stands_behind_two_dashes_is_no_option(run: Run) -> None:  # noqa: F811
    done = run("bounce", "--", "--env-file", "x")
    assert done.err == "--env-file cannot be read (No such file or directory).\n"


def test_a_file_that_cannot_be_read_is_said_by_its_name(run: Run, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "bot.env").write_text('SLACK_ACTORS="U0ALICE","U0CAROL"\n')
    done = run("dnc", "list", "--env-file", "bot.env")
    assert done.err == (
        "Fix these settings (environment or bot.env):\n"
        "Line 1 of bot.env (SLACK_ACTORS) has text after the closing quote. Leave the quotes out, or put single quotes "
        "around everything after the equals sign.\n"
    )
    assert not (tmp_path / "evaluators.db").exists()


def test_a_template_is_not_shown_with_settings_that_cannot_be_read(run: Run) -> None:  # noqa: F811
    Path(".env").write_text("MAIL_FROM='Ana' <ana@vendor.example>\n")
    done = run("render", "welcome")
    assert done.code == 2
    assert "Line 1 of .env (MAIL_FROM)" in done.err


# --- The mail pipe -------------------------------------------------------------------------------------------------


def test_the_pipe_of_the_docs_works_as_written(
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """As a mail server does: by a shell, in a folder of its own, with nothing in the environment."""
    assert PIPE is not None
    home, spool = tmp_path / "opt", tmp_path / "spool"
    (home / ".venv" / "bin").mkdir(parents=True)
    (home / ".venv" / "bin" / "evaluator-bot").symlink_to(Path(sys.executable).parent / "evaluator-bot")
    (home / ".env").write_text(COMPLETE)
    spool.mkdir()
    monkeypatch.chdir(home)
    within(one_mail)
    piped = subprocess.run(  # noqa: S603  our own program
        ["/bin/sh", "-c", PIPE[1].replace(str(INSTALLED), str(home))],
        input=BOUNCE,
        cwd=spool,
        env={},
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert (piped.returncode, piped.stdout.split(b":")[0]) == (0, b"The address does not take mail")
    assert (no := standing(ANA)) is not None
    assert no.reason is DncReason.BOUNCED
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY is missing"),
        ({"POLL_EVERY": "often"}, "POLL_EVERY cannot be used"),
        ({"ALL_PROXY": "socks5://127.0.0.1:1080"}, "ALL_PROXY cannot be used"),
        ({}, "There is no database at DATABASE_URL yet"),
        ({"DATABASE_URL": "sqlite+aiosqlite:///no/such/folder/evaluators.db"}, "There is no database at DATABASE_URL"),
        ({"DATABASE_URL": "evaluators.db"}, "DATABASE_URL is no address of a database"),
        ({"DATABASE_URL": "postgresql+asyncpg://bot@127.0.0.1:1/evaluators"}, "The database cannot be reached"),
    ],
)
def test_a_report_that_cannot_be_taken_in_is_put_off_and_no_database_is_made(
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str | None],
    words: str,
) -> None:
    for name, value in changes.items():
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    done = run("bounce", stdin=BOUNCE)
    assert (done.code, done.out) == (75, "")
    assert words in done.err
    assert done.err.endswith("\nThe report was not taken in. The mail server should try again later.\n")
    assert list(Path().iterdir()) == []


def test_an_empty_file_is_no_database_and_stays_empty(run: Run) -> None:  # noqa: F811
    Path("evaluators.db").touch()
    assert run("bounce", stdin=BOUNCE).code == 75
    assert Path("evaluators.db").stat().st_size == 0


@pytest.mark.parametrize("version", ["0000", "9999"])
def test_a_database_of_another_version_is_left_as_it_is(run: Run, version: str) -> None:  # noqa: F811
    within(one_mail)
    with closing(sqlite3.connect("evaluators.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (version,))
    done = run("bounce", stdin=BOUNCE)
    assert done.code == 75
    assert done.err.startswith("The database is of another version of Evaluator Bot.")
    with closing(sqlite3.connect("evaluators.db")) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [(version,)]


def test_with_another_key_a_report_is_put_off(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    run("dnc", "add", ANA)
    monkeypatch.setenv("SECRET_KEY", NEEDED["SECRET_KEY"][::-1])
    assert run("bounce", stdin=BOUNCE).code == 75


def test_a_report_that_waits_for_a_busy_database_is_taken_in_the_next_time(
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    within(one_mail)
    monkeypatch.setattr("bot.store.engine.database._PATIENCE_S", 0)
    with closing(sqlite3.connect("evaluators.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = run("bounce", stdin=BOUNCE)
        assert done.code == 75
        assert done.err.startswith("The database cannot be used: another program has held it too long.")
        assert run("dnc", "add", ANA).code == 75
        other.execute("ROLLBACK")
    assert run("bounce", stdin=BOUNCE).code == 0
    assert standing(ANA) is not None


def test_files_that_are_named_by_hand_end_as_every_command_does(run: Run) -> None:  # noqa: F811
    Path("one.eml").write_bytes(BOUNCE)
    done = run("bounce", "one.eml")
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert done.err.startswith("There is no database at DATABASE_URL yet.")


def test_a_closed_standard_input_is_said(tmp_path: Path) -> None:
    closed = subprocess.run(  # noqa: S603  our own program
        ["/bin/sh", "-c", f"'{sys.executable}' -m bot bounce <&-"],
        cwd=tmp_path,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert closed.returncode == 2
    assert "Standard input is closed" in closed.stderr
    assert "Traceback" not in closed.stderr


# --- What may be over later ----------------------------------------------------------------------------------------


def test_a_poll_of_a_marketplace_that_is_away_says_that_later_is_better(
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MARKETPLACE_API_URL", "http://127.0.0.1:1")
    done = run("poll")
    assert done.code == 75
    assert "Cannot connect to 127.0.0.1:1." in done.err


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("evaluators.db", 2),
        ("sqlite+aiosqlite:///no/such/folder/evaluators.db", 2),
        ("postgresql+asyncpg://bot@127.0.0.1:1/evaluators", 75),
    ],
)
def test_an_address_that_is_wrong_is_told_apart_from_a_server_that_is_away(
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    code: int,
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    done = run("dnc", "list")
    assert (done.code, len(done.err.splitlines())) == (code, 1)
    assert "DATABASE_URL" in done.err
