import traceback
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.config.loader import load_settings, settings_of
from bot.config.network import CA_VARIABLES, PROXY_VARIABLES
from bot.config.settings import Settings
from bot.domain.webhook_event_types import EventType
from bot.errors import SettingsMissing, SettingsWrong

KEY = "0123456789abcdef0123456789abcdef"
UUID = "6a1c2b3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
NEEDED = {
    "SLACK_BOT_TOKEN": "xoxb-bot",
    "SLACK_APP_TOKEN": "xapp-app",
    "SLACK_CHANNEL": "C0CARDS",
    "MARKETPLACE_USER": "reports@vendor.example",
    "MARKETPLACE_TOKEN": "api-token",
    "MARKETPLACE_VENDOR_ID": "1234567",
    "SECRET_KEY": KEY,
}


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a file, and an environment without a setting."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(name, raising=False)
    for name in (*PROXY_VARIABLES, *CA_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def read(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> Settings:
    """The settings out of an environment that has all that is needed, but for changes; None takes one away."""
    for name, value in {**NEEDED, **changes}.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    return load_settings(Settings).settings


def problems(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> list[str]:
    """What is wrong, by the name that each line begins with."""
    with pytest.raises(SettingsWrong) as wrong:
        read(monkeypatch, **changes)
    return [" ".join(line.split()[:3]).rstrip(".") for line in wrong.value.problems]


def test_with_what_is_needed_everything_else_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch)

    given = {name.lower() for name in NEEDED}
    assert {name: getattr(settings, name) for name in Settings.model_fields if name not in given} == {
        "slack_signing_secret": None,
        "slack_admins": (),
        "slack_actors": (),
        "reactions": "off",
        "slack_api_url": "https://slack.com/api/",
        "marketplace_developer_id": None,
        "marketplace_api_url": "https://api.atlassian.com/marketplace",
        "poll_every": timedelta(minutes=10),
        "sweep_every": timedelta(hours=24),
        "first_run_days": 1,
        "test_sites": (),
        "database_url": "sqlite+aiosqlite:///evaluators.db",
        "smtp_host": None,
        "smtp_port": 587,
        "smtp_username": None,
        "smtp_password": None,
        "smtp_tls": "starttls",
        "mail_from": None,
        "mail_reply_to": None,
        "mail_postal_address": None,
        "mail_privacy_url": None,
        "mail_vendor": None,
        "mail_templates": None,
        "mail_countries": None,
        "mail_hold": timedelta(seconds=10),
        "mail_at_most_every": timedelta(days=7),
        "mail_bounces": None,
        "mail_replies": None,
        "imap_host": None,
        "imap_port": 993,
        "imap_tls": "tls",
        "imap_username": None,
        "imap_password": None,
        "imap_token_url": None,
        "imap_client_id": None,
        "imap_client_secret": None,
        "imap_scope": "https://outlook.office365.com/.default",
        "imap_folder": "INBOX",
        "imap_after": "leave",
        "bounces_secret": None,
        "dkim_domain": None,
        "dkim_selector": None,
        "dkim_key": None,
        "public_url": None,
        "retention": timedelta(days=730),
        "http_host": "127.0.0.1",
        "http_port": 8080,
        "metrics": "off",
        "metrics_port": None,
        "heartbeat_url": None,
        "show_prices": "off",
        "early_cards": "off",
        "early_cards_wait": timedelta(days=7),
        "signals_secret": None,
        "forge_apps": (),
        "feedback_origins": (),
        "forge_environments": ("PRODUCTION",),
        "forge_jwks_url": "https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json",
        "webhook_urls": (),
        "webhook_secret": (),
        "webhook_events": tuple(each for each in EventType if each != "ping"),
        "webhook_contacts": False,
        "webhook_private": False,
        "timezone": ZoneInfo("UTC"),
        "log_format": "console",
        "log_level": "info",
    }


def test_everything_that_is_missing_is_named_at_once_with_what_to_do() -> None:
    with pytest.raises(SettingsWrong) as wrong:
        load_settings(Settings)

    lines = wrong.value.problems
    assert sorted(line.split()[0] for line in lines) == sorted(NEEDED)
    assert all(" is missing. Use " in line for line in lines)
    assert str(wrong.value).splitlines() == list(lines)


def test_what_is_missing_and_what_is_wrong_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"SLACK_BOT_TOKEN": None, "SLACK_APP_TOKEN": None, "POLL_EVERY": "often", "SECRET_KEY": f"{KEY},short,tiny"}

    assert sorted(problems(monkeypatch, **wrong)) == [
        "POLL_EVERY cannot be",
        "SECRET_KEY cannot be",
        "SLACK_APP_TOKEN is missing",
        "SLACK_BOT_TOKEN is missing",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-somebodys-own"),
        ("SLACK_APP_TOKEN", "xoxb-the-wrong-one"),
        ("SLACK_CHANNEL", "#evaluations"),
        ("SLACK_CHANNEL", "D0DIRECT"),
        ("SLACK_ADMINS", "@ana"),
        ("SLACK_ADMINS", "U0ANA,C0CARDS"),
        ("SLACK_ADMINS", "U0ANA U0BEN"),
        ("SLACK_ACTORS", "@sales"),
        ("SLACK_ACTORS", ","),
        ("TEST_SITES", " , ;"),
        ("MAIL_FROM", "Ana"),
        ("MAIL_FROM", "Lima, Ana <ana@vendor.example>"),
        ("MAIL_REPLY_TO", "ana at vendor.example"),
        ("MAIL_BOUNCES", "@vendor.example"),
        ("SLACK_ACTORS", "  "),
        ("SLACK_ACTORS", '"U0ANA"'),
        ("SLACK_ACTORS", "S0SALES,C0CARDS"),
        ("SLACK_API_URL", "slack.com/api"),
        ("MARKETPLACE_USER", "   "),
        ("MARKETPLACE_VENDOR_ID", "acme"),
        ("MARKETPLACE_DEVELOPER_ID", "1234567"),
        ("MARKETPLACE_API_URL", "ftp://marketplace.test"),
        ("POLL_EVERY", "0s"),
        ("POLL_EVERY", "10"),
        ("POLL_EVERY", "-10m"),
        ("POLL_EVERY", "10m30s"),
        ("POLL_EVERY", "ten minutes"),
        ("SWEEP_EVERY", "99999999999999d"),
        ("FIRST_RUN_DAYS", "-1"),
        ("FIRST_RUN_DAYS", "366"),
        ("SMTP_PORT", "70000"),
        ("SMTP_PORT", "smtp"),
        ("SMTP_TLS", "ssl"),
        ("SECRET_KEY", KEY[1:]),
        ("SECRET_KEY", ", ,"),
        ("SECRET_KEY", f"{KEY},too-short"),
        ("MAIL_HOLD", "-1s"),
        ("MAIL_HOLD", "a while"),
        ("MAIL_AT_MOST_EVERY", "weekly"),
        ("BOUNCES_SECRET", KEY[1:]),
        ("PUBLIC_URL", "bot.vendor.example"),
        ("PUBLIC_URL", "http://bot.vendor.example"),
        ("PUBLIC_URL", "http://127.0.0.1.vendor.example"),
        ("PUBLIC_URL", "http://localhost.vendor.example"),
        ("PUBLIC_URL", "http://localhost@vendor.example"),
        ("PUBLIC_URL", "ftp://bot.vendor.example"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://bot.vendor.example/a page"),
        ("RETENTION", "0d"),
        ("RETENTION", "24 months"),
        ("HTTP_PORT", "65536"),
        ("TIMEZONE", "Berlin"),
        ("TIMEZONE", "Europe"),
        ("TIMEZONE", "../../etc/passwd"),
        ("TEST_SITES", "ana@acme.example"),
        ("TEST_SITES", "acme-dev, *.atlassian.net"),
        ("TEST_SITES", "acme_dev"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(SettingsWrong) as wrong:
        read(monkeypatch, **{name: value})

    [line] = wrong.value.problems
    assert line.startswith(f"{name} cannot be used. It should be ")


def test_an_entry_of_a_list_that_cannot_be_used_is_named_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsWrong) as wrong:
        read(monkeypatch, TEST_SITES="acme-dev, ana@acme.example, *")
    assert [line.rpartition(". ")[2] for line in wrong.value.problems] == ["Look at entry 2.", "Look at entry 3."]
    assert "ana@" not in str(wrong.value)


def test_no_value_is_shown_not_even_in_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {name.upper(): "s3cr3t" for name in Settings.model_fields}

    with pytest.raises(SettingsWrong) as wrong:
        read(monkeypatch, **fields)

    assert len(wrong.value.problems) > 10
    assert "s3cr3t" not in "".join(traceback.format_exception(wrong.value))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("30s", timedelta(seconds=30)),
        ("10m", timedelta(minutes=10)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        (" 5 m ", timedelta(minutes=5)),
    ],
)
def test_a_duration_has_a_number_and_a_unit(monkeypatch: pytest.MonkeyPatch, written: str, meant: timedelta) -> None:
    assert read(monkeypatch, POLL_EVERY=written).poll_every == meant


def test_keys_are_a_list_with_commas_and_the_first_one_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, SECRET_KEY=f" {KEY[::-1]} , {KEY},").secret_key == (KEY[::-1], KEY)


@pytest.mark.parametrize(
    ("name", "value", "field", "read_as"),
    [
        ("TIMEZONE", "Asia/Kolkata", "timezone", ZoneInfo("Asia/Kolkata")),
        ("LOG_LEVEL", "DEBUG", "log_level", "debug"),
        ("SLACK_CHANNEL", " G0PRIVATE ", "slack_channel", "G0PRIVATE"),
        ("SLACK_ADMINS", "U0ANA, W0BEN,", "slack_admins", ("U0ANA", "W0BEN")),
        ("SLACK_ACTORS", "S0SALES, U0ANA", "slack_actors", ("S0SALES", "U0ANA")),
        ("MAIL_TEMPLATES", "/etc/bot/templates", "mail_templates", Path("/etc/bot/templates")),
        ("MAIL_COUNTRIES", "/etc/bot/countries.toml", "mail_countries", Path("/etc/bot/countries.toml")),
        ("MAIL_HOLD", "0s", "mail_hold", timedelta(0)),
        ("MAIL_HOLD", "1m", "mail_hold", timedelta(minutes=1)),
        ("MAIL_AT_MOST_EVERY", "0s", "mail_at_most_every", timedelta(0)),
        ("MAIL_BOUNCES", " bounces@vendor.example ", "mail_bounces", "bounces@vendor.example"),
        ("DKIM_KEY", "/etc/bot/dkim.pem", "dkim_key", Path("/etc/bot/dkim.pem")),
        ("PUBLIC_URL", "https://bot.vendor.example", "public_url", "https://bot.vendor.example"),
        ("PUBLIC_URL", "https://vendor.example/bot/", "public_url", "https://vendor.example/bot/"),
        ("PUBLIC_URL", "http://127.0.0.1:8080", "public_url", "http://127.0.0.1:8080"),
        ("PUBLIC_URL", "http://localhost:8080/bot", "public_url", "http://localhost:8080/bot"),
        ("RETENTION", "30d", "retention", timedelta(days=30)),
        ("HTTP_PORT", "0", "http_port", 0),
        ("FIRST_RUN_DAYS", "0", "first_run_days", 0),
        ("TEST_SITES", "acme-dev, acme.example,", "test_sites", ("acme-dev", "acme.example")),
        ("TEST_SITES", "https://acme-dev.atlassian.net/", "test_sites", ("acme-dev.atlassian.net",)),
        ("TEST_SITES", "*.acme.example @Müller.example", "test_sites", ("*.acme.example", "xn--mller-kva.example")),
        ("TEST_SITES", "acme-dev;Acme.example ; “acme-qa”", "test_sites", ("acme-dev", "acme.example", "acme-qa")),
        ("smtp_host", "mail.vendor.example", "smtp_host", "mail.vendor.example"),
    ],
)
def test_a_setting_is_read_as_what_it_means(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, field: str, read_as: object
) -> None:
    assert getattr(read(monkeypatch, **{name: value}), field) == read_as


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        pytest.param({"SLACK_SIGNING_SECRET": "shh"}, [], id="both"),
        pytest.param({"SLACK_APP_TOKEN": None, "SLACK_SIGNING_SECRET": "shh"}, [], id="signing secret alone"),
        pytest.param({"SLACK_APP_TOKEN": None}, ["SLACK_APP_TOKEN is missing"], id="neither"),
        pytest.param({"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": ""}, ["SLACK_APP_TOKEN is missing"], id="empty"),
        pytest.param({"SLACK_APP_TOKEN": "nonsense"}, ["SLACK_APP_TOKEN cannot be"], id="said once"),
        pytest.param({"MARKETPLACE_DEVELOPER_ID": UUID}, [], id="both ids"),
        pytest.param({"MARKETPLACE_VENDOR_ID": None, "MARKETPLACE_DEVELOPER_ID": UUID}, [], id="developer alone"),
        pytest.param({"MARKETPLACE_VENDOR_ID": None}, ["MARKETPLACE_VENDOR_ID is missing"], id="neither id"),
        pytest.param(
            {"MARKETPLACE_VENDOR_ID": None, "MARKETPLACE_DEVELOPER_ID": "acme"},
            ["MARKETPLACE_DEVELOPER_ID cannot be"],
            id="a wrong id",
        ),
    ],
)
def test_one_of_two_is_enough(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], missing: list[str]
) -> None:
    if missing:
        assert problems(monkeypatch, **changes) == missing
    else:
        read(monkeypatch, **changes)


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_an_empty_setting_is_a_missing_one(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert problems(monkeypatch, **{name: ""}) == [f"{name} is missing"]


def test_an_empty_setting_that_is_not_needed_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, SMTP_HOST="", SMTP_PORT="", TIMEZONE="", LOG_LEVEL="")

    assert (settings.smtp_host, settings.smtp_port, settings.timezone.key, settings.log_level) == (
        None,
        587,
        "UTC",
        "info",
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"], ids=["plain", "as Windows saves it"])
def test_settings_are_read_from_a_file_in_the_working_folder(encoding: str) -> None:
    lines = [*(f"{name}={value}" for name, value in NEEDED.items()), 'MAIL_FROM="Zoë Ash <zoe@vendor.example>"', "X=1"]
    Path(".env").write_text("\n".join(lines), encoding=encoding)

    settings = load_settings(Settings).settings

    assert (settings.slack_bot_token.get_secret_value(), settings.mail_from) == (
        "xoxb-bot",
        "Zoë Ash <zoe@vendor.example>",
    )


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("POLL_EVERY=1m\nSWEEP_EVERY=1h", encoding="utf-8")
    for name, value in {**NEEDED, "SWEEP_EVERY": "2h"}.items():
        monkeypatch.setenv(name, value)

    settings = load_settings(Settings).settings

    assert (settings.poll_every, settings.sweep_every) == (timedelta(minutes=1), timedelta(hours=2))


def test_no_secret_shows_when_the_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(
        monkeypatch,
        SMTP_PASSWORD="pass-word",
        SLACK_SIGNING_SECRET="signing-secret",
        BOUNCES_SECRET="bounces-secret-that-is-long-enough",
        DATABASE_URL="postgresql+asyncpg://bot:db-word@db/evaluators",
    )

    secrets = ["xoxb-bot", "xapp-app", "api-token", KEY, "pass-word", "signing-secret", "bounces-secret", "db-word"]
    assert [secret for secret in secrets if secret in repr(settings) + str(settings)] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("TIMEZON=Europe/Berlin", {"TIMEZON": "TIMEZONE"}),
        ("pol_every=1h", {"POL_EVERY": "POLL_EVERY"}),
        ("MAIL_HELD_FOR_SECONDS=3", {"MAIL_HELD_FOR_SECONDS": None}),
        ("MAIL_COUNTRIES=rules.toml\nlog_level=debug", {}),
        ("MAIL_COUNTRIES=rules.toml\nMAIL_COUNTRYS=rules.toml", {"MAIL_COUNTRYS": "MAIL_COUNTRIES"}),
        ("COMPOSE_PROJECT_NAME=evaluators", {}),
        ("HTTP_PROXY=http://proxy.example:3128", {}),
        ("TIMEZON=", {}),
        (f"{KEY}==", {}),
        ("", {}),
    ],
)
def test_a_name_in_the_file_that_is_nearly_a_setting_is_reported(
    monkeypatch: pytest.MonkeyPatch, line: str, said: dict[str, str | None]
) -> None:
    Path(".env").write_text(f"{line}\n")
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)

    assert load_settings(Settings).unknown == said


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("SLACK_ACTOR=U0ALICE", "SLACK_ACTORS"),
        ("SLACK-ACTORS=U0ALICE", "SLACK_ACTORS"),
        ("\u200bSLACK_ACTORS=U0ALICE", "SLACK_ACTORS"),
        ("SLACK_ACTORS+=U0ALICE", "SLACK_ACTORS"),
        ("MAIL_COUNTRYS=rules.toml", "MAIL_COUNTRIES"),
        ("TEST_SITE=acme-dev.atlassian.net", "TEST_SITES"),
    ],
)
def test_a_restriction_that_is_misspelt_does_not_fall_away(
    monkeypatch: pytest.MonkeyPatch, line: str, meant: str
) -> None:
    Path(".env").write_text(f"# Who may\n{line}\n", encoding="utf-8")
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SettingsWrong) as wrong:
        load_settings(Settings)

    [said] = wrong.value.problems
    assert said.startswith("Line 2 of .env sets ")
    assert said.endswith(f", which is no setting. Write {meant}.")
    assert said.isascii()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SLACK_ACTOR", "SLACK_ACTORS"),
        ("SLAK_ACTORS", "SLACK_ACTORS"),
        ("slack_acters", "SLACK_ACTORS"),
        ("MAIL_COUNTRY", "MAIL_COUNTRIES"),
        ("MAIL_AT_MOST", "MAIL_AT_MOST_EVERY"),
    ],
)
def test_a_restriction_that_is_misspelt_in_the_environment_does_not_fall_away(
    monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    with pytest.raises(SettingsWrong) as wrong:
        read(monkeypatch, **{name: "U0ALICE"})
    assert wrong.value.problems == (f"The environment sets {name.upper()}, which is no setting. Write {meant}.",)


@pytest.mark.parametrize(
    ("name", "meant"), [("TEST_SITE", "TEST_SITES"), ("RETENTON", "RETENTION"), ("SMTP_PASSWRD", "SMTP_PASSWORD")]
)
def test_another_name_in_the_environment_that_is_nearly_a_setting_is_reported(
    monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    for each, value in {**NEEDED, name: "x"}.items():
        monkeypatch.setenv(each, value)
    assert load_settings(Settings).unknown == {name: meant}
    monkeypatch.setenv(meant, {"TEST_SITES": "acme-dev", "RETENTION": "30d"}.get(meant, "x"))
    assert load_settings(Settings).unknown == {}


FOREIGN = (
    "HOME HOSTNAME LANG LC_ALL LOGNAME MAIL MAILCHECK MAILTO MAIL_HOST PATH PWD SHELL TERM TZ USER VIRTUAL_ENV GPG_KEY "
    "PYTHONUNBUFFERED HTTPS_PORT HTTP_PORTS HTTP_PROXY DATABASE_URI DATABASE_HOST DB_URL SECRET_KEY_BASE SECRET_KEYS "
    "SLACK_WEBHOOK_URL SLACK_SIGNING SMTP_SERVICE_HOST SMTP_PORT_587_TCP KUBERNETES_SERVICE_HOST MAIL_PORT TEST_SUITE "
    "TEST_SITES_DIR RETENTION_DAYS LOG_LEVELS LOGLEVEL TIME_ZONE PUBLIC_URI POLL_INTERVAL MAIL_DRIVER"
)


def test_of_names_that_belong_to_other_programs_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name.upper() for name in (*Settings.model_fields, *PROXY_VARIABLES)}
    for name, value in {**NEEDED, **{each: "x" for each in FOREIGN.split() if each not in known}}.items():
        monkeypatch.setenv(name, value)
    assert load_settings(Settings).unknown == {}


@pytest.mark.parametrize("source", ["environment", "file", "quoted", "single quotes"])
def test_a_postal_address_may_have_several_lines(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    address = r"Musterweg 1\n 12345 Musterstadt"
    quoted = {"file": address, "quoted": f'"{address}"', "single quotes": f"'{address}'"}
    if source == "environment":
        monkeypatch.setenv("MAIL_POSTAL_ADDRESS", address)
    else:
        Path(".env").write_text(f"MAIL_POSTAL_ADDRESS={quoted[source]}\n")

    assert read(monkeypatch).mail_postal_address == "Musterweg 1\n12345 Musterstadt"


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SMTP_PASSWORD", "MAIL_FROM", "DATABASE_URL"])
def test_a_line_break_inside_a_value_is_named_and_one_at_its_end_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    values = {**NEEDED, "DATABASE_URL": "sqlite+aiosqlite:///x.db", "MAIL_FROM": "ana@vendor.example"}
    good = values.get(name, "word")

    with pytest.raises(SettingsWrong) as wrong:
        read(monkeypatch, **{name: f"{good}\nX-Header: 1"})
    assert wrong.value.problems == (f"{name} holds a line break or another control character. Remove it.",)
    assert read(monkeypatch, **{name: f"{good}\n"}) == read(monkeypatch, **{name: good})


@pytest.mark.parametrize("url", ["https://", "http://[slack", "https://slack.com:port/api", "https://sla ck.com/"])
@pytest.mark.parametrize("name", ["SLACK_API_URL", "MARKETPLACE_API_URL"])
def test_an_address_that_leads_nowhere_is_named(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    assert problems(monkeypatch, **{name: url}) == [f"{name} cannot be"]


def test_a_value_of_the_file_that_cannot_be_used_is_named_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("\n# Ours\nSLACK_ACTORS=U0ALICE U0BOB\nSLACK_ADMINS=@ana\n")

    with pytest.raises(SettingsWrong) as wrong:
        read(monkeypatch, SLACK_ADMINS="@ben")

    assert sorted(line.partition(" cannot")[0] for line in wrong.value.problems) == [
        "SLACK_ACTORS (line 3 of .env)",
        "SLACK_ADMINS",
    ]


def test_everything_that_is_wrong_anywhere_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("SMTP_PASSWORD='secret\nSLACK_ACTOR=U0ALICE\n")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")

    wrong = problems(monkeypatch, POLL_EVERY="often", SLACK_CHANNEL=None)

    lines, names = (
        ["Line 1 of", "Line 2 of"],
        ["ALL_PROXY cannot be", "SLACK_CHANNEL is missing", "POLL_EVERY cannot be"],
    )
    assert wrong == lines + names


def test_what_stands_in_a_line_that_cannot_be_read_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text('SLACK_CHANNEL="C0CARDS" and more\n')

    assert problems(monkeypatch, SLACK_CHANNEL=None) == ["Line 1 of"]


def test_what_is_only_missing_is_told_apart_from_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsMissing):
        load_settings(Settings)
    with pytest.raises(SettingsWrong) as wrong:
        read(monkeypatch, POLL_EVERY="often", SECRET_KEY=None)
    assert not isinstance(wrong.value, SettingsMissing)


@pytest.mark.parametrize(
    ("written", "database"),
    [
        ("", "sqlite+aiosqlite:///FOLDER/evaluators.db"),
        ("DATABASE_URL=sqlite+aiosqlite:///data/bot.db?timeout=5", "sqlite+aiosqlite:///FOLDER/data/bot.db?timeout=5"),
        ("DATABASE_URL=sqlite+aiosqlite:////srv/bot.db", "sqlite+aiosqlite:////srv/bot.db"),
        ("DATABASE_URL=sqlite+aiosqlite:///:memory:", "sqlite+aiosqlite:///:memory:"),
        ("DATABASE_URL=sqlite+aiosqlite://", "sqlite+aiosqlite://"),
        ("DATABASE_URL=postgresql+asyncpg://db/bot", "postgresql+asyncpg://db/bot"),
    ],
)
def test_relative_paths_count_from_the_folder_of_the_file_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, written: str, database: str
) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "bot.env").write_text(f"MAIL_TEMPLATES=letters\nDKIM_KEY=/srv/dkim.pem\n{written}\n")
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)

    settings = load_settings(Settings, folder / "bot.env").settings

    assert settings.database_url == database.replace("FOLDER", str(folder))
    assert (settings.mail_templates, settings.dkim_key) == (folder / "letters", Path("/srv/dkim.pem"))


def test_a_file_in_the_working_folder_is_not_looked_at_when_another_is_named(tmp_path: Path) -> None:
    Path(".env").write_text("this cannot be read")
    other = tmp_path / "other.env"
    other.write_text("".join(f"{name}={value}\n" for name, value in NEEDED.items()))

    assert load_settings(Settings, other).settings.slack_channel == "C0CARDS"


def test_the_network_is_read_from_the_environment_or_else_from_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("https_proxy=file.example:1\nHTTP_PROXY=file.example:2\nNO_PROXY=.vendor.example\n")
    monkeypatch.setenv("HTTPS_PROXY", "http://environment.example:3")

    network = read(monkeypatch).network

    assert network.proxy_for("https://slack.com/") == "http://environment.example:3"
    assert network.proxy_for("http://slack.com/") == "http://file.example:2"
    assert network.proxy_for("https://chat.vendor.example/") is None


def test_settings_that_are_given_take_nothing_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMEZONE", "Asia/Kolkata")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")

    settings = settings_of(**{name.lower(): value for name, value in NEEDED.items()})

    assert settings.timezone.key == "UTC"
    assert settings.network.proxy_for("https://slack.com/") is None
    with pytest.raises(TypeError, match="no such setting: poll"):
        settings_of(poll="10m")


def test_every_secret_is_known_for_the_log_to_take_out(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = {name for name, field in Settings.model_fields.items() if "Secret" in str(field.annotation)}
    given = {name.upper(): f"xoxb-{name}-{'x' * 32}" for name in hidden} | {"SLACK_APP_TOKEN": f"xapp-{'x' * 32}"}
    given["HEARTBEAT_URL"] = "https://monitor.example/ping/a-private-one"
    given["WEBHOOK_URLS"] = "https://crm.example/a-private-one"
    given["WEBHOOK_SECRET"] = f"whsec_{'x' * 32}"
    url = "postgresql+asyncpg://bot:a%20password@db/bot"

    secrets = read(monkeypatch, **given, DATABASE_URL=url, SECRET_KEY=f"{'y' * 32},{'z' * 32}").secrets()

    assert len(hidden) >= 6
    assert set(secrets) == {*given.values(), "a password", "y" * 32, "z" * 32}


def test_webhooks_are_read_from_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = f"whsec_{'o' * 32}", f"whsec_{'n' * 32}"
    settings = read(
        monkeypatch,
        WEBHOOK_URLS="https://crm.example/a, https://log.example/b",
        WEBHOOK_SECRET=f"{new},{old}",
        WEBHOOK_EVENTS="evaluation.started,mail.sent",
        WEBHOOK_CONTACTS="true",
    )
    assert [each.get_secret_value() for each in settings.webhook_urls] == [
        "https://crm.example/a",
        "https://log.example/b",
    ]
    assert [each.get_secret_value() for each in settings.webhook_secret] == [new, old]
    assert settings.webhook_events == ("evaluation.started", "mail.sent")
    assert (settings.webhook_contacts, settings.webhook_private) == (True, False)
    assert "ping" not in settings_of(**{name.lower(): value for name, value in NEEDED.items()}).webhook_events


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK_URLS", "crm.example"),
        ("WEBHOOK_SECRET", "a secret without the prefix that it needs"),
        ("WEBHOOK_SECRET", f"whsec_{'x' * 28}"),
        ("WEBHOOK_SECRET", "whsec_this is not Base64, which is said"),
        ("WEBHOOK_EVENTS", "evaluation.stopped"),
        ("WEBHOOK_EVENTS", "ping"),
        ("WEBHOOK_CONTACTS", "perhaps"),
    ],
)
def test_a_wrong_setting_of_webhooks_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(SettingsWrong, match=f"^{name} cannot be used") as error:
        read(monkeypatch, **{name: value})
    assert value not in str(error.value)
