"""The command line as an operator meets it: exit codes, and sentences that say what to do."""

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.cli.main import cli
from bot.demo.scenario.sample_data import KIWI, LANTERNS, NORTHWIND, TRAIL, VISTULA, entitlement, license_record
from bot.domain.text import day
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


async def test_a_misspelt_setting_is_told_and_holds_up_nothing(here: World) -> None:
    (here.folder / ".env").write_text("TIMEZON=Europe/Berlin\n")
    done = await _run_beside(here, "db", "upgrade")
    assert done.returncode == 0
    told = [line for line in done.stderr.splitlines() if "unknown_setting" in line]
    assert len(told) == 1
    assert "name=TIMEZON\n" in f"{told[0]}\n"
    assert "meant=TIMEZONE " in told[0]


async def test_check_says_of_each_thing_that_it_works(here: World) -> None:
    done = await _run_beside(here, "check")
    assert f"database_created               path={here.folder / 'evaluators.db'}" in done.stderr
    assert [line[0] for line in done.stdout.splitlines()] == ["✓"] * 16 + ["·"]
    assert done.stdout.endswith("· Report: not read yet\n")
    assert done.returncode == 0


async def test_check_says_how_reading_the_report_goes(here: World) -> None:
    today = datetime.now(UTC).date()
    here.marketplace.records += [
        license_record(1, LANTERNS, NORTHWIND, today),
        license_record(2, TRAIL, KIWI, today, licenseType=""),
    ]
    await _run_beside(here, "poll")
    done = await _run_beside(here, "check")
    for words in (
        "UTC, 2 rows",
        "Next poll: ",
        "1, seen within",
        "cannot be read: 1",
        "E-4AB-12C-002-F45: licenseType",
    ):
        assert words in done.stdout
    await _run_beside(here, "poll", marketplace_token="expired")
    failed = await _run_beside(here, "check")
    assert "Latest attempt failed: The Marketplace refused the API token" in failed.stdout


async def test_check_names_everything_that_is_wrong_and_what_to_do(here: World) -> None:
    here.workspace.channels["C0EVALS"].bot_is_member = False
    here.workspace.keys.scopes.discard("users:read")
    done = await _run_beside(
        here, "check", marketplace_token="expired", smtp_port=1, slack_app_token="xapp-wrong", slack_admins="U0NOBODY"
    )
    wrong = [line for line in done.stdout.splitlines() if line.startswith("✗")]
    assert done.returncode == 1
    for words in ("users:read", "/invite", "Slack admins", "SLACK_APP_TOKEN", "MARKETPLACE_TOKEN", "Mail server"):
        assert any(words in line for line in wrong), words


@pytest.mark.parametrize(("domain", "sign"), [("vendor.example", "✓"), ("elsewhere.example", "✗")])
async def test_check_says_whether_a_signature_counts_for_the_address_that_writes(
    here: World,
    tmp_path: Path,
    rsa_pem: bytes,
    domain: str,
    sign: str,
) -> None:
    key = tmp_path / "dkim.pem"
    key.write_bytes(rsa_pem)
    key.chmod(0o600)
    signature = {"dkim_domain": domain, "dkim_selector": "bot", "dkim_key": key}
    done = await _run_beside(here, "check", mail_from="Ana <ana@vendor.example>", **signature)
    [line] = [line for line in done.stdout.splitlines() if "DKIM" in line and line.startswith(sign)]
    assert f"bot._domainkey.{domain} with v=DKIM1" in line or "Set DKIM_DOMAIN to vendor.example" in line
    assert (done.returncode == 0) is (sign == "✓")


async def test_check_says_who_else_may_read_the_files_and_what_travels_in_the_clear(
    here: World, rsa_pem: bytes
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
    done = await _run_beside(here, "check", **signature, **remote)
    lines = done.stdout.splitlines()
    assert (
        f"✗ File permissions: Every user of this machine may open .env {database} '{key}'. "
        f"Run: chmod o= .env {database} '{key}'"
    ) in lines
    assert (
        "✗ Encryption: With SMTP_TLS=none SMTP_PASSWORD can be read on the way. Set SMTP_TLS to starttls or tls."
    ) in lines
    assert done.returncode == 1
    assert "pass-word" not in done.stdout + done.stderr


async def test_poll_by_hand_says_what_it_read(here: World) -> None:
    done = await _run_beside(here, "poll")
    assert done.stdout == "0 rows read, 0 evaluations new, 0 announced, 0 unreadable.\n"
    assert done.returncode == 0


async def test_a_dry_run_says_what_would_be_posted_and_why_and_writes_nothing(here: World) -> None:
    today = datetime.now(UTC).date()
    here.marketplace.records += [
        license_record(1, LANTERNS, NORTHWIND, today),
        license_record(2, TRAIL, VISTULA, today - timedelta(days=20)),
        license_record(3, TRAIL, KIWI, today - timedelta(days=50), status="inactive"),
        license_record(4, TRAIL, KIWI, today, maintenanceStartDate="soon"),
    ]
    await _run_beside(here, "poll", "--dry-run")
    done = await _run_beside(here, "poll", "--dry-run")
    assert done.returncode == 0
    for line in (
        "4 rows read, 0 of them known.",
        "A poll would post 1 card.",
        f"+ {NORTHWIND.company} · {LANTERNS.name}: trial {day(today)} to {day(today + timedelta(days=30))}",
        "- 1 in silence: over before it was first seen",
        "- 1 in silence: began before the bot was there",
        "! 1 row cannot be read:",
        "    E-4AB-12C-004-F45: maintenanceStartDate is not a date",
        "Nothing was written.",
    ):
        assert line in done.stdout
    assert "1 evaluations new, 1 announced" not in done.stdout
    done = await _run_beside(here, "poll")
    assert done.stdout == "4 rows read, 3 evaluations new, 1 announced, 1 unreadable.\n"


async def test_a_dry_run_tells_what_would_be_noted_of_what_is_known(here: World) -> None:
    today = datetime.now(UTC).date()
    record = license_record(1, LANTERNS, NORTHWIND, today)
    here.marketplace.add(record)
    await _run_beside(here, "poll")
    here.marketplace.today = lambda: datetime.now(UTC).date()
    here.marketplace.change(entitlement(1), maintenanceEndDate=str(today + timedelta(days=45)))
    done = await _run_beside(here, "poll", "--dry-run")
    assert f"~ {NORTHWIND.company} · {LANTERNS.name}: extended" in done.stdout
    assert "A poll would post 0 cards." in done.stdout


async def test_a_backfill_counts_first_asks_and_takes_in_without_a_card(here: World) -> None:
    today = datetime.now(UTC).date()
    here.marketplace.records += [license_record(n, LANTERNS, NORTHWIND, today) for n in range(120)]
    refused = await _run_beside(here, "backfill")
    assert refused.returncode == 1
    assert "120 rows in the report, 0 of them known already." in refused.stdout
    assert "120 evaluations would be taken in, without a card." in refused.stdout
    done = await _run_beside(here, "backfill", "--yes")
    assert "120 rows read, 120 evaluations new, 0 rows unreadable." in done.stdout
    again = await _run_beside(here, "backfill", "--yes")
    assert "120 rows in the report, 120 of them known already." in again.stdout
    assert "120 rows read, 0 evaluations new" in again.stdout
    poll = await _run_beside(here, "poll")
    assert "0 evaluations new, 0 announced" in poll.stdout


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


def test_a_template_is_rendered_with_a_sample_on_a_machine_without_settings(tmp_path: Path) -> None:
    done = _run("render", "welcome.de", "--html", "mail.html", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("Subject: Ihre Testversion von Sample App for Jira\n\nGuten Tag Ana Sample,\n\n")
    assert "\n\nViele Grüße\nBen Sample\nProduct Manager\n\n--\n" in done.stdout
    assert done.stdout.endswith("Sample Vendor, 1 Sample Street, Springfield\n")
    assert done.stderr.splitlines() == [
        "The settings are incomplete: MAIL_TEMPLATES is not looked at.",
        "MAIL_FROM and MAIL_POSTAL_ADDRESS are not known: the sender is invented.",
        "The HTML part is in mail.html.",
    ]
    assert "<p>Guten Tag Ana Sample,</p>" in (tmp_path / "mail.html").read_text("utf-8")


async def test_a_template_is_rendered_with_what_the_store_knows_of_an_evaluation(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, datetime.now(UTC).date()))
    await _run_beside(here, "poll")
    with closing(sqlite3.connect(here.folder / "evaluators.db")) as database:
        [number] = database.execute("SELECT id FROM evaluation").fetchone()
    done = await _run_beside(here, "render", "welcome", "--evaluation", str(number))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Subject: Your trial of {LANTERNS.name}\n\nHello Ada,\n\n")
    assert "\n\nBest regards,\nAna Sample\n\n--\n" in done.stdout
    assert done.stdout.endswith("1 Sample Street, Springfield\n")
    none = await _run_beside(here, "render", "welcome", "--evaluation", "2")
    assert (none.returncode, none.stdout, none.stderr) == (1, "", "There is no evaluation 2.\n")


async def test_a_template_of_the_team_is_rendered_by_its_id_and_by_its_path(here: World) -> None:
    folder = here.folder / "letters"
    folder.mkdir()
    (folder / "hello.md").write_text("---\nname: A\nsubject: Hi\n---\nHello\n\n{{ signature }}\n", "utf-8")
    (folder / "signature.md").write_text("---\n---\nYours, {{ sender_name }}\n", "utf-8")
    for named in ("hello", "letters/hello.md"):
        done = await _run_beside(here, "render", named, mail_templates=folder)
        assert done.stdout.startswith("Subject: Hi\n\nHello\n\nYours, Ana Sample\n\n--\n")
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("named", ["hello", "letters/hello.md"])
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Hello", "hello.md, line 1: the head is missing; start the file with ---."),
        ("---\nname: A\nsubject: B\n---\n{{ vendor }}", "Template hello cannot be filled: 'vendor' is undefined."),
    ],
)
async def test_a_template_that_cannot_be_used_ends_in_a_sentence(
    here: World, named: str, text: str, sentence: str
) -> None:
    folder = here.folder / "letters"
    folder.mkdir()
    (folder / "hello.md").write_text(text, "utf-8")
    done = await _run_beside(here, "render", named, mail_templates=folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1


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
def test_what_cannot_be_rendered_is_said(arguments: list[str], returncode: int, words: str, tmp_path: Path) -> None:
    (tmp_path / "signature.md").write_text("---\n---\nBen\n", "utf-8")
    done = _run("render", *arguments, folder=tmp_path)
    assert done.returncode == returncode
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_help_loads_nothing_that_only_other_commands_need() -> None:
    heavy = {"alembic", "apscheduler", "babel", "jinja2", "pydantic", "slack_bolt", "slack_sdk", "sqlalchemy"}
    code = "import sys, bot.cli.main; print(*{name.partition('.')[0] for name in sys.modules})"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  our own words
    assert not (heavy | {"structlog"}) & set(loaded.stdout.split())
