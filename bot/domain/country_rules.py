"""The vendor's rules by country: email freely, ask for a lawful basis, or do not email at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from bot.domain.mail import LawfulBasis


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
    basis: LawfulBasis | None = None
    """The basis that is safe to suggest, if the rule allows one without knowing more."""


_CAREFUL: Final = CountryRule(rule=Rule.CONFIRM)


def _no_code(_name: str) -> None:
    """Know no country."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Countries:
    """Rules by ISO code. `others`: for countries without a rule. `unnamed`: for licenses without a country."""

    by_code: Mapping[str, CountryRule] = field(default_factory=dict)
    others: CountryRule = _CAREFUL
    unnamed: CountryRule = _CAREFUL
    code_of: Callable[[str], str | None] = _no_code
    """The ISO code of a country, named as in the report; None if there is no such country."""

    def rule(self, country: str | None) -> CountryRule:
        """Return the rule for a country of the report."""
        if country is None or not any(c.isalpha() for c in country):
            return self.unnamed
        return self.by_code.get(self.code_of(country) or "", self.others)
