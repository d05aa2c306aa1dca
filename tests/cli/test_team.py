"""The team's settings from the command line."""

from pathlib import Path

from tests.cli.conftest import Done, Run

FILE = """
working_hours = "sun-thu 08:00-16:00"
[[rotation]]
members = [{ user = "U0ANA", weight = 2 }, { user = "U0BEN" }]
"""


def test_a_file_is_taken_and_what_it_leaves_out_returns_to_its_default(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "team.toml"
    file.write_text(FILE)
    assert run("team", "apply", str(file)) == Done(
        0,
        "working_hours: mon-fri 09:00-17:00 → sun-thu 08:00-16:00\nrotation of all: – → U0ANA × 2, U0BEN × 1\n",
        "2 changes.\n",
    )
    assert '[{ user = "U0ANA", weight = 2 }, { user = "U0BEN", weight = 1 }]' in run("team", "show").out
    assert run("team", "apply", "-", stdin=b'[digest]\ndaily = "09:00"').code == 0
    assert run("team", "show").out.count("rotation") == 0
    first, second = (line.partition("  ")[2] for line in run("audit").out.splitlines())
    assert first == (
        "command line  team  working_hours: mon-fri 09:00-17:00 → sun-thu 08:00-16:00, "
        "rotation of all: – → U0ANA × 2, U0BEN × 1"
    )
    assert second == (
        "command line  team  working_hours: sun-thu 08:00-16:00 → mon-fri 09:00-17:00, digest.daily: off → 09:00, "
        "rotation of all: U0ANA × 2, U0BEN × 1 → –"
    )


def test_a_key_that_nothing_acts_on_yet_is_kept_and_named(run: Run) -> None:
    done = run("team", "apply", "-", stdin=b'[reminders]\nunclaimed = "4h"')
    assert done.err == "1 change.\n"
    assert 'unclaimed = "4h"' in run("team", "show").out


def test_what_show_prints_changes_nothing(run: Run) -> None:
    run("team", "apply", "-", stdin=FILE.encode())
    shown = run("team", "show").out
    before = run("audit")
    assert run("team", "apply", "-", stdin=shown.encode()) == Done(0, "", "Nothing changed.\n")
    assert run("audit") == before


def test_a_file_with_a_wrong_line_changes_nothing(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "team.toml"
    file.write_text('working_hours = "sun-thu 08:00-16:00"\n[digest]\ndaily = "9"\nweekly = "9"\n')
    done = run("team", "apply", str(file))
    assert (done.code, done.out) == (2, "")
    assert [line.partition(":")[0] for line in done.err.splitlines()] == ["line 3", "line 4"]
    assert 'working_hours = "mon-fri 09:00-17:00"' in run("team", "show").out


def test_a_file_that_is_not_text_is_refused(run: Run) -> None:
    done = run("team", "apply", "-", stdin=b"holidays = []\n# \xff")
    assert (done.code, done.err) == (2, "line 2: this isn't text in UTF-8.\n")


def test_a_file_that_is_not_there_is_named(run: Run) -> None:
    done = run("team", "apply", "nowhere.toml")
    assert (done.code, done.err) == (1, "nowhere.toml cannot be read (No such file or directory).\n")
