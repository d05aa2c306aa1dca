"""JSON arrays in pieces, and the rows that come out."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import AnswerUnreadable
from bot.marketplace.json_stream import LONGEST_ROW, JsonArrayStream
from bot.marketplace.responses import Row, StreamCut
from tests.marketplace.test_wire_properties import JSON_VALUES

BLANKS = st.text(" \t\r\n", max_size=3)
RECORDS = st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=3)


def split(*pieces: bytes) -> list[Row]:
    splitter = JsonArrayStream()
    rows = [row for piece in pieces for row in splitter.feed(piece)]
    splitter.end()
    return rows


def cut(complete: bytes, places: list[int]) -> list[bytes]:
    return [complete[start:end] for start, end in pairwise([0, *sorted(places), len(complete)])]


def rounded(value: object) -> object:
    """The same with whole numbers of more than 64 bits as decimals: which of the two comes depends on the cuts."""
    match value:
        case dict():
            return {key: rounded(each) for key, each in value.items()}
        case list():
            return [rounded(each) for each in value]
        case int() if abs(value) >= 2**63:
            return float(value)
        case _:
            return value


@st.composite
def arrays(draw: st.DrawFn) -> tuple[list[str], bytes]:
    """Records as JSON, and the array of them, with blanks wherever they may stand."""
    ascii_only, indent = draw(st.booleans()), draw(st.sampled_from([None, 0, 2]))
    texts = [json.dumps(record, ensure_ascii=ascii_only, indent=indent) for record in draw(st.lists(RECORDS))]
    texts = [text.encode(errors="backslashreplace").decode() for text in texts]
    rows = ",".join(draw(BLANKS) + text + draw(BLANKS) for text in texts)
    return texts, f"{draw(BLANKS)}[{rows or draw(BLANKS)}]{draw(BLANKS)}".encode()


@given(arrays(), st.lists(st.floats(0, 1)), st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_rows_are_the_same_however_they_are_written_and_cut(
    array: tuple[list[str], bytes], places: list[float], mark: bytes
) -> None:
    texts, complete = array
    rows = split(*cut(mark + complete, [int(place * len(complete)) for place in places]))
    assert [row.text for row in rows] == texts
    as_written = [json.loads(text) for text in texts]
    assert repr(rounded([row.record for row in rows])) == repr(rounded(as_written))  # NaN is not NaN


def test_a_byte_at_a_time_is_enough() -> None:
    complete = '[{"name":"Chloé 🚀 \\"]},{"} , 12.5e3,[1,[2]],"a,]b",{}]'.encode()
    rows = split(*(bytes([byte]) for byte in complete))
    assert [row.text for row in rows] == ['{"name":"Chloé 🚀 \\"]},{"}', "12.5e3", "[1,[2]]", '"a,]b"', "{}"]
    assert [row.record for row in rows] == [{"name": 'Chloé 🚀 "]},{'}, {}, {}, {}, {}]


@given(st.lists(RECORDS, min_size=1))
def test_rows_that_hold_what_looks_like_their_end_are_whole(inner: list[dict[str, object]]) -> None:
    record = {"a": [{}, {"b": inner}, {}], "},{": '{"},{"', "c": inner}
    text = json.dumps(record, separators=(",", ":"))
    rows = split(f"[{text},{text},{text}]".encode())
    assert [row.text for row in rows] == [text] * 3
    assert repr(rounded([row.record for row in rows])) == repr(rounded([json.loads(text)] * 3))


def test_a_row_comes_as_soon_as_the_mark_after_it() -> None:
    splitter = JsonArrayStream()
    assert splitter.feed(b'[{"a":1}') == []
    assert splitter.feed(b",") == [Row({"a": 1}, '{"a":1}')]
    assert splitter.feed(b"12") == []
    assert splitter.feed(b"34]") == [Row({}, "1234")]


@pytest.mark.parametrize("complete", [b"[]", b"[ ]", b"\xef\xbb\xbf\n[\n]\n"])
def test_an_empty_report_has_no_rows(complete: bytes) -> None:
    assert split(complete) == []
    assert split(*(bytes([byte]) for byte in complete)) == []


@pytest.mark.parametrize(
    ("complete", "reason"),
    [
        (b'{"errors":[]}', "not a list"),
        (b'{"licenses":[{}]}', "not a list"),
        (b"<html>Log in</html>", "not a list"),
        (b"]", "not a list"),
        (b",{}]", "not a list"),
        (b'"a"', "not a list"),
        (b"[{} {}" + b",{}" * LONGEST_ROW, "does not end"),
        (b"[{}] {}", "goes on"),
        (b"[][]", "goes on"),
        (b'["\xff"]', "UTF-8"),
        (b'["\xed\xa0\xbd"]', "UTF-8"),
        (b"[" * 200_000, "cannot be read"),
        (b"[" + b"9" * 5000 + b"]", "cannot be read"),
        (b'["' + b"a" * LONGEST_ROW, "does not end"),
        (b"[" + b" " * LONGEST_ROW, "does not end"),
    ],
    ids=lambda value: value[:20].decode(errors="replace") if isinstance(value, bytes) else value,
)
def test_what_is_no_array_of_rows_is_unreadable(complete: bytes, reason: str) -> None:
    with pytest.raises(AnswerUnreadable, match=reason):
        split(complete)


def test_a_row_may_be_longer_than_many_pieces() -> None:
    text = json.dumps({"a": "b" * (LONGEST_ROW - 100)})
    complete = f"[{text},{text}]".encode()
    assert [row.text for row in split(*cut(complete, list(range(0, len(complete), 60_000))))] == [text, text]


@pytest.mark.parametrize(
    "complete",
    [b"", b" ", b"[", b"[{}", b"[{},", b"[1", b'[{"a":1}, {"a', b"[{},]", b"[{a:1}]", b"[{} {}]", b"[{}}", b'["\xc3'],
)
def test_an_array_that_does_not_close_is_broken_off(complete: bytes) -> None:
    with pytest.raises(StreamCut, match="to its end"):
        split(complete)


def test_what_came_before_an_end_too_soon_was_given() -> None:
    splitter = JsonArrayStream()
    assert splitter.feed(b'[{"a":1},{"a":2},{"a"') == [Row({"a": 1}, '{"a":1}'), Row({"a": 2}, '{"a":2}')]


def test_no_more_is_kept_than_the_row_it_stands_in() -> None:
    # Ten rows of a tenth of the limit each would pass it, if they were kept.
    text = json.dumps("a" * (LONGEST_ROW // 10)).encode()
    assert len(split(b"[", *[text + b","] * 29, text, b"]")) == 30
