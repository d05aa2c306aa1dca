"""Rules by country, and how countries are compared."""

import pytest

from bot.domain.country_rules import Countries, CountryRule, Rule, country_key

BLOCK = CountryRule(rule=Rule.BLOCK, why="Not there.")
OTHERS, UNNAMED = CountryRule(rule=Rule.ALLOW), CountryRule(rule=Rule.CONFIRM, why="Who knows?")
COUNTRIES = Countries(by_name={"unitedstates": BLOCK}, others=OTHERS, unnamed=UNNAMED)


@pytest.mark.parametrize(
    ("country", "rule"),
    [
        ("United States", BLOCK),
        ("UNITED  STATES", BLOCK),
        ("United-States.", BLOCK),
        ("Freedonia", OTHERS),
        (None, UNNAMED),
        ("", UNNAMED),
        ("–", UNNAMED),
    ],
)
def test_a_country_is_known_however_it_is_written(country: str | None, rule: CountryRule) -> None:
    assert COUNTRIES.rule(country) == rule


def test_letters_of_other_alphabets_count() -> None:
    assert country_key("Österreich") == "österreich"


def test_without_a_table_everywhere_is_asked_for_a_ground() -> None:
    assert Countries().rule("Freedonia").rule is Countries().rule(None).rule is Rule.CONFIRM
