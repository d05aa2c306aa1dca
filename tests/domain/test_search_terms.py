"""Words that are looked for, and the words by which companies are found."""

import pytest

from bot.domain.company_words import company_words
from bot.domain.listing import Term
from bot.domain.search_terms import find_apps, read_terms

APPS = {"com.example.gantt": "Gantt for Jira", "com.example.maps": "Maps & Plans for Jira", "odd": "!!!"}


@pytest.mark.parametrize(
    ("company", "words"),
    [
        ("Acme GmbH & Co.", {"acme", "gmbh", "co", "acmegmbhco"}),
        ("MÜLLER  Straße", {"muller", "strasse", "mullerstrasse"}),
        ("Räksmörgås-AB", {"raksmorgas", "ab", "raksmorgasab"}),
        ("A. & B.", {"a", "b", "ab"}),
        ("株式会社", {"株式会社", "式会社", "会社", "社"}),
        ("n/a", set()),
        ("ana@acme.example", set()),
        (None, set()),
    ],
)
def test_a_company_is_found_by_its_words_without_case_and_accents(company: str | None, words: set[str]) -> None:
    assert company_words(company) == words


def test_a_name_of_any_length_has_few_short_words() -> None:
    for company in ("x1" * 1500, "ab " * 1000, "株" * 3000):
        words = company_words(company)
        assert len(words) <= 41
        assert all(len(word) <= 40 for word in words)


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("gantt", {"com.example.gantt"}),
        ("GANTT for", {"com.example.gantt"}),
        ("com.example.maps", {"com.example.maps"}),
        ("jira", {"com.example.gantt", "com.example.maps"}),
        ("antt", set()),
        ("%", set()),
        ("", set()),
    ],
)
def test_an_app_is_meant_by_its_key_or_by_words_of_its_name(typed: str, keys: set[str]) -> None:
    assert find_apps(typed, APPS) == keys


@pytest.mark.parametrize(
    ("word", "term"),
    [
        ("Ana@Acme.example", Term(address="Ana@Acme.example")),
        (
            "https://Acme.atlassian.net/browse/X",
            Term(
                ids=(
                    "HTTPS://ACME.ATLASSIAN.NET/BROWSE/X",
                    "https://Acme.atlassian.net/browse/X",
                    "https://acme.atlassian.net/browse/x",
                ),
                hosts=("acme.atlassian.net",),
                names=("https", "acme", "atlassian", "net", "browse", "x"),
                joined="httpsacmeatlassiannetbrowsex",
            ),
        ),
        ("E-1aa", Term(ids=("E-1AA", "E-1aa", "e-1aa"), hosts=("e-1aa",), names=("e", "1aa"), joined="e1aa")),
        ("123", Term(ids=("123", "SEN-123"), hosts=("123",), names=("123",), joined="123")),
        ("100%", Term(ids=("100%",), hosts=("100%",), names=("100",), joined="100")),
    ],
    ids=["address", "link", "number", "license number", "wildcard"],
)
def test_a_word_is_looked_for_in_every_form_that_may_be_stored(word: str, term: Term) -> None:
    assert read_terms([word], APPS) == (term,)
