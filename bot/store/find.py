"""Find licenses by words, through indexes alone: of several words, the rarest one leads to the candidates."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Select, Subquery, and_, exists, func, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.listing import Term
from bot.security.keyring import Keyring
from bot.store.schema import company_word, license_, license_alias

MOST_CANDIDATES: Final = 1_000
"""Licenses that are looked at, from each place where the rarest word is found."""
_MOST_LEADING: Final = 5
"""Terms, and names in a term, that may lead to the candidates: the longest ones."""
_HIGHEST: Final = "\U0010ffff"
_OF_COMPANY: Final = company_word.c.company_key == license_.c.company_key

_Ids = Select[tuple[int]]


async def find_licenses(
    connection: AsyncConnection, keyring: Keyring, terms: Sequence[Term]
) -> tuple[Select[Any], bool]:
    """Return a query for the ids of the licenses that match every term, and whether it leaves some out."""
    leading = sorted(terms, key=_length, reverse=True)[:_MOST_LEADING]
    places = [_places(term, keyring) for term in leading]
    counts = [
        select(func.count()).select_from(_some(each)).scalar_subquery()
        for of_term in places
        for place in of_term
        for each in place
    ]
    counted = iter((await connection.execute(select(*counts))).one())
    # A place in which every name of a term must be found has a query for each name: the rarest one leads there.
    rarest = [
        [min(((next(counted), each) for each in place), key=lambda it: it[0]) for place in of_term]
        for of_term in places
    ]
    leader, chosen = min(zip(leading, rarest, strict=True), key=lambda it: sum(size for size, _ in it[1]))
    candidates = union_all(*(select(_some(each)) for _, each in chosen))
    others = [_matches(term, keyring) for term in terms if term is not leader or len(term.names) > 1]
    found = select(license_.c.id).where(license_.c.id.in_(candidates), *others)
    return found, max(size for size, _ in chosen) > MOST_CANDIDATES


def _length(term: Term) -> int:
    return len(term.address or term.joined or "".join(term.hosts))


def _places(term: Term, keyring: Keyring) -> list[list[_Ids]]:
    """Return the places where a term may be found, each with the queries of which one has to be asked for the ids of
    licenses. Each query is one range of an index.
    """
    ids = select(license_.c.id)
    if term.address is not None:
        hashes = keyring.address_hashes(term.address)
        return [[ids.where(column.in_(hashes))] for column in (license_.c.technical_key, license_.c.billing_key)]
    found = [
        *(select(license_alias.c.license_id).where(_begins(license_alias.c.alias, [each])) for each in term.ids),
        *(ids.where(_begins(column, term.hosts)) for column in (license_.c.site, license_.c.domain) if term.hosts),
        *(ids.where(license_.c.app_key == key).order_by(license_.c.id.desc()) for key in sorted(term.app_keys)),
    ]
    places = [[each] for each in found]
    if term.names:
        by_word = ids.join(company_word, _OF_COMPANY)
        longest = sorted(set(term.names), key=len, reverse=True)[:_MOST_LEADING]
        places.append([by_word.where(_begins(company_word.c.word, [name])) for name in longest])
        if term.joined not in longest:
            places.append([by_word.where(_begins(company_word.c.word, [term.joined]))])
    return places


def _matches(term: Term, keyring: Keyring) -> ColumnElement[bool]:
    """Return whether a license has a term in one of the same places."""
    if term.address is not None:
        hashes = keyring.address_hashes(term.address)
        return license_.c.technical_key.in_(hashes) | license_.c.billing_key.in_(hashes)
    of_license = license_alias.c.license_id == license_.c.id
    places = [
        exists().where(of_license, _begins(license_alias.c.alias, term.ids)),
        _begins(license_.c.site, term.hosts),
        _begins(license_.c.domain, term.hosts),
        *([license_.c.app_key.in_(sorted(term.app_keys))] if term.app_keys else []),
    ]
    if term.names:
        places += [and_(*map(_has_word, term.names)), _has_word(term.joined)]
    return or_(*places)


def _has_word(name: str) -> ColumnElement[bool]:
    word = company_word.alias()
    return exists().where(word.c.company_key == license_.c.company_key, _begins(word.c.word, [name]))


def _begins(column: Column[Any] | ColumnElement[Any], beginnings: Iterable[str]) -> ColumnElement[bool]:
    """Return whether a text begins with one of these: a range, in which no character is a wildcard."""
    return or_(*((column >= each) & (column < each + _HIGHEST) for each in beginnings))


def _some(source: _Ids) -> Subquery:
    """Return the ids of a query, as many as are looked at, and one more if there are more."""
    return source.limit(MOST_CANDIDATES + 1).subquery()
