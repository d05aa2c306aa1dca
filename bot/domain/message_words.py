"""The words in a message in Slack to look for: the customer that it is about."""

import re
from collections.abc import Sequence
from typing import Final

from bot.domain.target_parser import Address, Host, read_typed

_MARKUP: Final = re.compile(r"<[^<>]*>")
_TOKEN: Final = re.compile(r"<[^<>]*>|[^\s<>]+")
_NUMBER: Final = re.compile(r"\b(?:E-[A-Z0-9]{3}(?:-[A-Z0-9]{3}){3}|SEN-L?\d+)\b", re.IGNORECASE)
_NAME: Final = re.compile(r"[A-Z0-9À-ÖØ-Þ][\w&'’.-]*|[^\W\d_a-zA-Z]{2,}")
"""A word that begins with a capital or a digit, or is of a script without capitals."""
_NOT_NAMES: Final = frozenset(
    "a an and any anybody anyone are can could did do does hello hey hi how i i'm if in is it it's its just let me my "
    "new no not of ok on or our please so somebody someone thanks that the their them there they this to trial trials "
    "was we we're what when where which who who's why will yes you your".split()
)
"""Words that begin many sentences and few names."""
_MENTION: Final = re.compile(r"<[@#!][^<>]*>")
_QUESTION: Final = re.compile(
    r"(?:please|hey|hi|hello|can you|could you|do you know|tell me|who(?:['’]s| is| are| was)?|what(?:['’]s| is)?|"
    r"find(?: me)?|search(?: for)?|look up|about|know)(?=[\s,:?!.]|\Z)",
    re.IGNORECASE,
)
"""How questions begin."""
_AROUND: Final = " \t\r\n,.:;!?"
_MOST_WORDS: Final = 4


def exact_words(text: str) -> str | None:
    """Return the first email address in a message, else the first site, else the first entitlement or license number.

    None if it has none of them.
    """
    read = [read_typed(token) for token in _TOKEN.findall(text)]
    address = next((found.value for found in read if isinstance(found, Address)), None)
    site = next(
        (found.value for found in read if isinstance(found, Host) and found.is_site and "." in found.value), None
    )
    number = _NUMBER.search(text)
    return address or site or (number and number[0])


def question_words(text: str) -> str:
    """Return what a question such as *who is acme?* asks about, without mentions. Filters stay in it. May be empty."""
    asked = _MENTION.sub(" ", text).replace("&amp;", "&").strip(_AROUND)
    while opening := _QUESTION.match(asked):
        asked = asked[opening.end() :].strip(_AROUND)
    return asked


def company_words(text: str) -> str | None:
    """Return the longest name in a message: words in a row that begin with a capital. None if there is none."""
    names, name = list[str](), list[str]()
    for word in _MARKUP.sub(" . ", text).replace("&amp;", "&").split():
        bare = word.strip('*_~`"“”„‘’()[],;:!?.…')
        is_name = bool(_NAME.fullmatch(bare)) and bare.lower() not in _NOT_NAMES
        if is_name or (name and word == "&"):
            name.append(bare or word)
        if not name or (word[-1:] not in ".,;:!?" and (is_name or word == "&")):
            continue
        names.append(_joined(name))
        name = []
    return max([*names, _joined(name)], key=len) or None


def _joined(name: Sequence[str]) -> str:
    return " ".join(name[:_MOST_WORDS]).removesuffix(" &")
