"""When somebody is back, as their automatic answer says it."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Final

_BEGINNING: Final = 300
"""Characters that are read: what comes later may be a signature."""
_LONGEST_ABSENCE: Final = timedelta(days=366)
_MONTHS: Final = (
    "january januar janvier enero gennaio januari janeiro",
    "february februar février febrero febbraio februari fevereiro",
    "march märz mars marzo maart março",
    "april avril abril aprile",
    "may mai mayo maggio mei maio",
    "june juni juin junio giugno junho",
    "july juli juillet julio luglio julho",
    "august août agosto augustus",
    "september septembre septiembre settembre setembro",
    "october oktober octobre octubre ottobre outubro",
    "november novembre noviembre novembro",
    "december dezember décembre diciembre dicembre dezembro",
)
_MONTH_OF: Final = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_NAMES: Final = "|".join(sorted(_MONTH_OF, key=len, reverse=True))
_FORMS: Final = (
    re.compile(r"\b(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)\b"),
    re.compile(r"\b(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>20\d\d)\b"),
    re.compile(
        rf"\b(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th|er)?\s+(?:de\s+)?(?P<name>{_NAMES})\.?,?\s+(?:de\s+)?(?P<year>20\d\d)\b",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?P<name>{_NAMES})\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>20\d\d)\b", re.IGNORECASE),
    re.compile(r"(?P<year>20\d\d)年(?P<month>\d{1,2})月(?P<day>\d{1,2})日"),
)
"""Forms in which day and month cannot be confused."""


def absent_until(text: str, *, today: date) -> date | None:
    """Return the last date that an automatic answer names, within a year from today. None if it names none."""
    found = [day for day in _dates(text[:_BEGINNING]) if today < day <= today + _LONGEST_ABSENCE]
    return max(found, default=None)


def _dates(text: str) -> Iterator[date]:
    for form in _FORMS:
        for each in form.finditer(text):
            parts = each.groupdict()
            month = int(parts["month"]) if "month" in parts else _MONTH_OF[parts["name"].lower()]
            with suppress(ValueError):  # a day that is in no calendar
                yield date(int(parts["year"]), month, int(parts["day"]))
