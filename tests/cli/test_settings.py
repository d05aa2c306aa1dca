"""Where commands find their settings and the database, and the exit codes by which a mail server tries again."""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import reduce
from pathlib import Path

import pytest
import typer

from bot.cli.main import cli
from bot.domain.dnc_reason import DncReason
from tests.cli.conftest import Done, Run
from tests.cli.test_dnc import ANA, one_mail, standing, within
from tests.config.test_settings import NEEDED
from tests.services.inbound.test_bounces import BOUNCE

ROOT = Path(__file__).parent.parent.parent
COMPLETE = "".join(f"{name}={value}\n" for name, value in NEEDED.items())
PIPE = re.search(r'^"\|(.*)"$', (ROOT / "docs" / "mail.md").read_text(), re.MULTILINE)
INSTALLED = ("/opt/evaluator-bot", "/var/lib/evaluator-bot")
SOME_VALUE = {"--since": "2026-07-01"}
"""The options that take no name of a file."""


# --- --env-file ----------------------------------------------------------------------------------------------------


def _commands() -> Iterator[tuple[str, ...]]:
    """Every command that reads settings, with what each needs."""

    def walk(command: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if isinstance(command, typer.core.TyperGroup):
            for name, each in command.commands.items():
                yield from walk(each, (*path, name))
        elif isinstance(command, typer.core.TyperCommand):
            needed = [each for each in command.params if each.required or each.name == "address"]
            options = [each.opts[0] for each in needed if each.param_type_name == "option"]
            arguments = [ANA for each in needed if each.param_type_name == "argument"]
            values = [word for option in options for word in (option, SOME_VALUE.get(option, "new.zip"))]
            yield (*path, *arguments, *values)

    yield from (path for path in walk(typer.main.get_command(cli), ()) if path != ("demo",))


@pytest.mark.parametrize("command", list(_commands()), ids=" ".join)
@pytest.mark.parametrize("before", [True, False], ids=["before", "behind"])
def test_every_command_takes_the_file_that_is_named(run: Run, command: tuple[str, ...], *, before: bool) -> None:
    option = ("--env-file", "none.env")
    done = run(*(*option, *command) if before else (*command, *option), stdin=b"yes\n")
    assert done.code == (75 if command == ("bounce",) else 2)
    assert "none.env cannot be read (No such file or directory)." in done.err
    assert sorted(Path().iterdir()) == []


NEEDS_MORE = {"run", "check", "poll", "backfill", "render"}
"""Commands that use more than the database."""


@pytest.mark.parametrize("command", [each for each in _commands() if each[0] in NEEDS_MORE], ids=" ".join)
def test_no_command_that_uses_the_network_starts_with_a_proxy_that_cannot_be_used(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    monkeypatch.setenv("SSL_CERT_FILE", "nowhere.pem")
    done = run(*command, stdin=b"yes\n")
    assert done.code == 2
    for name in ("ALL_PROXY", "SSL_CERT_FILE"):
        assert len([line for line in done.err.splitlines() if line.startswith(f"{name} cannot be used. ")]) == 1
    assert "1080" not in done.err
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        ("db", "upgrade"),
        ("dnc", "list"),
        ("dnc", "add", ANA),
        ("export", ANA),
        ("export", "evaluations", "--contacts"),
        ("erase", ANA, "--yes"),
        ("audit",),
        ("bounce", "one.eml"),
    ],
    ids=" ".join,
)
def test_a_command_that_only_uses_the_database_needs_its_address_and_the_key_alone(
    bare: Run, command: tuple[str, ...]
) -> None:
    Path("one.eml").write_bytes(BOUNCE)
    url = f"sqlite+aiosqlite:///{Path.cwd() / 'evaluators.db'}"
    within(one_mail)
    wrong = {"POLL_EVERY": "often", "SLACK_BOT_TOKEN": "wrong", "SLACK_ACTOR": "U0ANA", "ALL_PROXY": "socks5://x:1"}
    assert bare(*command, env={"DATABASE_URL": url, "SECRET_KEY": NEEDED["SECRET_KEY"], **wrong}).code == 0
    none = bare(*command, env=wrong)
    assert (none.code, none.err.splitlines()[0]) == (2, "Fix these settings (environment or .env):")
    assert [line.partition(".")[0] for line in none.err.splitlines()[1:]] == ["SECRET_KEY is missing"]


def test_everything_that_is_wrong_with_the_settings_is_one_list(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "DATABASE_URL": "evaluators.db",
        "MAIL_FROM": "Ana",
        "MAIL_PRIVACY_URL": "privacy",
        "MAIL_TEMPLATES": "nowhere",
        "MAIL_COUNTRIES": "nowhere.toml",
        "DKIM_DOMAIN": "vendor.example",
        "HTTP_PORT": "80a",
        "SLACK_ACTOR": "U0ANA",
        "ALL_PROXY": "socks5://127.0.0.1:1080",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SLACK_CHANNEL")
    done = run("run")
    head, *lines = done.err.splitlines()
    assert (done.code, head) == (2, "Fix these settings (environment or .env):")
    assert len(lines) == len(wrong) + 1
    for sentence in (
        "DATABASE_URL cannot be used. It should be an address like sqlite+aiosqlite:///evaluators.db",
        "MAIL_FROM cannot be used. It should be the sender, as Name <name@your-domain>.",
        "MAIL_PRIVACY_URL isn't a web address",
        "MAIL_TEMPLATES cannot be used. nowhere should be a folder with .md files.",
        "MAIL_COUNTRIES: nowhere.toml: it cannot be read",
        "DKIM_DOMAIN, DKIM_SELECTOR and DKIM_KEY belong together.",
        "HTTP_PORT cannot be used. It should be a number from 0 to 65535",
        "The environment sets SLACK_ACTOR, which is no setting. Write SLACK_ACTORS.",
        "ALL_PROXY cannot be used.",
        "SLACK_CHANNEL is missing. Use the id (C…) of the channel for cards",
    ):
        assert len([line for line in lines if line.startswith(sentence)]) == 1, sentence


@pytest.mark.parametrize("arguments", [["--env-file"], ["dnc", "list", "--env-file"]])
def test_an_env_file_without_a_path_is_asked_for(run: Run, arguments: list[str]) -> None:
    assert run(*arguments) == Done(2, "", "Error: Option '--env-file' requires an argument.\n")


def test_the_settings_and_the_database_are_found_from_any_folder(
    run: Run,
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


def test_what_stands_behind_two_dashes_is_no_option(run: Run) -> None:
    done = run("bounce", "--", "--env-file", "x")
    assert done.err == "--env-file cannot be read (No such file or directory).\n"


def test_a_file_that_cannot_be_read_is_said_by_its_name(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bot.env").write_text('SLACK_ACTORS="U0ALICE","U0CAROL"\n')
    done = run("dnc", "list", "--env-file", "bot.env")
    assert done.err == (
        "Fix these settings (environment or bot.env):\n"
        "Line 1 of bot.env (SLACK_ACTORS) has text after the closing quote. Leave the quotes out, or put single quotes "
        "around everything after the equals sign.\n"
    )
    assert not (tmp_path / "evaluators.db").exists()


def test_a_template_is_not_shown_with_settings_that_cannot_be_read(run: Run) -> None:
    Path(".env").write_text("MAIL_FROM='Ana' <ana@vendor.example>\n")
    done = run("render", "welcome")
    assert done.code == 2
    assert "Line 1 of .env (MAIL_FROM)" in done.err


# --- The mail pipe -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_pipe_of_the_docs_works_as_written(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """As a mail server does: by a shell, in a folder of its own, with nothing in the environment."""
    assert PIPE is not None
    home, spool = tmp_path / "opt", tmp_path / "spool"
    (home / "venv" / "bin").mkdir(parents=True)
    (home / "venv" / "bin" / "evaluator-bot").symlink_to(Path(sys.executable).parent / "evaluator-bot")
    (home / ".env").write_text(COMPLETE)
    spool.mkdir()
    monkeypatch.chdir(home)
    within(one_mail)
    line = reduce(lambda text, folder: text.replace(folder, str(home)), INSTALLED, PIPE[1])
    piped = subprocess.run(  # noqa: S603  our own program
        ["/bin/sh", "-c", line],
        input=BOUNCE,
        cwd=spool,
        env={},
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert (piped.returncode, piped.stdout.split(b":")[0]) == (0, b"The address does not exist. It is blocked")
    assert (no := standing(ANA)) is not None
    assert no.reason is DncReason.BOUNCED
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY is missing"),
        ({}, "There is no database at DATABASE_URL yet"),
        ({"DATABASE_URL": "sqlite+aiosqlite:///no/such/folder/evaluators.db"}, "There is no folder no/such/folder."),
        (
            {"DATABASE_URL": "evaluators.db"},
            "DATABASE_URL cannot be used. It should be an address like sqlite+aiosqlite",
        ),
        ({"DATABASE_URL": "postgresql+asyncpg://bot@db:port/it"}, "DATABASE_URL isn't the address of a database"),
        ({"DATABASE_URL": "postgresql+asyncpg://bot@127.0.0.1:1/evaluators"}, "The database cannot be reached"),
    ],
)
def test_a_report_that_cannot_be_taken_in_is_put_off_and_no_database_is_made(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str | None],
    words: str,
) -> None:
    for name, value in changes.items():
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    done = run("bounce", stdin=BOUNCE)
    assert (done.code, done.out) == (75, "")
    assert words in done.err
    assert done.err.endswith("\nThe report was not processed. The mail server should try again later.\n")
    assert list(Path().iterdir()) == []


def test_an_empty_file_is_no_database_and_stays_empty(run: Run) -> None:
    Path("evaluators.db").touch()
    assert run("bounce", stdin=BOUNCE).code == 75
    assert Path("evaluators.db").stat().st_size == 0


@pytest.mark.parametrize("version", ["0000", "9999"])
def test_a_database_of_another_version_is_left_as_it_is(run: Run, version: str) -> None:
    within(one_mail)
    with closing(sqlite3.connect("evaluators.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (version,))
    done = run("bounce", stdin=BOUNCE)
    assert done.code == 75
    assert done.err.startswith("The database is of another version of Evaluator Bot.")
    with closing(sqlite3.connect("evaluators.db")) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [(version,)]


def test_with_another_key_a_report_is_put_off(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("dnc", "add", ANA)
    monkeypatch.setenv("SECRET_KEY", NEEDED["SECRET_KEY"][::-1])
    assert run("bounce", stdin=BOUNCE).code == 75


def test_a_report_that_waits_for_a_busy_database_is_taken_in_the_next_time(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    within(one_mail)
    monkeypatch.setattr("bot.cli.arguments._WRITE_PATIENCE_S", 0)
    with closing(sqlite3.connect("evaluators.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = run("bounce", stdin=BOUNCE)
        assert done.code == 75
        assert done.err.startswith("The database cannot be used: it has been locked too long. If the bot is running,")
        assert run("dnc", "add", ANA).code == 75
        assert run("audit").code == 0  # what only reads waits for nobody
        other.execute("ROLLBACK")
    assert run("bounce", stdin=BOUNCE).code == 0
    assert standing(ANA) is not None


def test_files_that_are_named_by_hand_end_as_every_command_does(run: Run) -> None:
    Path("one.eml").write_bytes(BOUNCE)
    done = run("bounce", "one.eml")
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert done.err.startswith("There is no database at DATABASE_URL yet.")


@pytest.mark.slow
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
    run: Run,
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
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    code: int,
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    done = run("dnc", "list")
    assert (done.code, len(done.err.splitlines())) == (code, 1 if code == 75 else 2)
    assert "DATABASE_URL" in done.err
