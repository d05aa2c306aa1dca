"""Lists of evaluations, a page at a time: the number of statements does not grow with the number of rows."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.dnc import targets_for
from bot.domain.evaluation import License
from bot.domain.listing import EvaluationRow, Page
from bot.domain.mail import MailState
from bot.security.keyring import Keyring
from bot.store.dnc.repository import active_hashes
from bot.store.mapping import evaluation_from, licenses_of
from bot.store.schema import evaluation, license_, mail


async def read_page(
    connection: AsyncConnection, keyring: Keyring, listed: ColumnElement[bool], number: int
) -> Page[EvaluationRow]:
    """Return one page of the evaluations that meet a condition, by app, the newest first."""
    columns = (evaluation.c.id, license_.c.app_name, license_.c.app_key)
    query = select(*columns).join(license_, license_.c.id == evaluation.c.license_id)
    found = (await connection.execute(query.where(listed, evaluation.c.merged_into.is_(None)))).all()
    # In Python, since the order of texts differs between databases.
    ordered = sorted(found, key=lambda row: (row.app_name, row.app_key, -row.id))
    page = Page.cut([row.id for row in ordered], number)
    rows = await _read_rows(connection, keyring, page.rows)
    return Page(rows=rows, number=page.number, pages=page.pages, total=page.total)


async def _read_rows(connection: AsyncConnection, keyring: Keyring, ids: Sequence[int]) -> tuple[EvaluationRow, ...]:
    """Return the rows of these evaluations, in this order."""
    found = {row.id: row for row in await connection.execute(select(evaluation).where(evaluation.c.id.in_(ids)))}
    licenses = await licenses_of(connection, [row.license_id for row in found.values()], keyring)
    sent = select(mail.c.evaluation_id).where(mail.c.evaluation_id.in_(ids), mail.c.state == MailState.SENT)
    mailed = set(await connection.scalars(sent))
    blocking = {number: _blocking_hashes(seen, keyring) for number, seen in licenses.items()}
    active = await active_hashes(connection, frozenset[str]().union(*blocking.values()))
    return tuple(
        EvaluationRow(
            evaluation=evaluation_from(row, licenses[row.license_id]),
            mailed=row.id in mailed,
            is_blocked=not active.isdisjoint(blocking[row.license_id]),
            gone=row.card_gone is not None,
        )
        for row in map(found.__getitem__, ids)
    )


def _blocking_hashes(seen: License, keyring: Keyring) -> Iterable[str]:
    """Return the hashes under which an entry would forbid emailing a contact of a license."""
    addresses = [contact.email for contact in seen.contacts if contact.email is not None]
    targets = dict.fromkeys(target for address in addresses for target in targets_for(seen, address))
    return [each for target in targets for each in keyring.target_hashes(target)]
