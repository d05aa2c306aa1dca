"""What people type before and after a target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.target_parser import (
    bare_line,
    is_another_target,
    read_own_site,
    read_typed,
    read_words,
    site_key,
    split_target,
)


@pytest.mark.parametrize(
    ("typed", "target", "rest"),
    [
        ("ana@acme.example they asked", "ana@acme.example", "they asked"),
        ("“ana@smart.example” they asked", "ana@smart.example", "they asked"),
        ("“ana@smart.example”, they asked", "ana@smart.example", "they asked"),
        ("“ana@smart.example they asked”", "ana@smart.example", "they asked"),
        ("“ana@smart.example” she said “no”", "ana@smart.example", "she said “no”"),
        ("'o'hara@acme.example' she said 'no'", "o'hara@acme.example", "she said 'no'"),
        ('"Ana Lima <ana@acme.example>" they asked', "Ana Lima <ana@acme.example>", "they asked"),
        ("`ana@code.example` they asked", "ana@code.example", "they asked"),
        ("<mailto:ana@acme.example|Ana Lima>, they asked", "<mailto:ana@acme.example|Ana Lima>,", "they asked"),
        ("comma.example, they asked", "comma.example,", "they asked"),
        ("ana at acme.example", "ana", "at acme.example"),
        ("“ana lima” they asked", "ana lima", "they asked"),
        ("ana@acme.example\nthey asked", "ana@acme.example", "they asked"),
        ("ana@acme.example\u00a0they asked", "ana@acme.example", "they asked"),
        ("ana@acme.example", "ana@acme.example", ""),
        ("", "", ""),
    ],
)
def test_a_line_begins_with_its_target(typed: str, target: str, rest: str) -> None:
    assert split_target(typed) == (target, rest)


@pytest.mark.parametrize(
    "typed", ["today", "Today.", "“today”", "`today`", "'today'!", "*today*", "today\u200b", "(today)"]
)
def test_a_word_is_read_whatever_stands_around_it(typed: str) -> None:
    assert read_words(bare_line(typed)) == ["today"]


def test_a_whole_line_in_code_marks_is_the_line() -> None:
    assert bare_line("`dnc add @acme.example they asked`") == "dnc add @acme.example they asked"
    assert bare_line("“ana@acme.example” she said “no”") == "“ana@acme.example” she said “no”"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("acme-dev", "acme-dev"),
        ("ACME-Dev", "acme-dev"),
        ("acme-dev.atlassian.net", "acme-dev.atlassian.net"),
        ("https://acme-dev.atlassian.net/", "acme-dev.atlassian.net"),
        ("https://acme-dev.atlassian.net/jira/x", "acme-dev.atlassian.net"),
        ("site:acme-dev.atlassian.net", "acme-dev.atlassian.net"),
        ("*.acme-dev.atlassian.net", "acme-dev.atlassian.net"),
        ("acme.example", "acme.example"),
        ("@acme.example", "acme.example"),
        ("*@acme.example", "acme.example"),
        ("*.acme.example", "*.acme.example"),
        (".acme.example", "*.acme.example"),
        ("“acme.example”", "acme.example"),
        ("'acme-dev'", "acme-dev"),
        ("Müller.example", "xn--mller-kva.example"),
        ("ana@acme.example", None),
        ("*.atlassian.net", None),
        ("atlassian.net", None),
        ("*", None),
        ("acme_dev", None),
        ("@acme", None),
        ("", None),
        ("acme dev", None),
    ],
)
def test_a_site_or_domain_of_ones_own_is_read_or_refused(typed: str, read: str | None) -> None:
    assert read_own_site(typed) == read


def test_a_site_of_the_report_is_compared_however_it_is_spelled() -> None:
    sites = ("acme.atlassian.net", "ACME.atlassian.net", "https://acme.atlassian.net/", "acme.atlassian.net.")
    assert {site_key(each) for each in sites} == {"acme.atlassian.net"}
    assert site_key("not a host") == "not a host"


def test_a_second_target_is_told_from_a_reason() -> None:
    assert [is_another_target(word) for word in ("bo@acme.example", "@acme.example", "“bo@acme.example”,")] == [
        True
    ] * 3
    assert [is_another_target(word) for word in ("they", "@Ana", "acme.example", "at", "<@U0ANA>")] == [False] * 5


@pytest.mark.parametrize("part", ["'", "<", "“x", "(", "*", "a ", "@", "<a|", "•  ", "&lt;", "x.", "\u200d", "ا\u200c"])
def test_a_long_line_takes_no_long_time(part: str) -> None:
    for text in (part * 3_000, f"{part * 3_000}x", f"“x{part * 3_000} y"):
        read_typed(text)
        target, _ = split_target(bare_line(text))
        assert target in text


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_not_and_nothing_raises(text: str) -> None:
    read_typed(text)
    read_own_site(text)
    read_words(text)
    target, rest = split_target(bare_line(text))
    assert len(target) + len(rest) <= len(text)
