"""The vendor's rules by country: email freely, ask for a lawful basis, or do not email at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Rule(StrEnum):
    """What a country requires."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    """The sender must name the lawful basis."""
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryRule:
    """A country's rule, the reason in one sentence, and the address of the law on the web (or empty)."""

    rule: Rule
    why: str = ""
    law: str = ""


_CAREFUL: Final = CountryRule(rule=Rule.CONFIRM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Countries:
    """Rules by country name as in the report. `others`: for countries without a rule. `unnamed`: for licenses without
    one.
    """

    by_name: Mapping[str, CountryRule] = field(default_factory=dict)
    others: CountryRule = _CAREFUL
    unnamed: CountryRule = _CAREFUL

    def rule(self, country: str | None) -> CountryRule:
        """Return the rule for a country of the report."""
        if country is None or not (name := country_key(country)):
            return self.unnamed
        return self.by_name.get(name, self.others)


def country_key(country: str) -> str:
    """Return a country's name for comparison: letters only, case folded."""
    return "".join(c for c in country.casefold() if c.isalpha())
