"""Whether everything that the bot needs of a PostgreSQL server arrives there, also through a connection pooler."""

from typing import Final

from sqlalchemy import text

from bot.store.engine.connections import SERVER_LIMITS
from bot.store.engine.database import Database

_TRANSACTIONS: Final = 3
"""A pooler may give each of them another connection, on which nothing is prepared."""
_DEAF: Final = (
    "LISTEN is not heard, so the copy that leads looks once a second. To change that, connect to the server directly, "
    "or in session mode (in PgBouncer, pool_mode = session)"
)


async def describe_server(database: Database) -> str:
    """Return what works, and what to set for the rest. Raises StoreError if the bot cannot work there."""
    shown = dict[str, object]()
    for _ in range(_TRANSACTIONS):
        async with database.read() as connection:
            shown = {name: await connection.scalar(text(f"SHOW {name}")) for name in SERVER_LIMITS}
    heard = "LISTEN is heard" if await database.hints.try_to_hear() else _DEAF
    missing = [f"SET {name} = '{value}'" for name, value in SERVER_LIMITS.items() if shown[name] != value]
    limits = f"; limits do not arrive, so run ALTER ROLE with {', '.join(missing)}" if missing else ""
    return f"prepared statements work; {heard}{limits}"
