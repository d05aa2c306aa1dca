"""The rules by country: the file that comes with the bot, and a vendor's own over it."""

import tomllib
from pathlib import Path

import pytest

from bot.domain.country_rules import CountryRule, Rule
from bot.errors import SettingsWrong
from bot.mail.country_codes import country_code
from bot.mail.country_rules import SHIPPED, load_countries
from bot.mail.templating.language import language_of

EU = (
    "Austria Belgium Bulgaria Croatia Cyprus Czechia Denmark Estonia Finland France Germany Greece Hungary Ireland "
    "Italy Latvia Lithuania Luxembourg Malta Netherlands Poland Portugal Romania Slovakia Slovenia Spain Sweden"
).split()


# --- What comes with the bot ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", [*EU, "Iceland", "Liechtenstein", "Norway", "United Kingdom", "Switzerland"])
def test_in_europe_a_ground_is_asked_for_and_the_law_is_named(country: str) -> None:
    rule = load_countries().rule(country)
    assert rule.rule is Rule.CONFIRM
    assert rule.law.startswith("https://")
    assert rule.why.endswith(".")


def test_every_rule_that_is_shipped_says_why_and_by_which_law() -> None:
    reported = tomllib.loads(SHIPPED.read_text("utf-8"))
    assert {entry["rule"] for entry in reported["rules"]} <= set(Rule)
    assert all(entry["law"].startswith("https://") and entry["why"].endswith(".") for entry in reported["rules"])
    names = [name for entry in reported["rules"] for name in entry["countries"]]
    assert names == [country_code(name) for name in names]
    assert len(names) == len(set(names))


def test_where_no_rule_is_known_a_ground_is_asked_for() -> None:
    countries = load_countries()
    assert countries.rule("Freedonia") == CountryRule(rule=Rule.CONFIRM)
    assert countries.rule(None).rule is Rule.CONFIRM


def test_where_the_law_lets_people_say_no_afterwards_no_ground_is_asked_for() -> None:
    assert load_countries().rule("United States").rule is Rule.ALLOW


@pytest.mark.parametrize("country", ["Germany", "France", "Spain"])
def test_the_same_names_are_known_to_the_rules_and_to_the_languages(country: str) -> None:
    assert language_of(country) != "en"
    assert load_countries().rule(country).law


# --- The vendor's own ----------------------------------------------------------------------------------------------


def own(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_vendors_own_rule_wins_country_by_country(tmp_path: Path) -> None:
    text = '[[rules]]\ncountries = ["DE", "the Ivory Coast"]\nrule = "block"\nwhy = "Not there."\n'
    countries = load_countries(own(tmp_path, text))
    assert (
        countries.rule("Germany") == countries.rule("Côte d'Ivoire") == CountryRule(rule=Rule.BLOCK, why="Not there.")
    )
    assert countries.rule("France") == load_countries().rule("France")
    assert countries.rule("Sylvania") == load_countries().rule("Sylvania")


def test_the_vendor_says_what_holds_for_others_and_for_those_without_a_name(tmp_path: Path) -> None:
    countries = load_countries(own(tmp_path, '[others]\nrule = "allow"\n\n[unnamed]\nrule = "block"\n'))
    assert (countries.rule("Freedonia").rule, countries.rule(None).rule) == (Rule.ALLOW, Rule.BLOCK)
    assert countries.rule("Germany").rule is Rule.CONFIRM


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert load_countries(own(tmp_path, "")) == load_countries()


WRONG = {
    "no TOML": ("rule = ", "it is not TOML: "),
    "an unknown table": ('[rest]\nrule = "allow"', "unknown key “rest”; it knows others, unnamed, rules."),
    "no rule": ("[others]", "[others]: rule should be allow, confirm or block."),
    "an unknown rule": ('[others]\nrule = "ask"', "[others]: rule should be allow, confirm or block."),
    "an unknown key": ('[others]\nrule = "allow"\nwhen = "now"', "[others]: unknown key “when”; a rule knows"),
    "another type": ("[others]\nrule = 1", "[others]: its rule, why, law and basis should be texts."),
    "no table": ('others = "allow"', "[others]: its rule, why, law and basis should be texts."),
    "a law that is no address": (
        '[others]\nrule = "allow"\nlaw = "http://law.example"',
        "[others]: law should be an address that begins with https://.",
    ),
    "a basis that is none": (
        '[others]\nrule = "confirm"\nbasis = "hope"',
        "[others]: basis should be trial, request, consent, customer, or left out.",
    ),
    "no countries": ('[[rules]]\nrule = "allow"', 'rule 1 names no countries; add countries = ["DE"].'),
    "an empty list": ('[[rules]]\nrule = "allow"\ncountries = []', "rule 1 names no countries"),
    "a country that is none": (
        '[[rules]]\nrule = "allow"\ncountries = ["Freedonia", "PE"]',
        "rule 1: “Freedonia” is no country; use its ISO code, such as DE.",
    ),
    "countries that are no texts": ('[[rules]]\nrule = "allow"\ncountries = [1]', "rule 1 names no countries"),
    "rules that are no list": ("[rules]\nGermany = 1", "rule 1 names no countries"),
    "rules that are no tables": ('rules = ["Germany"]', "rule 1 names no countries"),
    "a wrong rule of a country": (
        '[[rules]]\ncountries = ["Germany"]\nrule = "never"',
        "DE: rule should be allow, confirm or block.",
    ),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_named_with_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsWrong) as wrong:
        load_countries(own(tmp_path, text))
    [line] = wrong.value.problems
    assert line.startswith(f"MAIL_COUNTRIES: own.toml: {said}")


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    text = '[rest]\n[others]\nrule = "ask"\n[[rules]]\nrule = "allow"\n[[rules]]\ncountries = ["Peru"]\nlaw = "x"\n'
    with pytest.raises(SettingsWrong) as wrong:
        load_countries(own(tmp_path, text))
    assert [line.split()[2] for line in wrong.value.problems] == ["unknown", "rule", "[others]:", "PE:"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["not there", "not UTF-8"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "own.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsWrong, match=r"own\.toml: it cannot be read"):
        load_countries(path)
