"""Which person a message is about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.message_words import company_words, exact_words, question_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Who is <mailto:ana@acme.example|ana@acme.example> of <https://acme.atlassian.net>?", "ana@acme.example"),
        ("Do you know ana@acme.example? E-1AA-2BB-3CC-4DD", "ana@acme.example"),
        ("See <https://acme.atlassian.net/browse/X-1|this issue> of E-1AA-2BB-3CC-4DD", "acme.atlassian.net"),
        ("acme.jira.com is down", "acme.jira.com"),
        ("Their number is E-1AA-2BB-3CC-4DD.", "E-1AA-2BB-3CC-4DD"),
        ("sen-4711?", "sen-4711"),
        ("See <https://docs.example/acme>", None),
        ("Acme is here, e.g. with <@U0ANA>", None),
        ("", None),
    ],
)
def test_an_address_comes_before_a_site_and_a_site_before_a_number(text: str, words: str | None) -> None:
    assert exact_words(text) == words


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Does anybody know Acme Rockets GmbH? They called.", "Acme Rockets GmbH"),
        ("*Indigo Bakery 785 Ltd* is evaluating Sprint", "Indigo Bakery 785 Ltd"),
        ("Hi! The people at Müller &amp; Söhne want Gantt", "Müller & Söhne"),
        ("Acme, Orbit and Zenith Industries", "Zenith Industries"),
        ("One Two Three Four Five", "One Two Three Four"),
        ("Ask <@U0ANA|Ana Ash> about 3M", "Ask"),
        ("株式会社サンプル です", "株式会社サンプル です"),
        ("hello, who is it?", None),
        ("", None),
    ],
)
def test_a_name_is_the_longest_row_of_words_with_capitals(text: str, name: str | None) -> None:
    assert company_words(text) == name


@given(text=st.text(max_size=200) | st.text("<>|@&A b.:,ß", max_size=80))
def test_any_message_is_read(text: str) -> None:
    exact_words(text)
    name = company_words(text)
    assert name is None or name.strip()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<@U0BOT> who is acme?", "acme"),
        ("<@U0BOT> Who’s Acme Rockets GmbH?", "Acme Rockets GmbH"),
        ("hey <@U0BOT>, please find acme app:gantt", "acme app:gantt"),
        ("<@U0BOT> whoosh?", "whoosh"),
        ("acme &amp; sons <@U0BOT>", "acme & sons"),
        ("<@U0BOT>", ""),
        ("<@U0BOT> hello!", ""),
    ],
)
def test_a_question_asks_about_what_is_left_of_it(text: str, words: str) -> None:
    assert question_words(text) == words
