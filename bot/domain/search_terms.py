"""Read the words that somebody looks for."""

from collections.abc import Iterable, Mapping
from typing import Final

from bot.domain.company_words import LONGEST_WORD, plain_words
from bot.domain.listing import Term
from bot.domain.target_parser import Address, read_typed

_NUMBER: Final = "SEN-"
"""How license numbers begin, which people often leave out."""


def read_terms(words: Iterable[str], apps: Mapping[str, str]) -> tuple[Term, ...]:
    """Return a term for each word. `apps` are the names of the vendor's apps, by key."""
    return tuple(_read_term(word, apps) for word in words)


def find_apps(text: str, apps: Mapping[str, str]) -> frozenset[str]:
    """Return the keys of the apps with this key, or with all these words at the beginning of words of their name."""
    if exact := frozenset(key for key in apps if key.lower() == text.lower()):
        return exact
    wanted = plain_words(text)
    return frozenset(key for key, name in apps.items() if wanted and _begins_all(wanted, plain_words(name)))


def _read_term(word: str, apps: Mapping[str, str]) -> Term:
    found = read_typed(word)
    if isinstance(found, Address):
        return Term(address=word)
    names = tuple(name[:LONGEST_WORD] for name in plain_words(word))
    ids = {word, word.upper(), word.lower(), *([_NUMBER + word] if word.isdecimal() else [])}
    return Term(
        ids=tuple(sorted(ids)),
        hosts=(word.lower(),) if found is None else (found.value,),
        names=names,
        joined="".join(names)[:LONGEST_WORD],
        app_keys=find_apps(word, apps),
    )


def _begins_all(wanted: Iterable[str], words: Iterable[str]) -> bool:
    words = tuple(words)
    return all(any(word.startswith(each) for word in words) for each in wanted)
