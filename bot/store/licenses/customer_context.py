"""What the vendor's other licenses say about a customer."""

from collections import defaultdict
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, exists, false, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.cautions import MANY, CustomerContext, company_domain, company_key, customer_domain, reachable
from bot.domain.evaluation import License, State
from bot.domain.history import Kind
from bot.domain.license_types import is_sold
from bot.security.keyring import Keyring
from bot.store.leavers import addresses_of_leavers
from bot.store.schema import evaluation, history, license_

_THROUGH_PARTNER: Final = license_.c.partner_name.is_not(None) | license_.c.partner_kind.is_not(None)
_CUSTOMER: Final = func.coalesce(license_.c.company_key, license_.c.site)
"""The customer of a license, as far as it can be counted: all sites of a company are one customer."""
_SEVERAL: Final = 2


async def context_of(connection: AsyncConnection, row: Row[Any], seen: License, keyring: Keyring) -> CustomerContext:
    """Return what is known about an evaluation's customer, apart from this license.

    The same customer has the same site, company or company mail domain.
    """
    others = and_(license_.c.id != row.license_id, license_.c.merged_into.is_(None), license_.c.atlassian.is_(False))
    sites = await _sites(connection, others, seen, keyring)
    partner_domain = await _is_partners(connection, others, seen)
    theirs = others & _is_customer(seen, has_own_domain=not partner_domain and sites < MANY)
    return replace(
        await _apps(connection, theirs),
        evaluated=await _years(connection, row, seen, theirs),
        sites=sites,
        partner_domain=partner_domain,
        has_left=await _has_left(connection, row.id),
        gone=await addresses_of_leavers(connection, seen.contacts, keyring),
    )


async def licenses_of_customer(
    connection: AsyncConnection, row: Row[Any], seen: License, keyring: Keyring
) -> Select[tuple[int]]:
    """Select the licenses of an evaluation's customer, its own among them, as `context_of` knows them."""
    present = and_(license_.c.merged_into.is_(None), license_.c.atlassian.is_(False))
    others = present & (license_.c.id != row.license_id)
    has_own_domain = (
        not await _is_partners(connection, others, seen) and await _sites(connection, others, seen, keyring) < MANY
    )
    theirs = select(license_.c.id).where(present, _is_customer(seen, has_own_domain=has_own_domain))
    return select(theirs.union(select(literal(row.license_id))).subquery().c.id)


async def _has_left(connection: AsyncConnection, evaluation_id: int) -> bool:
    left = exists().where(history.c.evaluation_id == evaluation_id, history.c.kind == Kind.CUSTOMER_LEFT)
    return bool(await connection.scalar(select(left)))


def _is_customer(seen: License, *, has_own_domain: bool) -> ColumnElement[bool]:
    """Return the condition for licenses with the same site, company or, if it is the customer's own, mail domain."""
    same = (
        (license_.c.site, seen.site),
        (license_.c.company_key, company_key(seen.company)),
        (license_.c.domain, customer_domain(seen) if has_own_domain else None),
    )
    ties = [
        (column == value) & ~_THROUGH_PARTNER if column is license_.c.domain else column == value
        for column, value in same
        if value is not None
    ]
    return or_(false(), *ties)


async def _apps(connection: AsyncConnection, theirs: ColumnElement[bool]) -> CustomerContext:
    """Return the apps by what they are to the customer; each is named once, except for its trials."""
    # One row for all licenses of an app in the same state: however many there are, few rows are read.
    alike = (license_.c.app_name, license_.c.license_type, license_.c.status, license_.c.sandbox)
    query = select(*alike, func.max(license_.c.ends).label("ends")).where(theirs).group_by(*alike)
    bought, uses, evaluating, until = set[str](), set[str](), set[str](), defaultdict[str, str](str)
    for row in await connection.execute(query):
        sold = is_sold(row.license_type)
        if row.license_type.endswith("EVALUATION"):
            evaluating |= {row.app_name} if row.status == "active" else set()
        elif row.sandbox is True:  # an app costs nothing there
            continue
        elif row.status != "inactive":  # what was cancelled is theirs until its end, and inactive from then on
            (bought if sold else uses).add(row.app_name)
        elif sold and row.ends is not None:
            until[row.app_name] = max(until[row.app_name], str(row.ends.year))
    return CustomerContext(
        customer_of=tuple(sorted(bought)),
        uses=tuple(sorted(uses - bought)),
        paid_for=tuple(sorted((app, year) for app, year in until.items() if app not in bought)),
        evaluating=tuple(sorted(evaluating)),
    )


async def _years(
    connection: AsyncConnection, row: Row[Any], seen: License, theirs: ColumnElement[bool]
) -> tuple[str, ...]:
    """Return the years of their earlier trials of this app, on this license or another."""
    this = evaluation.c.license_id == row.license_id
    # A UNION rather than OR: only then does SQLite use the index of trials by license.
    licenses = select(license_.c.id).where(theirs, license_.c.app_key == seen.app_key)
    query = (
        select(evaluation.c.started)
        .where(evaluation.c.license_id.in_(licenses.union_all(select(literal(row.license_id)))))
        .where(this | (evaluation.c.state != State.RUNNING), evaluation.c.merged_into.is_(None))
        .where(evaluation.c.started < row.started)
        .distinct()
    )
    return tuple(sorted({str(started.year) for started in await connection.scalars(query)}))


async def _sites(connection: AsyncConnection, others: ColumnElement[bool], seen: License, keyring: Keyring) -> int:
    contact = reachable(seen)
    if contact is None or contact.email is None:
        return 0
    hashes = keyring.address_hashes(contact.email)
    address = license_.c.technical_key.in_(hashes) | license_.c.billing_key.in_(hashes)
    here = ((license_.c.company_key, company_key(seen.company)), (license_.c.site, seen.site))
    elsewhere = [column.is_distinct_from(own) for column, own in here if own is not None]
    return await connection.scalar(select(func.count(_CUSTOMER.distinct())).where(others, address, *elsewhere)) or 0


async def _is_partners(connection: AsyncConnection, others: ColumnElement[bool], seen: License) -> bool:
    """Return whether licenses of several other customers with this mail domain were sold through a partner."""
    domain = company_domain(seen)
    if domain is None:
        return False
    company = company_key(seen.company)
    through = others & (license_.c.domain == domain) & _THROUGH_PARTNER
    not_theirs = [] if company is None else [license_.c.company_key != company]
    query = select(func.count(license_.c.company_key.distinct())).where(through, *not_theirs)
    return (await connection.scalar(query) or 0) >= _SEVERAL
