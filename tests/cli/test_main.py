"""The command line as an operator meets it: exit codes, and sentences that say what to do."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.abc import MetaPathFinder
from importlib.metadata import version
from pathlib import Path

import pytest

from bot.cli.main import cli
from bot.demo.scenario.sample_data import KIWI, LANTERNS, NORTHWIND, TRAIL, VISTULA, entitlement, license_record
from bot.domain.text import day
from tests.cli.conftest import Done, Run, RunBeside
from tests.machine import limit
from tests.world import World


def _run(*arguments: str, folder: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-m", "bot", *arguments],
        cwd=folder,
        env={"PATH": os.defpath, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=limit(30),
        check=False,
    )


async def _run_beside(here: World, *arguments: str, **changes: object) -> subprocess.CompletedProcess[str]:
    """Run it while the servers of the world go on."""
    environment = here.environment(**changes)
    return await asyncio.to_thread(_run, *arguments, folder=here.folder, environment=environment)


def test_without_settings_every_missing_one_is_named_with_what_to_do(bare: Run) -> None:
    done = bare("run")
    assert done.code == 2
    lines = done.err.splitlines()
    for name in (
        "SLACK_BOT_TOKEN",
        "SLACK_CHANNEL",
        "MARKETPLACE_USER",
        "MARKETPLACE_TOKEN",
        "SECRET_KEY",
        "SLACK_APP_TOKEN",
        "MARKETPLACE_VENDOR_ID",
    ):
        assert any(line.startswith(f"{name} is missing. Use ") for line in lines)


def test_a_misspelt_command_is_misuse(bare: Run) -> None:
    assert bare("rnu").code == 2


@pytest.mark.parametrize("command", [c.name or c.callback.__name__ for c in cli.registered_commands if c.callback])
def test_every_command_explains_itself(command: str, bare: Run) -> None:
    done = bare(command, "--help")
    assert done.code == 0
    assert "Usage" in done.out


async def test_a_misspelt_setting_is_reported_and_stops_nothing(here: World, beside: RunBeside) -> None:
    (here.folder / ".env").write_text("TIMEZON=Europe/Berlin\n")
    done = await beside("db", "upgrade")
    assert done.code == 0
    logged = [line for line in done.err.splitlines() if "unknown_setting" in line]
    assert len(logged) == 1
    assert "'name': 'TIMEZON', 'meant': 'TIMEZONE'" in logged[0]


@pytest.mark.slow
async def test_check_says_of_each_thing_that_it_works(here: World) -> None:
    done = await _run_beside(here, "check")
    assert f"database_created               path={here.folder / 'evaluators.db'}" in done.stderr
    assert [line[0] for line in done.stdout.splitlines()] == ["✓"] * 22 + ["·"] * 4
    assert "· The licenses report hasn't been read yet.\n" in done.stdout
    assert done.returncode == 0


async def test_check_says_how_reading_the_report_goes(here: World, beside: RunBeside) -> None:
    today = datetime.now(UTC).date()
    here.marketplace.records += [
        license_record(1, LANTERNS, NORTHWIND, today),
        license_record(2, TRAIL, KIWI, today, licenseType=""),
    ]
    await beside("poll")
    done = await beside("check")
    for words in (
        "(2 rows).",
        "Next poll: ",
        "1 new trial this week, seen within",
        "! I can't read 1 row of the report and skipped them:",
        "E-4AB-12C-002-F45: licenseType",
    ):
        assert words in done.out
    await beside("poll", marketplace_token="expired")
    failed = await beside("check")
    assert "The latest attempt failed. The Marketplace refused the API token" in failed.out


async def test_check_names_everything_that_is_wrong_and_what_to_do(here: World, beside: RunBeside) -> None:
    here.workspace.channels["C0EVALS"].bot_is_member = False
    here.workspace.keys.scopes.discard("users:read")
    done = await beside(
        "check", marketplace_token="expired", smtp_port=1, slack_app_token="xapp-wrong", slack_admins="U0NOBODY"
    )
    wrong = [line for line in done.out.splitlines() if line.startswith("✗")]
    assert done.code == 1
    for words in ("users:read", "/invite", "Slack admins", "SLACK_APP_TOKEN", "MARKETPLACE_TOKEN", "Mail server"):
        assert any(words in line for line in wrong), words


@pytest.mark.parametrize(("domain", "sign"), [("vendor.example", "✓"), ("elsewhere.example", "✗")])
async def test_check_says_whether_a_signature_counts_for_the_address_that_writes(
    beside: RunBeside,
    tmp_path: Path,
    rsa_pem: bytes,
    domain: str,
    sign: str,
) -> None:
    key = tmp_path / "dkim.pem"
    key.write_bytes(rsa_pem)
    key.chmod(0o600)
    signature = {"dkim_domain": domain, "dkim_selector": "bot", "dkim_key": key}
    done = await beside("check", mail_from="Ana <ana@vendor.example>", **signature)
    [line] = [line for line in done.out.splitlines() if "DKIM" in line and line.startswith(sign)]
    assert f"bot._domainkey.{domain} with v=DKIM1" in line or "Set DKIM_DOMAIN to vendor.example" in line
    assert (done.code == 0) is (sign == "✓")


async def test_check_says_who_else_may_read_the_files_and_what_travels_in_the_clear(
    here: World, beside: RunBeside, rsa_pem: bytes
) -> None:
    (here.folder / ".env").write_text("TIMEZONE=UTC\n")
    key = here.folder / "dkim key.pem"
    key.write_bytes(rsa_pem)
    database = here.folder / "evaluators.db"
    database.touch()
    for path, mode in ((here.folder / ".env", 0o644), (key, 0o604), (database, 0o602)):
        path.chmod(mode)
    signature = {"dkim_domain": "vendor.example", "dkim_selector": "bot", "dkim_key": key}
    remote = {"smtp_host": "mail.test", "smtp_username": "bot", "smtp_password": "pass-word", "smtp_tls": "none"}
    done = await beside("check", **signature, **remote)
    lines = done.out.splitlines()
    assert (
        f"✗ File permissions: Every user of this machine may open .env {database} '{key}'. "
        f"Run: chmod o= .env {database} '{key}'"
    ) in lines
    assert (
        "✗ Encryption: With SMTP_TLS=none SMTP_PASSWORD can be read on the way. Set SMTP_TLS to starttls or tls."
    ) in lines
    assert done.code == 1
    assert "pass-word" not in done.out + done.err


async def test_poll_by_hand_says_what_it_read(beside: RunBeside) -> None:
    done = await beside("poll")
    assert done.out == "0 rows read: 0 new evaluations, 0 cards to post, 0 unreadable.\n"
    assert done.code == 0


async def test_a_dry_run_says_what_would_be_posted_and_why_and_writes_nothing(here: World, beside: RunBeside) -> None:
    today = datetime.now(UTC).date()
    here.marketplace.records += [
        license_record(1, LANTERNS, NORTHWIND, today),
        license_record(2, TRAIL, VISTULA, today - timedelta(days=20)),
        license_record(3, TRAIL, KIWI, today - timedelta(days=50), status="inactive"),
        license_record(4, TRAIL, KIWI, today, maintenanceStartDate="soon"),
    ]
    await beside("poll", "--dry-run")
    done = await beside("poll", "--dry-run")
    assert done.code == 0
    for line in (
        "4 rows read, 0 already known.",
        "A poll would post 1 card.",
        f"+ {NORTHWIND.company} · {LANTERNS.name}: trial {day(today)} to {day(today + timedelta(days=30))}",
        "- 1 skipped: trial already over",
        "- 1 skipped: trial started before the first poll",
        "! 1 row cannot be read:",
        "    E-4AB-12C-004-F45: maintenanceStartDate is not a date",
        "Nothing was written.",
    ):
        assert line in done.out
    assert "to post" not in done.out
    done = await beside("poll")
    assert done.out == "4 rows read: 3 new evaluations, 1 card to post, 1 unreadable.\n"


async def test_a_dry_run_tells_what_would_be_noted_of_what_is_known(here: World, beside: RunBeside) -> None:
    today = datetime.now(UTC).date()
    record = license_record(1, LANTERNS, NORTHWIND, today)
    here.marketplace.add(record)
    await beside("poll")
    here.marketplace.today = lambda: datetime.now(UTC).date()
    here.marketplace.change(entitlement(1), maintenanceEndDate=str(today + timedelta(days=45)))
    done = await beside("poll", "--dry-run")
    assert f"~ {NORTHWIND.company} · {LANTERNS.name}: extended" in done.out
    assert "A poll would post 0 cards." in done.out


async def test_a_backfill_counts_first_asks_and_takes_in_without_a_card(here: World, beside: RunBeside) -> None:
    today = datetime.now(UTC).date()
    here.marketplace.records += [license_record(n, LANTERNS, NORTHWIND, today) for n in range(120)]
    refused = await beside("backfill")
    assert refused.code == 1
    assert "120 rows in the report, 0 already known." in refused.out
    assert "120 evaluations would be recorded, without a card." in refused.out
    asked = len(here.marketplace.requests)
    done = await beside("backfill", "--yes")
    assert done.out == "120 rows read: 120 new evaluations, 0 unreadable.\n"
    assert len(here.marketplace.requests) == 2 * asked, "it reads the report once, as the count before did"
    again = await beside("backfill")
    assert "120 rows in the report, 120 already known." in again.out
    poll = await beside("poll")
    assert "0 new evaluations, 0 cards to post" in poll.out


async def test_a_poll_that_fails_says_what_to_do_and_fails(beside: RunBeside) -> None:
    done = await beside("poll", marketplace_token="expired")
    assert done.code == 1
    assert "MARKETPLACE_TOKEN" in done.err


async def test_backup_writes_a_copy_that_nobody_else_can_read(here: World, beside: RunBeside) -> None:
    await beside("db", "upgrade")
    done = await beside("db", "backup", "copy.db")
    copy = here.folder / "copy.db"
    assert done.code == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT count(*) FROM evaluation").fetchone() == (0,)
    again = await beside("db", "backup", "copy.db")
    assert (again.code, again.err) == (1, "copy.db exists. Name a file that does not.\n")


@pytest.mark.slow
async def test_a_token_that_slack_refuses_ends_the_start_with_what_to_do(here: World) -> None:
    done = await _run_beside(here, "run", slack_bot_token="xoxb-wrong")
    assert done.returncode == 1
    assert "SLACK_BOT_TOKEN" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_template_is_rendered_with_a_sample_on_a_machine_without_settings(bare: Run, tmp_path: Path) -> None:
    done = bare("render", "welcome.de", "--html", "mail.html")
    assert done.code == 0
    assert done.out.startswith("Subject: Ihre Testversion von Sample App for Jira\n\nGuten Tag Ana Sample,\n\n")
    assert "\n\nViele Grüße\nBen Sample\nProduct Manager\n\n--\n" in done.out
    assert done.out.endswith("Sample Vendor, 1 Sample Street, Springfield\n")
    assert done.err.splitlines() == [
        "The settings are incomplete, so MAIL_TEMPLATES is ignored.",
        "MAIL_FROM or MAIL_POSTAL_ADDRESS is not set, so a sample sender is shown.",
        "The HTML part is in mail.html.",
    ]
    assert "<p>Guten Tag Ana Sample,</p>" in (tmp_path / "mail.html").read_text("utf-8")


async def test_a_template_is_rendered_with_what_the_store_knows_of_an_evaluation(
    here: World, beside: RunBeside
) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, datetime.now(UTC).date()))
    await beside("poll")
    with closing(sqlite3.connect(here.folder / "evaluators.db")) as database:
        [number] = database.execute("SELECT id FROM evaluation").fetchone()
    done = await beside("render", "welcome", "--evaluation", str(number))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Subject: Your trial of {LANTERNS.name}\n\nHello Ada,\n\n")
    assert "\n\nBest regards,\nAna Sample\n\n--\n" in done.out
    assert done.out.endswith("1 Sample Street, Springfield\n")
    none = await beside("render", "welcome", "--evaluation", "2")
    assert (none.code, none.out, none.err) == (1, "", "There is no evaluation 2.\n")


async def test_a_template_of_the_team_is_rendered_by_its_id_and_by_its_path(here: World, beside: RunBeside) -> None:
    folder = here.folder / "letters"
    folder.mkdir()
    (folder / "hello.md").write_text("---\nname: A\nsubject: Hi\n---\nHello\n\n{{ signature }}\n", "utf-8")
    (folder / "signature.md").write_text("---\n---\nYours, {{ sender_name }}\n", "utf-8")
    for named in ("hello", "letters/hello.md"):
        done = await beside("render", named, mail_templates=folder)
        assert done.out.startswith("Subject: Hi\n\nHello\n\nYours, Ana Sample\n\n--\n")
        assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("named", ["hello", "letters/hello.md"])
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Hello", "hello.md, line 1: the head is missing; start the file with ---."),
        ("---\nname: A\nsubject: B\n---\n{{ vendor }}", "Template hello cannot be filled: 'vendor' is undefined."),
    ],
)
async def test_a_template_that_cannot_be_used_ends_in_a_sentence(
    here: World, beside: RunBeside, named: str, text: str, sentence: str
) -> None:
    folder = here.folder / "letters"
    folder.mkdir()
    (folder / "hello.md").write_text(text, "utf-8")
    done = await beside("render", named, mail_templates=folder)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(sentence)
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "returncode", "words"),
    [
        (["nothing"], 2, "There is no template nothing"),
        (["welcome", "--evaluation", "Acme"], 2, "Invalid value"),
        (["welcome", "--evaluation", "1"], 2, "SECRET_KEY is missing"),
        ([], 2, "Missing argument"),
        (["signature.md"], 1, "A signature is shown below a template"),
        (["welcome", "--html", "nowhere/mail.html"], 1, "nowhere/mail.html cannot be written: No such file"),
    ],
)
def test_what_cannot_be_rendered_is_said(
    arguments: list[str], returncode: int, words: str, bare: Run, tmp_path: Path
) -> None:
    (tmp_path / "signature.md").write_text("---\n---\nBen\n", "utf-8")
    done = bare("render", *arguments)
    assert done.code == returncode
    assert words in done.err


def test_the_version_is_shown(bare: Run) -> None:
    done = bare("--version")
    assert (done.code, done.out) == (0, f"Evaluator Bot {version('evaluator-bot')}\n")


def test_the_demo_names_the_extra_that_it_needs(bare: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith(("aiosmtpd", "bot.cli.demo", "bot.demo.environment"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "bot.demo.fake_smtp", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_WithoutSmtpd(), *sys.meta_path])
    sentence = "The demo needs an extra. Run: pip install 'evaluator-bot[demo]'\n"
    assert bare("demo", "--no-browser") == Done(1, "", sentence)


class _WithoutSmtpd(MetaPathFinder):
    """Python as it is without the extra."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname.partition(".")[0] == "aiosmtpd":
            raise ModuleNotFoundError("No module named 'aiosmtpd'", name="aiosmtpd")


@pytest.mark.parametrize("group", [[], ["dnc"], ["dnc", "add"], ["db", "restore"]])
def test_help_has_a_short_option(bare: Run, group: list[str]) -> None:
    assert bare(*group, "-h") == bare(*group, "--help")


@pytest.mark.slow
def test_completion_is_offered_for_the_shell(tmp_path: Path) -> None:
    asked = {"_EVALUATOR_BOT_COMPLETE": "complete_bash", "COMP_WORDS": "evaluator-bot dn", "COMP_CWORD": "1"}
    program = Path(sys.executable).with_name("evaluator-bot")
    done = subprocess.run([program], env=asked, capture_output=True, text=True, check=False, cwd=tmp_path)  # noqa: S603
    assert done.stdout.split() == ["dnc"]


_HEAVY = set(
    "aiohttp aiosqlite alembic apscheduler asyncio babel cryptography email_validator httpx jinja2 rich slack_bolt "
    "slack_sdk sqlalchemy ssl structlog".split()
)
_LIGHT = {"bot.app", "bot.app.clock", "bot.domain", "bot.domain.text", "bot.errors"} | {
    f"bot.domain.{choices}" for choices in ("dnc_reason", "export_choices", "report_request")
}


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], {"pydantic"}),
        (["dnc", "list", "--help"], set()),  # typer reads the arguments of any command with pydantic
        (["bounce", "no-such-file"], set()),
    ],
)
def test_a_command_loads_nothing_heavy_before_its_work_begins(arguments: list[str], heavy: set[str]) -> None:
    code = (
        "import atexit, sys; from bot.cli.main import main;"
        "atexit.register(lambda: print('loaded:', *sys.modules)); main()"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own words
    loaded = set(done.stdout.rpartition("loaded:")[2].split())
    assert not loaded & (_HEAVY | heavy)
    assert {name for name in loaded if name.startswith("bot.") and not name.startswith("bot.cli")} == _LIGHT
