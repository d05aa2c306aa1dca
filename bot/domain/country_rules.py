"""What the vendor allows itself by country: whether mail goes out, needs a named ground, or does not go at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Rule(StrEnum):
    """What a country asks for."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    """The sender names the lawful ground."""
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryRule:
    """The rule of a country with why, in a sentence, and the law it comes from (an address on the web, or empty)."""

    rule: Rule
    why: str = ""
    law: str = ""


_CAREFUL: Final = CountryRule(rule=Rule.CONFIRM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Countries:
    """Rules by country name as the report writes it; `others` for a named one that has none, `unnamed` for none."""

    by_name: Mapping[str, CountryRule] = field(default_factory=dict)
    others: CountryRule = _CAREFUL
    unnamed: CountryRule = _CAREFUL

    def rule(self, country: str | None) -> CountryRule:
        """The rule for a country of the report."""
        if country is None or not (name := country_key(country)):
            return self.unnamed
        return self.by_name.get(name, self.others)


def country_key(country: str) -> str:
    """A country's name as it is compared: letters alone, case folded."""
    return "".join(c for c in country.casefold() if c.isalpha())
