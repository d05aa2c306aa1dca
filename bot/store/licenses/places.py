"""Find the licenses of an app at a place that somebody else names: by their ids, the cloud site, or its host."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.app_signal import NO_LICENSE_YET, AppSignal
from bot.store.columns import without_index
from bot.store.schema import license_, license_alias


async def licenses_at(connection: AsyncConnection, signal: AppSignal) -> Sequence[Row[Any]]:
    """Return the rows of the licenses that a signal is about: by the first of its names that is known."""
    return await find_licenses_of_app(
        connection, signal.app_key, aliases=signal.aliases, cloud_id=signal.cloud_id, site=signal.site
    )


async def find_licenses_of_app(
    connection: AsyncConnection,
    app_key: str,
    *,
    aliases: Sequence[str],
    cloud_id: str | None,
    site: str | None,
    or_expected: bool = False,
) -> Sequence[Row[Any]]:
    """Return the rows of an app's licenses with one of these ids, or else on this cloud site, or else at this host.

    With `or_expected`, and if there is none, the one that an early card stands for.
    """
    named = (license_alias.c.app_key == app_key) & license_alias.c.alias.in_(aliases)
    ways = (
        (bool(aliases), license_.c.id.in_(select(license_alias.c.license_id).where(named))),
        (cloud_id is not None, license_.c.cloud_id == cloud_id),
        (site is not None, license_.c.site == site),
    )
    is_expected = license_.c.status == NO_LICENSE_YET
    for status in (~is_expected, is_expected) if or_expected else (~is_expected,):
        live = (license_.c.merged_into.is_(None), without_index(license_.c.app_key) == app_key, status)
        for is_given, way in ways:
            if is_given and (rows := (await connection.execute(select(license_).where(way, *live))).all()):
                return rows
    return ()
