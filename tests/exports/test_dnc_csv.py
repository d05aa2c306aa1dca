"""Marks as a table, there and back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.dnc import DncEntry, DncScope, DncTarget, count_by_reason
from bot.domain.dnc_reason import DncReason
from bot.errors import FileWrong
from bot.exports.dnc_csv import fits, read_csv, write_csv
from tests.builders import NOON, dnc_entry

ANA = DncTarget.of_address("ana@acme.example")


def test_a_table_with_a_head_is_read_by_its_columns() -> None:
    text = "note,Reason,E-Mail,date\nBy phone,legal,Ana@acme.example,2026-01-02\n,,@acme.example,\n"
    [first, second] = read_csv(text, at=NOON, by="U0BO")
    assert first == (
        ANA,
        DncEntry(
            reason=DncReason.LEGAL, by="U0BO", at=NOON.replace(month=1, day=2, hour=0), note="By phone", target=ANA
        ),
    )
    assert (second[0].scope, second[1].reason, second[1].at) == (DncScope.DOMAIN, DncReason.ASKED, NOON)


@pytest.mark.parametrize(
    "text",
    [
        "ana@acme.example\n",
        "\ufeffana@acme.example;asked;\r\n",
        '\n"ana@acme.example"\n\n',
        "subject\nana@acme.example",
        "“ana@acme.example”",
        "`ana@acme.example`,asked",
        "mailto:ana@acme.example,“Asked”",
        "'ana@acme.example",
        "ana@acme.example.",
        "“E-Mail”;Note\nAna Lima <ana@acme.example>;",
        "ana@acme.example\u200b",
    ],
)
def test_a_bare_list_is_enough(text: str) -> None:
    assert [subject for subject, _ in read_csv(text, at=NOON, by=None)] == [ANA]


@pytest.mark.parametrize(
    ("line", "domain"),
    [
        ("“comma.example,”", "comma"),
        ("comma.example,", "comma"),
        ('"comma.example,",asked', "comma"),
        ("*@star.example", "star"),
        ("*.star.example", "star"),
    ],
)
def test_a_domain_in_a_table_is_taken_as_it_is_meant(line: str, domain: str) -> None:
    [(subject, _)] = read_csv(line, at=NOON, by=None)
    assert subject == DncTarget(scope=DncScope.DOMAIN, value=f"{domain}.example")


@pytest.mark.parametrize(
    "line",
    [
        *("ana at acme.example", "ana@acme.example bo@acme.example", "ana@acme.example;bo@acme.example,asked"),
        *(
            "ana..lima@acme.example",
            "ana@acme.example\tasked",
            "*",
            "someone",
            "ana@xn--zzzzzz.example",
        ),
    ],
)
def test_a_line_that_cannot_match_anybody_is_named_and_nothing_is_read(line: str) -> None:
    with pytest.raises(FileWrong, match=r"\ALine 2: "):
        read_csv(f"bo@acme.example\n{line}\n", at=NOON, by=None)


def test_a_table_holds_what_can_be_read_again() -> None:
    marks = [
        dnc_entry(target=DncTarget.of_address(each)) for each in ("'ana@acme.example", "ana at acme", "bo@acme.example")
    ]
    assert [fits(mark) for mark in marks] == [True, False, True]
    assert [subject for subject, _ in read_csv(write_csv(marks), at=NOON, by=None)] == [
        marks[0].target,
        marks[2].target,
    ]
    assert not fits(dnc_entry(target=None))


def test_every_line_that_is_wrong_is_named_and_none_of_its_words_is_repeated() -> None:
    rows = ("subject,cause,at", "ana@acme.example,asked,", "nobody at all,asked,", "bo@acme.example,angry,")
    text = "\n".join([*rows, "@x.example,,yesterday"])
    with pytest.raises(FileWrong) as wrong:
        read_csv(text, at=NOON, by=None)
    lines = str(wrong.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["Line 3", "Line 4", "Line 5"]
    assert "nobody" not in str(wrong.value)
    assert "angry" not in str(wrong.value)


@pytest.mark.parametrize("cause", ["erased", "forgotten", "paused"])
def test_what_only_the_machine_can_say_is_not_taken_from_a_table(cause: str) -> None:
    with pytest.raises(FileWrong, match="reason should be one of"):
        read_csv(f"ana@acme.example,{cause}\n", at=NOON, by=None)


def test_a_column_nobody_knows_is_named() -> None:
    with pytest.raises(FileWrong, match="unknown column “phone”"):
        read_csv("email,phone\nana@acme.example,1\n", at=NOON, by=None)


def test_many_mistakes_are_counted() -> None:
    with pytest.raises(FileWrong, match="and 30 more"):
        read_csv("wrong\n" * 50, at=NOON, by=None)


def test_what_is_no_table_is_said() -> None:
    with pytest.raises(FileWrong, match="a table with commas"):
        read_csv('"ana@acme.example" x, "', at=NOON, by=None)


def test_an_entry_dated_ahead_counts_from_now() -> None:
    [(_, mark)] = read_csv("ana@acme.example,asked,,2099-01-01\n", at=NOON, by=None)
    assert mark.at == NOON


@pytest.mark.parametrize(
    "note", ["=1+1", "+cmd", "-2", "@SUM(A1)", "\tx", "'=1", "''@a", "'quoted'", "plain", 'with "quotes", and commas']
)
def test_no_cell_begins_as_a_formula_and_none_is_changed_by_the_way_back(note: str) -> None:
    domain = DncTarget(scope=DncScope.DOMAIN, value="acme.example")
    text = write_csv([dnc_entry(note=note, target=domain)])
    assert not any(cell.lstrip('"').startswith(("=", "+", "-", "@", "\t")) for cell in text.splitlines()[1].split(","))
    [(subject, mark)] = read_csv(text, at=NOON, by="U0BO")
    assert (subject, mark.note) == (domain, note)


CAUSES = st.sampled_from([c for c in DncReason if not c.is_final and c is not DncReason.PAUSED])
MARKS = st.builds(
    dnc_entry,
    reason=CAUSES,
    target=st.emails().map(DncTarget.of_address),
    at=st.integers(0, 10**6).map(lambda seconds: NOON - timedelta(seconds=seconds)),
    note=st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), max_size=20),
)


@given(st.lists(MARKS, max_size=5))
def test_what_is_written_is_read_again(marks: list[DncEntry]) -> None:
    assert [mark for _, mark in read_csv(write_csv(marks), at=NOON, by="U0BO")] == marks


@given(st.text(max_size=200))
def test_any_text_is_a_table_or_is_refused_in_words(text: str) -> None:
    refused = None
    try:
        read_csv(text, at=NOON, by=None)
    except FileWrong as exc:
        refused = exc
    assert refused is None or str(refused)


def test_marks_are_counted_by_cause() -> None:
    marks = [dnc_entry(), dnc_entry(), dnc_entry(reason=DncReason.LEGAL)]
    assert (count_by_reason(marks), count_by_reason([])) == ("1 legal, 2 asked", "none")
