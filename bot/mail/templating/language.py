"""Choose the language of an email, and write dates in it."""

from datetime import date
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

ENGLISH: Final = "en"
FOREIGN: Final = 3
"""The distance of a language that is neither the wanted one nor English."""

# Only countries with one language of business; others, such as Switzerland, Belgium and Canada, get English.
_SPOKEN: Final = {
    "cs": "Czech Republic, Czechia",
    "da": "Denmark",
    "de": "Austria, Germany, Liechtenstein",
    "es": "Argentina, Bolivia, Chile, Colombia, Costa Rica, Dominican Republic, Ecuador, El Salvador, Guatemala, "
    "Honduras, Mexico, Nicaragua, Panama, Paraguay, Peru, Spain, Uruguay, Venezuela",
    "fi": "Finland",
    "fr": "Benin, Burkina Faso, Cote d'Ivoire, Côte d'Ivoire, France, French Guiana, French Polynesia, Gabon, "
    "Guadeloupe, Ivory Coast, Martinique, Monaco, New Caledonia, Reunion, Réunion, Senegal, Togo",
    "hu": "Hungary",
    "it": "Italy, San Marino",
    "ja": "Japan",
    "ko": "Korea, South Korea",
    "nl": "Netherlands, The Netherlands",
    "no": "Norway",
    "pl": "Poland",
    "pt": "Angola, Mozambique, Portugal",
    "pt-BR": "Brazil",
    "ro": "Romania",
    "sk": "Slovakia",
    "sv": "Sweden",
    "tr": "Turkey, Türkiye",
}
_OF_COUNTRY: Final = {
    country.casefold(): language for language, countries in _SPOKEN.items() for country in countries.split(", ")
}


def language_of(country: str | None) -> str:
    """Return the language of business in a country, named as in the report; English if that is not clear."""
    # ISO's long names continue after a comma: Bolivia, Plurinational State of.
    name = (country or "").partition(",")[0].strip()
    return _OF_COUNTRY.get(name.casefold(), ENGLISH)


def language_tag(text: str) -> str | None:
    """Return a language tag in its usual form, `de` or `pt-BR`, or None if it is not a language."""
    try:
        return str(Locale.parse(text, sep="-")).replace("_", "-")
    except (UnknownLocaleError, ValueError):
        return None


def distance(language: str, wanted: str) -> int:
    """Return how far a language is from the wanted one: the same, a sister (pt for pt-BR), English, any other."""
    if language == wanted:
        return 0
    if _base(language) == _base(wanted):
        return 1
    return 2 if _base(language) == ENGLISH else FOREIGN


def long_day(day: date, language: str) -> str:
    """Return the date in words, which nobody misreads: 1 March 2026, 1er mars 2026."""
    # English emails go to the whole world, where the day comes before the month.
    said = format_date(day, "long", Locale.parse("en-GB" if language == ENGLISH else language, sep="-"))
    return said.replace("1 ", "1er ", 1) if day.day == 1 and _base(language) == "fr" else said


def _base(language: str) -> str:
    return language.partition("-")[0]
