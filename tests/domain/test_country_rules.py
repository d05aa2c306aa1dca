"""Rules by country."""

import pytest

from bot.domain.country_rules import Countries, CountryRule, Rule

BLOCK = CountryRule(rule=Rule.BLOCK, why="Not there.")
OTHERS, UNNAMED = CountryRule(rule=Rule.ALLOW), CountryRule(rule=Rule.CONFIRM, why="Who knows?")
COUNTRIES = Countries(by_code={"US": BLOCK}, others=OTHERS, unnamed=UNNAMED, code_of={"USA": "US", "Peru": "PE"}.get)


@pytest.mark.parametrize(
    ("country", "rule"),
    [
        ("USA", BLOCK),
        ("Peru", OTHERS),
        ("Freedonia", OTHERS),
        (None, UNNAMED),
        ("", UNNAMED),
        ("–", UNNAMED),
    ],
)
def test_a_country_has_the_rule_of_its_code(country: str | None, rule: CountryRule) -> None:
    assert COUNTRIES.rule(country) == rule


def test_without_a_table_everywhere_is_asked_for_a_ground() -> None:
    assert Countries().rule("Freedonia").rule is Countries().rule(None).rule is Rule.CONFIRM
