"""What people write into `.env`: it is read as they mean it, or the line is named; nothing in between."""

import os
import traceback
from pathlib import Path

import pytest

from bot.config.env_file import EnvFile, read_env_file
from bot.errors import SettingsWrong

KNOWN = {"slack_actors", "smtp_password", "mail_from", "mail_postal_address", "secret_key"}
PASSWORD = r"Xy${9}z"


def read(path: Path) -> EnvFile:
    return read_env_file(path, known=KNOWN, several_lines={"mail_postal_address"})


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path(".env")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("SLACK_ACTORS=U0ALICE,U0CAROL", "U0ALICE,U0CAROL"),
        ("SLACK_ACTORS = U0ALICE, U0CAROL   # both", "U0ALICE, U0CAROL"),
        ('SLACK_ACTORS="U0ALICE,U0CAROL" # both', "U0ALICE,U0CAROL"),
        ("export SLACK_ACTORS=U0ALICE", "U0ALICE"),
        ("  'SLACK_ACTORS'='U0ALICE'", "U0ALICE"),
        ("slack_actors=U0ALICE", "U0ALICE"),
        ("SLACK_ACTORS=U0ALICE\r", "U0ALICE"),
        ("\ufeffSLACK_ACTORS=U0ALICE", "U0ALICE"),
        ("SLACK_ACTORS=\nSLACK_ACTORS=U0ALICE", "U0ALICE"),
        ("SLACK_ACTORS=   # nobody", ""),
        ("SLACK_ACTORS=U0ALICE\nSECRET='of\nanother\nprogram'", "U0ALICE"),
    ],
)
def test_a_list_is_read_however_it_is_written(path: Path, line: str, value: str) -> None:
    path.write_bytes(f"{line}\n".encode())

    found = read(path)

    assert (found.values["slack_actors"], found.problems) == (value, [])


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (f"'{PASSWORD}'", PASSWORD),
        ("'$(rm) `ls` \"$HOME\" #1 \\n'", '$(rm) `ls` "$HOME" #1 \\n'),
        ("'it\\'s'", "it's"),
        ("pa$$word#1'", "pa$$word#1'"),
        ('"pa\'ss \\"word\\" #1"', 'pa\'ss "word" #1'),
        ("#begins", "#begins"),
        ("two words", "two words"),
    ],
)
def test_a_password_is_read_as_it_stands(path: Path, written: str, value: str) -> None:
    path.write_text(f"SMTP_PASSWORD={written}\n")

    found = read(path)

    assert (found.values["smtp_password"], found.problems) == (value, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('SLACK_ACTORS="U0ALICE","U0CAROL"', "(SLACK_ACTORS) has text after the closing quote"),
        ('MAIL_FROM="Ana Lima" <ana@x.example>', "(MAIL_FROM) has text after the closing quote"),
        ("SLACK_ACTORS='U0ALICE' U0CAROL", "(SLACK_ACTORS) has text after the closing quote"),
        ('SLACK_ACTORS="U0ALICE', "(SLACK_ACTORS) opens a quote that is not closed"),
        ("SMTP_PASSWORD='it's'", "(SMTP_PASSWORD) has text after the closing quote"),
        ("SMTP_PASSWORD='it's", "(SMTP_PASSWORD) has text after the closing quote"),
        ("SMTP_PASSWORD='back\\'", "(SMTP_PASSWORD) opens a quote that is not closed"),
        ('export SLACK_ACTORS="U0ALICE', "(SLACK_ACTORS) opens a quote that is not closed"),
        ("U0BOB", "has no equals sign"),
        ("SLACK_ACTORS:U0BOB", "has no equals sign"),
        ("SLACK_ACTORS", "has no equals sign"),
        ("SLACK_ACTORS: U0BOB", "cannot be read"),
        ("SLACK ACTORS=U0BOB", "cannot be read"),
        ("set SLACK_ACTORS=U0BOB", "cannot be read"),
        ("[slack]=", None),
        ("; a comment", "cannot be read"),
        ("=U0BOB", "cannot be read"),
        ("'SLACK ACTORS'=U0BOB", "has a space or a quote in the name"),
        ('"SLACK_ACTORS"=U0BOB', "(SLACK_ACTORS) has a space or a quote in the name"),
        (f"SMTP_PASSWORD={PASSWORD}", "(SMTP_PASSWORD) holds ${ or $("),
        (f'SMTP_PASSWORD="{PASSWORD}"', "(SMTP_PASSWORD) holds ${ or $("),
        ("SECRET_KEY=$(python3 -c 'import secrets')", "(SECRET_KEY) holds ${ or $("),
        ("OTHERS=${HOME}", None),
        ('SMTP_PASSWORD="C:\\new"', "(SMTP_PASSWORD) holds a line break or another control character"),
        ('SMTP_PASSWORD="C:\\temp"', "(SMTP_PASSWORD) holds a line break or another control character"),
        ('MAIL_POSTAL_ADDRESS="C:\\again"', "(MAIL_POSTAL_ADDRESS) holds a line break or another control character"),
        ("SMTP_PASSWORD='a\nb'", "(SMTP_PASSWORD) holds a line break or another control character"),
        ("MAIL_POSTAL_ADDRESS='a\nb'", None),
        (
            "MAIL_POSTAL_ADDRESS='a\nSLACK_ACTORS=U0ALICE\nMAIL_FROM='",
            "(MAIL_POSTAL_ADDRESS) opens a quote that closes only after other settings",
        ),
        ('OTHERS="a\n  export SLACK_ACTORS=U0ALICE\nX="', "opens a quote that closes only after other settings"),
    ],
)
@pytest.mark.parametrize("before", ["", "# first\n\nA=1\n"], ids=["first", "later"])
def test_a_line_that_cannot_be_read_is_named(path: Path, before: str, text: str, said: str | None) -> None:
    path.write_text(f"{before}{text}\n")

    problems = read(path).problems

    if said is None:
        assert problems == []
    else:
        assert len(problems) == 1
        assert problems[0].startswith(f"Line {before.count(chr(10)) + 1} of .env {said}")
        assert problems[0].endswith(".")


def test_a_list_that_goes_on_in_the_next_line_is_named_there(path: Path) -> None:
    path.write_text("SLACK_ACTORS=U0ALICE,\nU0BOB\n")

    assert [line.partition(" has")[0] for line in read(path).problems] == ["Line 2 of .env"]


def test_each_line_that_cannot_be_read_is_named(path: Path) -> None:
    path.write_text("U0ALICE\n\nSLACK_ACTORS=\"U0ALICE\nMAIL_FROM='Ana' <ana@x.example>\nSECRET_KEY=good\n")

    found = read(path)

    assert [line.partition(" of")[0] for line in found.problems] == ["Line 1", "Line 3", "Line 4"]
    assert found.values == {"secret_key": "good"}
    assert found.unread == {"slack_actors", "mail_from"}


@pytest.mark.parametrize("second", ["SLACK_ACTORS=U0BOB", "slack_actors=", "export SLACK_ACTORS=U0ALICE"])
def test_a_setting_that_is_set_again_is_named(path: Path, second: str) -> None:
    path.write_text(f"SLACK_ACTORS=U0ALICE\nOTHERS=1\nOTHERS=2\n{second}\n")

    [line] = read(path).problems

    assert line == "Line 4 of .env (SLACK_ACTORS) sets it again, after line 1. Keep one of the two."


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\xff\xfe" + "SLACK_ACTORS=U0ALICE".encode("utf-16-le"), 1),
        ("A=1\nSLACK_ACTORS=U0ALICE".encode("utf-16-le"), 1),
        ("A=1\nMAIL_FROM=Zoë <zoe@x.example>".encode("latin-1"), 2),
        (b"A=1\r\nSLACK_ACTORS=U0ALICE\x00", 2),
        (b"A=1\nB=2\nSMTP_PASSWORD=a\x1b[0mb", 3),
    ],
)
def test_a_file_that_is_no_text_is_named_with_the_line(path: Path, content: bytes, line: int) -> None:
    path.write_bytes(content)

    with pytest.raises(SettingsWrong, match=rf"^Line {line} of \.env .* Save the file as text in UTF-8\.$") as wrong:
        read(path)
    assert "U0ALICE" not in "".join(traceback.format_exception(wrong.value))


def test_a_folder_or_a_file_that_is_not_there_cannot_be_read(path: Path) -> None:
    path.mkdir()
    for each, reason in ((path, "Is a directory"), (Path("none.env"), "No such file or directory")):
        with pytest.raises(SettingsWrong, match=rf"^{each} cannot be read \({reason}\)\."):
            read(each)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_this_user_may_not_read_is_named(path: Path) -> None:
    path.touch(mode=0)

    with pytest.raises(SettingsWrong, match=r"^\.env cannot be read \(Permission denied\)\."):
        read(path)


def test_a_file_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(SettingsWrong, match=r"^/dev/zero is larger than a megabyte"):
        read(Path("/dev/zero"))


def test_no_value_is_shown(path: Path) -> None:
    lines = ("SMTP_PASSWORD='s3cr3t", 's3cr3t"', "SMTP_PASSWORD='s3cr3t' s3cr3t", "SECRET_KEY=${s3cr3t}", "s3cr3t")
    for line in lines:
        path.write_text(f"{line}\n")
        [said] = read(path).problems
        assert "s3cr3t" not in said
