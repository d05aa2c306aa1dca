"""What `check` says of files and of secrets that travel in the clear."""

from pathlib import Path

import pytest

from bot.services.operations.local_checks import file_permissions, is_this_machine, secrets_in_the_clear


@pytest.mark.parametrize(
    ("mode", "good"),
    [(0o600, True), (0o400, True), (0o640, True), (0o604, False), (0o644, False), (0o602, False), (0o666, False)],
)
def test_a_file_that_other_users_may_open_is_named_with_what_to_do(tmp_path: Path, mode: int, good: bool) -> None:  # noqa: FBT001
    path = tmp_path / ".env"
    path.touch()
    path.chmod(mode)

    finding = file_permissions([path, tmp_path / "none"])

    assert finding.is_ok is good
    assert finding.message.endswith(f"Run: chmod o= {path}") is not good


def test_a_link_counts_as_the_file_behind_it(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(mode=0o600)
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "nowhere").symlink_to(tmp_path / "none")

    assert file_permissions([tmp_path / "link", tmp_path / "nowhere", tmp_path]).is_ok


@pytest.mark.parametrize(
    ("host", "tls", "has_password", "good"),
    [
        ("mail.vendor.example", "none", True, False),
        ("10.0.0.25", "none", True, False),
        ("localhost.vendor.example", "none", True, False),
        ("127.0.0.1.vendor.example", "none", True, False),
        ("mail.vendor.example", "none", False, True),
        ("mail.vendor.example", "starttls", True, True),
        ("mail.vendor.example", "tls", True, True),
        ("localhost", "none", True, True),
        ("127.0.0.1", "none", True, True),
        ("::1", "none", True, True),
    ],
)
def test_a_mail_password_in_the_clear_is_reported(host: str, tls: str, has_password: bool, good: bool) -> None:  # noqa: FBT001
    finding = secrets_in_the_clear(smtp_host=host, smtp_tls=tls, has_password=has_password, urls={})

    assert finding.is_ok is good
    assert ("SMTP_TLS=none" in finding.message) is not good


def test_each_token_in_the_clear_is_reported() -> None:
    urls = {"SLACK_API_URL": "http://slack.example/api/", "MARKETPLACE_API_URL": "http://10.0.0.2/marketplace"}

    finding = secrets_in_the_clear(smtp_host=None, smtp_tls="starttls", has_password=False, urls=urls)

    assert not finding.is_ok
    assert all(f"{name} begins with http://" in finding.message for name in urls)
    for url in ("https://slack.com/api/", "http://127.0.0.1:8080/api/", "http://[::1]:8080/"):
        good = secrets_in_the_clear(smtp_host=None, smtp_tls="tls", has_password=False, urls={"SLACK_API_URL": url})
        assert good.is_ok


@pytest.mark.parametrize("host", ["LOCALHOST", "localhost.", "slack.localhost", "127.8.9.1", "[::1]"])
def test_names_of_this_machine_are_known(host: str) -> None:
    assert is_this_machine(host)
