"""Keep the words of companies' names: a company is found by them, whatever licenses it has."""

from collections.abc import Collection, Iterable

from sqlalchemy import delete, exists
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.cautions import company_key
from bot.domain.company_words import company_words
from bot.store.engine.bulk import Inserts
from bot.store.schema import company_word, license_


async def add_company_words(inserts: Inserts, companies: Iterable[str | None]) -> None:
    """Store the words of these companies, as far as they are not there."""
    words = {(company_key(company), word) for company in set(companies) for word in company_words(company)}
    await inserts.add(company_word, ("company_key", "word"), sorted(words), skip_existing=True)


async def update_company_words(
    connection: AsyncConnection, companies: Collection[tuple[str | None, str | None]]
) -> None:
    """Store and remove words after these companies, as they were before and as they are now, were written."""
    if companies:
        async with Inserts(connection) as inserts:
            await add_company_words(inserts, (now for _, now in companies))
        await remove_company_words(connection, {company_key(before) for before, _ in companies} - {None})


async def remove_company_words(connection: AsyncConnection, keys: Collection[str | None]) -> None:
    """Remove the words of companies, by their keys, that no license has any more: they may name a person."""
    is_used = exists().where(license_.c.company_key == company_word.c.company_key)
    if keys:
        await connection.execute(delete(company_word).where(company_word.c.company_key.in_(keys), ~is_used))
