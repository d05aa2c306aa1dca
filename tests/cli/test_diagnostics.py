"""`evaluator-bot diagnostics`: what helps to find a fault, and nothing about anybody."""

import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import pytest

from bot.app.clock import utc_now
from bot.config.settings import Settings
from bot.log.recent import MAX_LINES
from tests.cli.conftest import Run, RunBeside
from tests.world import World

SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-111-222-SecretBotToken",
    "SLACK_APP_TOKEN": "xapp-1-A1-SecretAppToken",
    "MARKETPLACE_USER": "otto.account@vendor.example",
    "MARKETPLACE_TOKEN": "secret-marketplace-token",
    "MARKETPLACE_VENDOR_ID": "1234567",
    "SLACK_CHANNEL": "C0SECRET1",
    "SLACK_ADMINS": "U0SECRET1,U0SECRET2",
    "MAIL_FROM": "Ottilie Sender <ottilie@vendor.example>",
    "MAIL_POSTAL_ADDRESS": "7 Hidden Street, Springfield",
    "SMTP_HOST": "smtp.hidden.example",
    "SMTP_PASSWORD": "secret-mail-password",
    "HEARTBEAT_URL": "https://ping.example/secret-heartbeat-path",
    "WEBHOOK_URLS": "https://crm.example/a,https://crm.example/secret-webhook-path",
    "PUBLIC_URL": "https://bot.hidden.example",
    "SECRET_KEY": "a key for tests that is long enough",
    "TIMEZONE": "Europe/Berlin",
}
PLANTED = (
    "Ada Northwind",
    "ada@northwind.test",
    "Northwind Test GmbH",
    "xoxb-9-9-PlantedToken",
    "https://hooks.northwind.test/planted-path",
    "northwind",
)


def _contents(file: Path | bytes) -> dict[str, str]:
    with ZipFile(io.BytesIO(file) if isinstance(file, bytes) else file) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def _plant(path: Path) -> int:
    """Put each of the texts into every column of every table that can hold one. Return how many columns there are."""
    columns = 0
    now = str(utc_now().replace(tzinfo=None))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints=ON")
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            kinds = {name: kind for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})")}
            texts = {name for name, kind in kinds.items() if kind.startswith(("TEXT", "VARCHAR", "JSON", "BLOB"))}
            columns += len(texts)
            for number, words in enumerate(PLANTED, 9):
                values = {name: now if kind.startswith("DATE") else number for name, kind in kinds.items()}
                values |= {name: json.dumps(words) if kinds[name] == "JSON" else words for name in texts}
                marks = ", ".join("?" * len(values))
                insert = f"INSERT OR REPLACE INTO {table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608  ours
                connection.execute(insert, [*values.values()])
    return columns


@pytest.fixture
def stopped(bare: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of a bot that does not run, and settings that name people and hold secrets."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HTTP_PORT", "1")
    assert bare("db", "upgrade").code == 0
    return Path("evaluators.db")


def test_nothing_from_any_column_or_setting_is_in_it(stopped: Path, bare: Run) -> None:
    assert _plant(stopped) > 100
    log = Path("evaluators.db.log")
    address, url = SECRETS["MARKETPLACE_USER"], SECRETS["HEARTBEAT_URL"]
    log.write_text(
        f'{{"event": "x", "a": "{address}", "b": "{url}", "c": "ada@northwind.test", "host": "crm.example", '
        '"d": "https://crm.example/secret-webhook-path"}\nplain\n'
    )
    done = bare("diagnostics", "-o", "report.zip")
    assert (done.code, Path("report.zip").stat().st_mode & 0o777) == (0, 0o600)
    files = _contents(Path("report.zip"))
    assert min(json.loads(files["database.json"])["rows"].values()) > 0
    content = "\n".join(f"{name}\n{text}" for name, text in files.items()).casefold()
    assert {each for each in (*PLANTED, *SECRETS.values()) if each.casefold() in content} == set()
    assert {each for each in ("northwind", "hidden", "ottilie", "otto", "secret-") if each in content} == set()


def test_it_says_what_runs_and_how_it_is_set_up(stopped: Path, bare: Run) -> None:
    Path("evaluators.db.log").write_text("".join(f"line {number}\n" for number in range(2 * MAX_LINES)))
    assert bare("diagnostics", "-o", "report.zip", env={"POLL_EVERY": "30s"}).code == 0
    files = _contents(Path("report.zip"))
    assert sorted(files) == ["database.json", "health.json", "log.txt", "settings.json", "versions.json"]
    settings = json.loads(files["settings.json"])
    assert settings.keys() == {name.upper() for name in Settings.model_fields}
    assert (settings["SECRET_KEY"], settings["POLL_EVERY"]) == ("set, 35 characters", "30s")
    assert settings["MARKETPLACE_VENDOR_ID"] == "set, 7 characters"
    assert settings["DKIM_KEY"] == "not set"
    database = json.loads(files["database.json"])
    assert (database["kind"], database["rows"]["mail"], database["polls"]) == ("sqlite", 0, [])
    assert database["schema"]
    assert json.loads(files["versions.json"])["packages"]["slack-sdk"]
    assert files["log.txt"].splitlines()[-1] == f"line {2 * MAX_LINES - 1}"
    assert len(files["log.txt"].splitlines()) == MAX_LINES


def test_a_file_that_exists_is_left_alone(stopped: Path, bare: Run) -> None:
    Path("report.zip").write_text("mine")
    done = bare("diagnostics", "-o", "report.zip")
    assert (done.code, done.err) == (1, "report.zip exists. Name a file that does not.\n")
    assert Path("report.zip").read_text() == "mine"


def test_log_lines_may_come_from_another_program(stopped: Path, bare: Run) -> None:
    assert bare("diagnostics", "-o", "report.zip", "--log", "-", stdin=b"from: ada@northwind.test\nlast\n").code == 0
    assert _contents(Path("report.zip"))["log.txt"] == "from: <address>\nlast\n"


def test_other_settings_may_be_wrong_and_the_database_missing(bare: Run) -> None:
    given = {"SECRET_KEY": SECRETS["SECRET_KEY"], "POLL_EVERY": "Ada Northwind", "HTTP_PORT": "1"}
    done = bare("diagnostics", "-o", "report.zip", env=given)
    assert done.code == 0
    assert "There is no database at DATABASE_URL yet." in done.err
    files = _contents(Path("report.zip"))
    assert json.loads(files["database.json"]) == {"error": "StoreError"}
    assert json.loads(files["settings.json"])["POLL_EVERY"] == "set, 13 characters"
    assert not Path("evaluators.db").exists()


def test_without_a_key_it_says_so(bare: Run) -> None:
    done = bare("diagnostics", "-o", "report.zip")
    assert done.code == 2
    assert "SECRET_KEY is missing." in done.err
    assert not Path("report.zip").exists()


async def test_a_running_bot_adds_its_figures(here: World, beside: RunBeside) -> None:
    async with here.bot(metrics="on"):
        done = await beside("diagnostics", "-o", "report.zip", http_port=here.port, metrics="on")
    assert done.code == 0, done.err
    files = _contents(here.folder / "report.zip")
    health = json.loads(files["health.json"])
    assert (health["leader"], health["last_poll"], health["problems"]) == (True, "good", 0)
    assert "holder" not in health
    assert 'evaluator_bot_poll_total{kind="sweep",outcome="good"} 1.0\n' in files["metrics.txt"]
    [poll] = json.loads(files["database.json"])["polls"]
    assert poll["good"] is True
