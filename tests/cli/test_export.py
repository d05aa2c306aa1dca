"""`evaluator-bot export` with a table; it needs the database alone."""

import csv
import io
import json
from pathlib import Path

import pytest

from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from tests.builders import contact, dnc_entry, license_
from tests.cli.conftest import Run, RunBeside
from tests.cli.test_dnc import ANA, one_mail, within
from tests.store.steps import mark, report
from tests.world import TODAY, World


def cells(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def audited(run: Run) -> list[str]:
    return [line.split("  ", 1)[1] for line in run("audit").out.splitlines()]


def test_a_table_is_csv_for_other_programs_and_names_nobody(run: Run) -> None:
    within(one_mail)
    done = run("export", "evaluations")
    [row] = cells(done.out)
    assert (done.code, done.err) == (0, "1 row.\n")
    assert (row["company"], row["app_key"], row["started"]) == ("Acme", "com.example.roadmap", "2026-11-20")
    assert [each["template"] for each in cells(run("export", "emails").out)] == ["welcome"]
    assert {"started", "mail_sent"} <= {each["kind"] for each in cells(run("export", "history").out)}
    assert audited(run) == []


def test_contacts_are_on_record_with_how_many_and_never_of_somebody_who_said_no(run: Run) -> None:
    within(one_mail)
    within(lambda store: mark(store, ANA, dnc_entry()))
    other = license_(aliases=frozenset({"E-2"}), technical=contact(email="bo@birch.example", name="Bo Birch"))
    within(lambda store: report(store, other))
    done = run("export", "evaluations", "--contacts", "--format", "jsonl")
    acme, birch = [json.loads(line) for line in done.out.splitlines()]
    assert done.err == "2 rows, 1 with a contact.\n"
    assert (acme["contact"], acme["may_email"]) == (None, {"answer": "no", "reason": "do_not_contact"})
    assert birch["contact"] == {"name": "Bo Birch", "email": "bo@birch.example"}
    assert audited(run) == ["command line  export evaluations  rows 2, contacts 1"]


def test_a_file_is_private_and_never_overwritten(run: Run, tmp_path: Path) -> None:
    within(one_mail)
    file = tmp_path / "trials.csv"
    assert run("export", "evaluations", "--bom", "-o", str(file)).out == ""
    assert file.stat().st_mode & 0o777 == 0o600
    written = file.read_bytes()
    assert written.startswith(b"\xef\xbb\xbfevaluation_id,")
    again = run("export", "emails", "--output", str(file))
    assert (again.code, again.err) == (1, f"{file} exists. Name a file that does not.\n")
    assert file.read_bytes() == written
    assert run("export", "emails", "-o", str(tmp_path / "none" / "it.csv")).code == 1
    assert run("export", "emails", "-o", "-").out.startswith("evaluation_id,")


def test_what_was_not_completed_leaves_no_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    within(one_mail)

    def fail(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bot.exports.records.write_records", fail)
    done = run("export", "evaluations", "--contacts", "-o", "trials.csv")
    assert (done.code, done.err) == (1, "trials.csv cannot be written: No space left on device.\n")
    assert not (tmp_path / "trials.csv").exists()
    assert audited(run) == ["command line  export evaluations  rows 1, contacts 1"]


def test_filters_are_a_day_and_an_app(run: Run) -> None:
    within(one_mail)
    assert len(cells(run("export", "evaluations", "--app", "roadmap", "--since", "2026-11-20").out)) == 1
    assert cells(run("export", "evaluations", "--since", "2026-11-21").out) == []
    wrong = run("export", "evaluations", "--app", "maps", "-o", "trials.csv")
    assert wrong.code == 2
    assert "Your apps: Roadmap for Jira." in wrong.err
    assert not Path("trials.csv").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ("evaluations", "--format", "xml"),
        ("mails",),
        ("emails", "--since", "monday"),
        (ANA, "--contacts"),
        ("history", "--format", "jsonl", "--bom"),
    ],
    ids=" ".join,
)
def test_another_table_format_or_day_is_misuse(run: Run, wrong: tuple[str, ...]) -> None:
    assert run("export", *wrong).code == 2


async def test_a_table_is_written_beside_a_running_bot(here: World, beside: RunBeside) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot():
        done = await beside("export", "evaluations", "--contacts")
    assert done.code == 0
    assert [(row["company"], row["may_email_answer"]) for row in cells(done.out)] == [(NORTHWIND.company, "yes")]
