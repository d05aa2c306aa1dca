"""The ISO 3166 code of a country, from the names by which reports and people call it."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Final

from babel import Locale
from babel.core import get_global

# What neither CLDR calls a country, nor its long name of ISO up to the comma.
_ALIASES: Final = {
    "BN": "Brunei Darussalam",
    "CD": "Congo, the Democratic Republic of the; Democratic Republic of the Congo; DR Congo",
    "CG": "Congo; Republic of the Congo",
    "CI": "Ivory Coast",
    "CV": "Cabo Verde",
    "CZ": "Czech Republic",
    "FM": "Federated States of Micronesia",
    "GB": "Great Britain",
    "HK": "Hong Kong",
    "KP": "Korea, Democratic People's Republic of; Democratic People's Republic of Korea",
    "KR": "Korea; Republic of Korea",
    "LA": "Lao People's Democratic Republic",
    "MK": "Macedonia",
    "MM": "Burma; Myanmar",
    "MO": "Macao; Macau",
    "PS": "Palestine; State of Palestine",
    "RU": "Russian Federation",
    "SY": "Syrian Arab Republic",
    "SZ": "Swaziland",
    "TL": "East Timor",
    "TR": "Turkey",
    "US": "United States of America",
    "VA": "Holy See",
    "VN": "Viet Nam",
}
_NO_COUNTRIES: Final = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
_SAINT: Final = re.compile(r"\bst\b")


def country_code(name: str) -> str | None:
    """Return the code of a country: `DE` for Germany, DE, DEU; None if no country is called so.

    Capitals, accents, punctuation, a leading “the” and what follows a comma make no difference.
    """
    codes = _codes()
    return codes.get(_key(name)) or codes.get(_key(name.partition(",")[0]))


@cache
def _codes() -> Mapping[str, str]:
    """Return the codes by key: English names of CLDR, codes of two and three letters, and our aliases."""
    territories = Locale("en").territories.items()
    names = {code: name for code, name in territories if re.fullmatch("[A-Z]{2}", code) and code not in _NO_COUNTRIES}
    found = {
        _key(old): new[0] for old, new in get_global("territory_aliases").items() if old.isalpha() and new[0] in names
    }
    found |= {_key(code): code for code in names} | {_key(name): code for code, name in names.items()}
    return found | {_key(alias): code for code, aliases in _ALIASES.items() for alias in aliases.split(";")}


def _key(name: str) -> str:
    """Return the letters of a name without accents."""
    plain = _SAINT.sub("saint", unicodedata.normalize("NFKD", name.casefold()).replace("&", "and"))
    return "".join(c for c in plain if c.isalpha()).removeprefix("the")
