"""Choose the language of an email, and write dates in it."""

from datetime import date
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from bot.mail.country_codes import country_code

ENGLISH: Final = "en"
FOREIGN: Final = 3
"""The distance of a language that is neither the wanted one nor English."""

# Only countries with one language of business; others, such as Switzerland, Belgium and Canada, get English.
_SPOKEN: Final = {
    "cs": "CZ",
    "da": "DK",
    "de": "AT DE LI",
    "es": "AR BO CL CO CR DO EC ES GT HN MX NI PA PE PY SV UY VE",
    "fi": "FI",
    "fr": "BF BJ CI FR GA GF GP MC MQ NC PF RE SN TG",
    "hu": "HU",
    "it": "IT SM",
    "ja": "JP",
    "ko": "KR",
    "nl": "NL",
    "no": "NO",
    "pl": "PL",
    "pt": "AO MZ PT",
    "pt-BR": "BR",
    "ro": "RO",
    "sk": "SK",
    "sv": "SE",
    "tr": "TR",
}
_OF_COUNTRY: Final = {code: language for language, codes in _SPOKEN.items() for code in codes.split()}


def language_of(country: str | None) -> str:
    """Return the language of business in a country, named as in the report; English if that is not clear."""
    return _OF_COUNTRY.get(country_code(country or "") or "", ENGLISH)


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
