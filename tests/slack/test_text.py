"""External text made harmless."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given

from bot.slack.text import escape, moment, span, tame
from tests.slack.checks import NAMES, assert_only_our_markup


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("Acme", "Acme", id="a name"),
        pytest.param("Räksmörgås 株式会社", "Räksmörgås 株式会社", id="any script"),
        pytest.param("Acme 🚀", "Acme 🚀", id="emoji"),
        pytest.param("Mission 👩\u200d🚀", "Mission 👩\u200d🚀", id="emoji of several parts"),
        pytest.param("  Acme\r\n\tand  Sons ", "Acme and Sons", id="white space"),
        pytest.param("Acme\u2028Sons", "Acme Sons", id="a line end by another name"),
        pytest.param("A\u200bc\ufeffme", "Acme", id="zero width"),
        pytest.param("Acme \u200b Sons", "Acme Sons", id="zero width between spaces"),
        pytest.param("\u202eemcA\u202c", "emcA", id="turned round"),
        pytest.param("Ac\x00m\x1be\x7f", "Acme", id="control"),
        pytest.param("\ud800Acme\ue000\U000e0041", "Acme", id="surrogate, private use, tag"),
        pytest.param("\u200d\u200b", "", id="nothing"),
        pytest.param("x" * 150, "x" * 150, id="as long as may be"),
        pytest.param("x" * 151, "x" * 149 + "…", id="one too long"),
        pytest.param("x" * 148 + " yyy", "x" * 148 + "…", id="cut at a space"),
    ],
)
def test_a_name_becomes_one_printable_line(name: str, shown: str) -> None:
    assert tame(name) == shown


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        pytest.param("<!channel>", "&lt;!channel&gt;", id="a call to everybody"),
        pytest.param("<@U1>", "&lt;@U1&gt;", id="a mention"),
        pytest.param("<https://evil.example|Acme>", "&lt;https://evil.example|Acme&gt;", id="a link"),
        pytest.param("AT&amp;T", "AT&amp;amp;T", id="an entity stays what was written"),
        pytest.param("*Acme* ~Sons~ `Co`", "∗Acme∗ ∼Sons∼ ˋCoˋ", id="formatting"),
        pytest.param("ana_ash@acme.example", "ana_ash@acme.example", id="an address"),
        pytest.param("<\u200b!channel>", "&lt;!channel&gt;", id="markup that appears when the invisible goes"),
        pytest.param("", "–", id="nothing becomes a dash"),
    ],
)
def test_markup_from_outside_is_shown_and_not_obeyed(name: str, sent: str) -> None:
    assert escape(name) == sent


@pytest.mark.parametrize(
    ("longest", "sent"), [(20, "&amp;&amp;&amp;&amp;"), (19, "&amp;&amp;&amp;…"), (16, "&amp;&amp;&amp;…"), (4, "…")]
)
def test_no_entity_is_cut_through(longest: int, sent: str) -> None:
    assert escape("&&&&", longest=longest) == sent


@given(name=NAMES)
def test_any_name_is_harmless_short_and_still_itself(name: str) -> None:
    sent = escape(name)
    assert_only_our_markup(sent)
    assert 0 < len(sent) <= 150
    assert sent.isprintable() or "\u200d" in sent
    assert tame(tame(name)) == tame(name)
    if len(tame(name) * 5) <= 150:
        shown = sent.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        assert shown.translate(str.maketrans("∗∼ˋ", "*~`")) in (tame(name).translate(str.maketrans("∗∼ˋ", "*~`")), "–")


def test_a_time_is_shown_in_each_readers_own_zone_and_in_utc_where_it_cannot_be() -> None:
    at = datetime(2026, 11, 23, 14, 30, tzinfo=timezone(timedelta(hours=2)))
    seconds = int(datetime(2026, 11, 23, 12, 30, tzinfo=UTC).timestamp())
    assert moment(at) == f"<!date^{seconds}^{{date_short_pretty}} {{time}}|2026-11-23 12:30 UTC>"


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=8, minutes=1), "9 h"),
        (timedelta(hours=48), "48 h"),
        (timedelta(hours=48, minutes=1), "3 days"),
        (timedelta(days=30), "30 days"),
    ],
    ids=str,
)
def test_a_length_of_time_is_said_in_the_largest_unit_that_fits(length: timedelta, said: str) -> None:
    assert span(length) == said
