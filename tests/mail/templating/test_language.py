"""Languages of countries, and dates in them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.mail.templating.language import _SPOKEN, distance, language_of, language_tag, long_day


@pytest.mark.parametrize("language", list(_SPOKEN))
def test_every_language_of_a_country_is_written_as_a_template_would_write_it(language: str) -> None:
    assert language_tag(language) == language


@pytest.mark.parametrize(
    ("country", "language"),
    [("Brazil", "pt-BR"), (" Türkiye ", "tr"), ("Korea, Republic of", "ko"), ("Switzerland", "en"), ("Narnia", "en")],
)
def test_a_country_has_the_language_of_its_business(country: str, language: str) -> None:
    assert language_of(country) == language


@given(st.text())
def test_any_country_has_a_language_that_can_say_a_date(country: str) -> None:
    assert "2026" in long_day(date(2026, 3, 1), language_of(country))


@given(st.text())
def test_a_tag_is_stable_or_there_is_none(text: str) -> None:
    tag = language_tag(text)
    assert tag is None or language_tag(tag) == tag


def test_the_nearest_language_is_itself_then_a_sister_then_english() -> None:
    assert sorted(["fr", "en", "pt", "pt-BR"], key=lambda each: distance(each, "pt-BR")) == ["pt-BR", "pt", "en", "fr"]


@pytest.mark.parametrize(
    ("day", "language", "said"),
    [
        (date(2026, 3, 1), "fr", "1er mars 2026"),
        (date(2026, 3, 11), "fr", "11 mars 2026"),
        (date(2026, 3, 1), "en", "1 March 2026"),
        (date(2026, 3, 1), "es", "1 de marzo de 2026"),
        (date(2026, 3, 1), "ja", "2026年3月1日"),
    ],
)
def test_a_day_is_said_as_people_say_it(day: date, language: str, said: str) -> None:
    assert long_day(day, language) == said
