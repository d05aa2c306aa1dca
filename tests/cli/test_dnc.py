"""The commands about people, as an operator meets them."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.domain.dnc import DncEntry, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.mail.inbound.verp import envelope_sender
from bot.security.keyring import Keyring
from bot.store import Store, open_store
from bot.store.engine.database import Database
from tests.builders import contact, dnc_entry, license_
from tests.cli.conftest import Done, Run
from tests.config.test_settings import NEEDED
from tests.services.inbound.test_bounces import BOUNCE, OURS
from tests.store.steps import mailed, order, report
from tests.store.test_wiping import reader

ANA = "ana@acme.example"
KEY = NEEDED["SECRET_KEY"]


def within(work: Callable[[Store], Coroutine[Any, Any, Any]]) -> Any:  # noqa: ANN401  whatever the work gives
    """Do something to the store that the commands use."""

    async def inside() -> Any:  # noqa: ANN401  as above
        async with open_store("sqlite+aiosqlite:///evaluators.db", secret_keys=[KEY]) as store:
            return await work(store)

    return asyncio.run(inside())


def standing(who: str) -> DncEntry | None:
    """The active entry for an address, a domain or a site."""
    subject = DncTarget.read(who)
    assert subject is not None
    found: DncEntry | None = within(lambda store: store.dnc.find_active([subject]))
    return found


async def one_mail(store: Store) -> None:
    """Ana of Acme, who got a mail."""
    await report(store, license_(technical=contact()))
    await mailed(store, order(1, message_id=OURS))


# --- Marks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", [["dnc"], ["dnc", "add"], ["dnc", "import"], ["export"], ["erase"], ["bounce"]])
def test_every_command_explains_itself(run: Run, group: list[str]) -> None:
    done = run(*group, "--help")
    assert done.code == 0
    assert "Usage" in done.out


@pytest.mark.parametrize("who", [ANA, "@acme.example", "acme.atlassian.net"])
def test_an_added_entry_is_listed_until_it_is_lifted(run: Run, who: str) -> None:
    assert run("dnc", "add", who, "--reason", "legal", "--note", "Their lawyer") == Done(0, "Blocked.\n", "")
    listed = run("dnc", "list")
    assert listed.out.endswith(f"  legal         {who}  “Their lawyer”\n")
    assert (listed.code, listed.err) == (0, "1 entry: 1 legal.\n")
    assert run("dnc", "add", who) == Done(0, "Already blocked: Legal reasons.\n", "")
    assert run("dnc", "lift", who, "--note", "They agreed") == Done(0, "Unblocked.\n", "")
    assert run("dnc", "list") == Done(0, "", "Nobody is blocked.\n")


@pytest.mark.parametrize(
    "typed", ["“ana@acme.example”", "<ana@acme.example>", "mailto:Ana@acme.example", "ana@acme.example,"]
)
def test_a_target_that_is_plainly_meant_is_blocked_and_unblocked(run: Run, typed: str) -> None:
    assert run("dnc", "add", typed).out == "Blocked.\n"
    assert standing(ANA) is not None
    assert run("dnc", "lift", typed, "--note", "They agreed").out == "Unblocked.\n"


def test_a_table_with_a_line_that_matches_nobody_is_not_imported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "marks.csv").write_text("“ana@acme.example”\nana at acme.example\n*@star.example\n")
    done = run("dnc", "import", str(tmp_path / "marks.csv"))
    assert (done.code, done.out) == (1, "")
    assert "Line 2: this isn't an address, domain or site." in done.err
    assert standing(ANA) is None
    (tmp_path / "marks.csv").write_text("“ana@acme.example”\n*@star.example\n")
    assert run("dnc", "import", str(tmp_path / "marks.csv")).out == "2 lines read, 2 new.\n"
    assert standing(ANA) is not None
    assert standing("@star.example") is not None


def test_what_no_email_can_be_sent_to_is_left_out_of_the_table_and_counted(run: Run) -> None:
    within(lambda store: store.dnc.add(DncTarget.of_address("ana..lima@acme.example"), dnc_entry()))
    assert run("dnc", "export") == Done(
        0, "subject,cause,note,at\r\n", "1 entry left out: no email can be sent to such an address.\n"
    )


def test_somebody_is_erased_and_shown_whatever_the_report_makes_of_their_address(run: Run) -> None:
    async def reported(store: Store) -> None:
        for number, email in enumerate(("ana..lima@acme.example", "'ana@müller.example'"), start=1):
            await report(store, license_(aliases=frozenset({f"E-{number}"}), technical=contact(email=email)))

    within(reported)
    for typed in ("Ana..Lima@acme.example", "“ana@xn--mller-kva.example”"):
        assert len(json.loads(run("export", typed).out)["licenses"]) == 1
        assert run("erase", typed, "--yes").out.startswith("Erased: 1 license, ")
        assert json.loads(run("export", typed).out)["licenses"] == []


def test_lifting_one_of_two_entries_names_the_other(run: Run) -> None:
    run("dnc", "add", ANA)
    run("dnc", "add", ANA, "--reason", "legal")
    done = run("dnc", "lift", ANA, "--note", "Settled")
    assert done == Done(0, "Unblocked. Still blocked: They asked us not to email them.\n", "")


def test_the_operator_lifts_what_somebody_said_themselves_and_says_where_their_consent_is(run: Run) -> None:
    run("dnc", "add", ANA, "--reason", "unsubscribed")
    done = run("dnc", "lift", ANA, stdin=b"Their letter of today\n")
    assert done.code == 0
    assert done.out.endswith("Unblocked.\n")
    assert standing(ANA) is None


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["add", "ana at acme"], 2, "acme.atlassian.net for a site"),
        (["add", ANA, "--reason", "angry"], 2, "Invalid value"),
        (["add", ANA, "--reason", "erased"], 2, "cannot be set by hand"),
        (["add", ANA, "--reason", "forgotten"], 2, "cannot be set by hand"),
        (["add"], 2, "Missing argument"),
        (["lift", "nobody", "--note", "x"], 2, "acme.atlassian.net for a site"),
        (["lift", ANA, "--note", "x"], 1, "Nothing was changed."),
        (["import"], 2, "Missing argument"),
        (["import", "nothing.csv"], 1, "nothing.csv cannot be read (No such file or directory)."),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, arguments: list[str], code: int, words: str) -> None:
    done = run("dnc", *arguments)
    assert (done.code, done.out) == (code, "")
    assert words in " ".join(done.err.replace("│", " ").split())


def test_the_entry_of_an_erased_person_cannot_be_lifted(run: Run) -> None:
    run("erase", ANA, "--yes")
    done = run("dnc", "lift", ANA, "--note", "They came back")
    assert (done.code, done.out) == (1, "")
    assert done.err == "Nothing was changed. Still blocked: Their data was erased at their request.\n"


# --- Tables --------------------------------------------------------------------------------------------------------


def test_a_table_is_taken_in_and_given_out_again(run: Run, tmp_path: Path) -> None:
    table = "\ufeffE-mail;Reason;Note;Date\r\nAna@acme.example;unsubscribed;=1+1;2026-01-02\r\n@cedar.example;;;\r\n"
    (tmp_path / "marks.csv").write_text(table, "utf-8")
    assert run("dnc", "import", "marks.csv") == Done(0, "2 lines read, 2 new.\n", "")
    assert run("dnc", "import", "marks.csv") == Done(0, "2 lines read, 0 new.\n", "")
    given = run("dnc", "export")
    assert given.code == 0
    lines = given.out.splitlines()
    assert lines[:2] == ["subject,cause,note,at", "ana@acme.example,unsubscribed,'=1+1,2026-01-02T00:00:00+00:00"]
    assert lines[2].startswith("'@cedar.example,asked,,")

    (tmp_path / "evaluators.db").unlink()
    (tmp_path / "again.csv").write_text(given.out, "utf-8")
    assert run("dnc", "import", "again.csv").out == "2 lines read, 2 new.\n"
    assert run("dnc", "export").out == given.out


def test_a_table_with_a_mistake_blocks_nobody_and_names_every_wrong_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "marks.csv").write_text("subject,cause\nana@acme.example,asked\nbo at acme,\ncy@acme.example,angry\n")
    done = run("dnc", "import", "marks.csv")
    assert (done.code, done.out) == (1, "")
    assert [line.split(":")[0] for line in done.err.splitlines()] == ["Line 3", "Line 4"]
    assert "bo at acme" not in done.err
    assert run("dnc", "list").out == ""


def test_a_table_that_is_no_text_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "marks.csv").write_bytes(b"ana@acme.example,asked,caf\xe9\n")
    done = run("dnc", "import", "marks.csv")
    assert done == Done(1, "", "marks.csv is not a text in UTF-8. Save it as CSV in UTF-8.\n")


def test_of_people_who_were_forgotten_the_table_knows_nothing_and_says_how_many_there_are(run: Run) -> None:
    run("erase", ANA, "--yes")
    done = run("dnc", "export")
    assert done.out == "subject,cause,note,at\r\n"
    assert "1 entry left out: only a hash of the address is kept." in done.err
    assert "(forgotten)" in run("dnc", "list").out


# --- One person ----------------------------------------------------------------------------------------------------


def test_all_that_is_held_of_an_address_is_shown(run: Run) -> None:
    within(one_mail)
    run("dnc", "add", ANA, "--note", "Called us")
    done = run("export", "ANA@acme.example")
    assert (done.code, done.err) == (0, "")
    held = json.loads(done.out)
    assert held["address"] == ANA
    assert [each["contacts"] for each in held["licenses"]] == [[{"role": "technical", "email": ANA, "name": "Ana Ash"}]]
    assert [(each["state"], each["subject"], each["body"]) for each in held["mails"]] == [
        ("sent", "Welcome to Roadmap", "Dear Ana Ash")
    ]
    assert [each["note"] for each in held["do_not_contact"]] == ["Called us"]


def test_of_somebody_unknown_nothing_is_held(run: Run) -> None:
    held = json.loads(run("export", "nobody@else.example").out)
    assert (held["licenses"], held["mails"], held["do_not_contact"]) == ([], [], [])


def test_a_person_is_erased_once_somebody_says_yes(run: Run) -> None:
    within(one_mail)
    no = run("erase", ANA, stdin=b"n\n")
    assert no.code == 1
    assert json.loads(run("export", ANA).out)["mails"] != []

    done = run("erase", ANA, stdin=b"y\n")
    assert done.code == 0
    assert "Erased: 1 license, 1 email. 1 card is updated while the bot runs." in done.out
    held = json.loads(run("export", ANA).out)
    assert (held["licenses"], [each["reason"] for each in held["do_not_contact"]]) == ([], ["erased"])
    assert "Ash" not in json.dumps(held)


def test_what_another_program_keeps_of_somebody_erased_is_said_and_taken_out_by_the_next_command(
    run: Run, tmp_path: Path
) -> None:
    within(one_mail)
    with reader(tmp_path / "evaluators.db") as pid:
        done = run("erase", ANA, "--yes")
        assert done.code == 75
        assert done.out.startswith("Not erased completely yet: 1 license, 1 email.")
        assert f"(process {pid}) is reading it" in done.out or "another program is reading it" in done.out
        assert "Erased" not in done.out
    assert within(_unwiped) == []


def test_somebody_is_erased_though_another_program_reads_for_a_moment(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    within(one_mail)
    wipe = Database.wipe
    with ExitStack() as reading:
        reading.enter_context(reader(tmp_path / "evaluators.db"))

        async def wipe_then_end_reading(database: Database) -> bool:
            is_wiped = await wipe(database)
            reading.close()
            return is_wiped

        monkeypatch.setattr(Database, "wipe", wipe_then_end_reading)
        done = run("erase", ANA, "--yes")
    assert (done.code, done.out.startswith("Erased: 1 license, 1 email.")) == (0, True)
    assert within(_unwiped) == []


async def _unwiped(store: Store) -> object:
    return await store.incidents.list_open()


def test_somebody_unknown_can_be_erased_before_they_come(run: Run) -> None:
    done = run("erase", "nobody@else.example", "--yes")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Erased: 0 licenses, 0 emails. 0 cards are updated")
    no = standing("nobody@else.example")
    assert no is not None
    assert no.reason is DncReason.ERASED


@pytest.mark.parametrize("command", ["export", "erase"])
@pytest.mark.parametrize("who", ["@acme.example", "acme", "ana@"])
def test_only_an_address_is_a_person(run: Run, command: str, who: str) -> None:
    done = run(command, who)
    assert (done.code, done.out) == (2, "")
    assert "not an email address" in done.err


def test_what_was_done_with_peoples_data_is_on_record_without_their_names(run: Run, tmp_path: Path) -> None:
    assert run("audit") == Done(0, "", "")
    (tmp_path / "marks.csv").write_text("ana@acme.example\n")
    run("dnc", "import", "marks.csv")
    run("dnc", "export")
    run("export", ANA)
    run("erase", ANA, "--yes")
    done = run("audit")
    assert [line.split("  ")[1:] for line in done.out.splitlines()] == [
        ["command line", "dnc import", "entries 1, new 1"],
        ["command line", "dnc export", "entries 1"],
        ["command line", "export", "licenses 0, mails 0"],
        ["command line", "erase", "licenses 0, mails 0"],
    ]
    assert "acme" not in done.out


# --- What came back ------------------------------------------------------------------------------------------------


def test_a_report_from_a_pipe_blocks_the_address(run: Run) -> None:
    within(one_mail)
    done = run("bounce", stdin=BOUNCE)
    assert done == Done(0, "The address does not exist. It is blocked: nobody can email it from here.\n", "")
    no = standing(ANA)
    assert no is not None
    assert no.reason is DncReason.BOUNCED


def test_reports_from_files_are_taken_one_by_one(run: Run, tmp_path: Path) -> None:
    within(one_mail)
    (tmp_path / "one.eml").write_bytes(b"Subject: Hello\n\nHello")
    (tmp_path / "two.eml").write_bytes(BOUNCE)
    done = run("bounce", "one.eml", "two.eml")
    assert done.code == 0
    assert [line.split(":")[0] for line in done.out.splitlines()] == [
        "Neither a bounce nor a complaint. Nothing to do.",
        "The address does not exist. It is blocked",
    ]


def test_a_report_is_known_by_the_address_it_came_to(run: Run) -> None:
    within(one_mail)
    ours = envelope_sender("bounces@vendor.example", 1, Keyring([KEY]).return_keys[0])
    lost = BOUNCE.replace(OURS.encode(), b"<changed@on.its.way>")
    assert run("bounce", stdin=lost).out == "Not about one of our emails. Nothing to do.\n"
    done = run("bounce", stdin=b"Delivered-To: " + ours.encode() + b"\n" + lost)
    assert done.out.startswith("The address does not exist")


def test_a_file_that_is_not_there_is_said_and_no_other_is_taken(run: Run, tmp_path: Path) -> None:
    within(one_mail)
    (tmp_path / "one.eml").write_bytes(BOUNCE)
    done = run("bounce", "one.eml", "two.eml")
    assert done == Done(1, "", "two.eml cannot be read (No such file or directory).\n")
    assert standing(ANA) is None


# --- What stands in the way ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["dnc", "list"], ["audit"], ["bounce", "report.eml"], ["export", ANA]])
def test_without_settings_it_is_misuse(run: Run, monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    monkeypatch.delenv("SECRET_KEY")
    Path("report.eml").write_bytes(BOUNCE)
    done = run(*command)
    assert (done.code, done.out) == (2, "")
    assert "SECRET_KEY is missing. Use at least 32 random characters" in done.err


def test_with_another_key_nothing_is_done_and_it_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("dnc", "add", ANA)
    monkeypatch.setenv("SECRET_KEY", KEY[::-1])
    done = run("dnc", "list")
    assert (done.code, done.out) == (2, "")
    assert "another SECRET_KEY" in done.err
