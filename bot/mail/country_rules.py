"""Load the country rules: those shipped with the bot, and the vendor's own file, which takes precedence."""

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from bot.domain.country_rules import Countries, CountryRule, Rule
from bot.domain.mail import LawfulBasis
from bot.errors import SettingsWrong
from bot.mail.country_codes import country_code

SHIPPED: Final = Path(__file__).with_name("countries.toml")
_TABLES: Final = frozenset({"others", "unnamed", "rules"})
_KEYS: Final = frozenset({"rule", "why", "law", "basis"})
_OTHERS: Final = "[others]"
_UNNAMED: Final = "[unnamed]"
"""A key that is no code of a country."""


def load_countries(own: Path | None = None) -> Countries:
    """Return the rules, the vendor's own first. SettingsWrong lists everything that is wrong with the file."""
    rules = _shipped_rules()
    if own is not None:
        given, problems = _read(own, code_of=country_code)
        if problems:
            raise SettingsWrong([f"MAIL_COUNTRIES: {own.name}: {problem}" for problem in problems])
        rules = {**rules, **given}
    return Countries(by_code=rules, others=rules[_OTHERS], unnamed=rules[_UNNAMED], code_of=country_code)


@cache
def _shipped_rules() -> Mapping[str, CountryRule]:
    """Return the rules that the bot ships. Their file never changes, and takes a while to read."""
    return MappingProxyType(_read(SHIPPED, code_of=str)[0])


def _read(path: Path, *, code_of: Callable[[str], str | None]) -> tuple[dict[str, CountryRule], list[str]]:
    """Return a file's rules by ISO code, including `others` and `unnamed`, and a sentence for each problem.

    The shipped file has nothing but codes: the names of all countries take 5 MB, which a bot may never need.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return {}, ["it cannot be read; it should be a UTF-8 text that the bot's user may read."]
    except tomllib.TOMLDecodeError as exc:
        return {}, [f"it is not TOML: {exc}."]
    rules: dict[str, CountryRule] = {}
    problems = [f"unknown key “{key}”; it knows others, unnamed, rules." for key in document.keys() - _TABLES]
    entries: list[tuple[str, Any]] = [
        (key, document[key[1:-1]]) for key in (_OTHERS, _UNNAMED) if key[1:-1] in document
    ]
    listed = document.get("rules", [])
    for number, entry in enumerate(listed if isinstance(listed, list) else [listed], 1):
        names = entry.get("countries") if isinstance(entry, dict) else None
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            problems.append(f'rule {number} names no countries; add countries = ["DE"].')
            continue
        codes = {name: code_of(name) for name in names}
        problems += [
            f"rule {number}: “{name}” is no country; use its ISO code, such as DE." for name in names if not codes[name]
        ]
        own = {key: value for key, value in entry.items() if key != "countries"}
        entries += [(code, own) for code in codes.values() if code]
    for name, entry in entries:
        rule = _rule(entry)
        if isinstance(rule, str):
            problems.append(f"{name}: {rule}")
        else:
            rules[name] = rule
    return rules, list(dict.fromkeys(problems))


_BASES: Final = tuple(basis.name for basis in LawfulBasis if not basis.is_of_answer)


def _rule(entry: Any) -> CountryRule | str:  # noqa: ANN401  whatever stands in the file
    """Return the rule, or what is wrong with it."""
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        return "its rule, why, law and basis should be texts."
    if unknown := entry.keys() - _KEYS:
        return f"unknown key “{min(unknown)}”; a rule knows rule, why, law, basis."
    if entry.get("rule") not in set(Rule):
        return "rule should be allow, confirm or block."
    if entry.get("law", "https://") and not entry.get("law", "https://").startswith("https://"):
        return "law should be an address that begins with https://."
    basis = entry.get("basis", "").upper()
    if basis and basis not in _BASES:
        return f"basis should be {', '.join(_BASES).lower()}, or left out."
    return CountryRule(
        rule=Rule(entry["rule"]),
        why=entry.get("why", ""),
        law=entry.get("law", ""),
        basis=LawfulBasis[basis] if basis else None,
    )
