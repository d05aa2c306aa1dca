"""Settings whose value is in a file of its own."""

from pathlib import Path

import pytest

from bot.config.loader import load_settings
from bot.config.settings import DatabaseSettings, Settings
from bot.errors import SettingsWrong

KEY = "a key for tests that is long enough"
OTHER = "another key for tests that is as long"
REST = {
    "SLACK_BOT_TOKEN": "xoxb-a",
    "SLACK_APP_TOKEN": "xapp-a",
    "SLACK_CHANNEL": "C0CARDS",
    "MARKETPLACE_USER": "ana@vendor.example",
    "MARKETPLACE_TOKEN": "a-token",
    "MARKETPLACE_VENDOR_ID": "12",
}


@pytest.fixture(autouse=True)
def _in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_value_is_read_from_the_file_that_is_named_without_its_last_line_break(tmp_path: Path, end: str) -> None:
    (tmp_path / "key").write_bytes(f"{KEY}{end}".encode())
    found = load_settings(DatabaseSettings, None, {"SECRET_KEY_FILE": str(tmp_path / "key")})
    assert found.settings.secret_key == (KEY,)
    assert KEY in found.settings.secrets()


def test_every_setting_can_be_in_a_file_and_none_of_these_names_is_unknown(tmp_path: Path) -> None:
    values = {**REST, "SECRET_KEY": KEY, "DATABASE_URL": "sqlite+aiosqlite:////data/e.db", "SLACK_ACTORS": "U0ANA"}
    for name, value in values.items():
        (tmp_path / name).write_text(f"{value}\n")
    paths = {f"{name}_FILE": str(tmp_path / name) for name in values}
    found = load_settings(Settings, None, paths)
    assert found.settings == load_settings(Settings, None, values).settings
    assert found.unknown == {}


def test_a_path_in_the_env_file_starts_at_its_folder(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "key").write_text(KEY)
    (tmp_path / "etc" / "env").write_text("SECRET_KEY_FILE=key\n")
    assert load_settings(DatabaseSettings, tmp_path / "etc" / "env", {}).settings.secret_key == (KEY,)


def test_a_credential_of_systemd_is_read_unless_the_setting_is_given(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text(KEY)
    passed = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert load_settings(DatabaseSettings, None, passed).settings.secret_key == (KEY,)
    assert load_settings(DatabaseSettings, None, {**passed, "SECRET_KEY": OTHER}).settings.secret_key == (OTHER,)


def _missing(_: Path) -> str:
    return "cannot be read (No such file or directory). It should be a file that this user may read."


def _folder(path: Path) -> str:
    path.mkdir()
    return "cannot be read (Is a directory). It should be a file that this user may read."


def _empty(path: Path) -> str:
    path.write_text("\n")
    return "is empty. Put the value alone into it."


def _binary(path: Path) -> str:
    path.write_bytes(b"\xff\xfe")
    return "cannot be read (it is no text in UTF-8). It should be a file that this user may read."


def _large(path: Path) -> str:
    path.write_text("x" * 100_001)
    return "is larger than 100 kB. Put the value alone into it."


@pytest.mark.parametrize("make", [_missing, _folder, _empty, _binary, _large])
def test_a_file_that_cannot_be_used_is_named_once_and_nothing_starts(tmp_path: Path, make: object) -> None:
    assert callable(make)
    said = make(tmp_path / "key")
    with pytest.raises(SettingsWrong) as caught:
        load_settings(DatabaseSettings, None, {"SECRET_KEY_FILE": "key"})
    assert str(caught.value).splitlines() == [f"SECRET_KEY_FILE names key, which {said}"]


def test_a_setting_given_in_both_ways_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    with pytest.raises(SettingsWrong, match=r"SECRET_KEY and SECRET_KEY_FILE are both set\."):
        load_settings(DatabaseSettings, None, {"SECRET_KEY_FILE": "key", "SECRET_KEY": OTHER})


def test_no_value_of_a_file_is_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("short-secret")
    with pytest.raises(SettingsWrong) as caught:
        load_settings(DatabaseSettings, None, {"SECRET_KEY_FILE": "key"})
    assert "short-secret" not in str(caught.value)


def test_a_file_of_a_setting_that_the_command_does_not_need_is_not_opened() -> None:
    found = load_settings(DatabaseSettings, None, {"SECRET_KEY": KEY, "SLACK_BOT_TOKEN_FILE": "missing"})
    assert found.settings.secret_key == (KEY,)
