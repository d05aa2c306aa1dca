"""Hints between the copies of the bot: which tables one of them has just written to, by PostgreSQL's LISTEN and NOTIFY.

A hint only shortens a wait. One that is lost costs a second, and none carries what was written.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.errors import StoreError
from bot.store.engine.failures import named_errors

log = structlog.get_logger()

_CHANNEL: Final = "evaluator_bot"
_NOTIFY: Final = text("SELECT pg_notify(:channel, :payload)")
_PING_S: Final = 10.0
"""Seconds between two hints to oneself, which show that hints arrive."""
_TIMEOUT_S: Final = 2.0
_RETRY_S: Final = 30.0
"""Seconds until the next attempt to listen, if no hint arrives."""
_SERVER_AWAY_S: Final = 5.0


class Hints:
    """The hints of other copies. They cannot be heard through a pooler that gives each transaction another connection.

    `note` is called with the tables that another copy wrote to, and with None when hints may have been missed.
    """

    def __init__(self, engine: AsyncEngine, note: Callable[[Collection[str] | None], None]) -> None:
        self.are_heard = False
        """Whether a hint arrived lately."""
        self._engine = engine
        self._note = note
        self._me = secrets.token_hex(4)
        self._arrived = asyncio.Event()

    async def give(self, connection: AsyncConnection, tables: Collection[str]) -> None:
        """Tell other copies, once the transaction commits, to which tables it wrote."""
        await connection.execute(_NOTIFY, {"channel": _CHANNEL, "payload": " ".join([self._me, *sorted(tables)])})

    async def listen(self) -> None:
        """Listen until this task is cancelled, also after the server was away."""
        while True:
            wait = _RETRY_S
            try:
                async with self._listening() as listener:
                    while await self._ping():
                        self._set_heard(is_heard=True)
                        await asyncio.sleep(_PING_S)
                    if listener.is_closed():
                        wait = _SERVER_AWAY_S
                    else:
                        log.info("hints_not_heard")
            except StoreError:
                wait = _SERVER_AWAY_S
            finally:
                self._set_heard(is_heard=False)
            await asyncio.sleep(wait)

    def _set_heard(self, *, is_heard: bool) -> None:
        """Wake everybody who waits when this changes: hints may have been missed meanwhile."""
        if is_heard is not self.are_heard:
            self.are_heard = is_heard
            self._note(None)

    async def try_to_hear(self) -> bool:
        """Return whether a hint arrives. Raises StoreError if the server does not answer."""
        async with self._listening():
            return await self._ping()

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[Any]:
        """Listen on a connection of its own. Yields that of asyncpg."""
        with named_errors():
            async with self._engine.connect() as connection:
                listener: Any = (await connection.get_raw_connection()).driver_connection
                await listener.add_listener(_CHANNEL, self._hear)
                try:
                    yield listener
                finally:
                    # It must not go back to the pool: its next user would hear the hints, too.
                    await connection.invalidate()

    async def _ping(self) -> bool:
        """Return whether a hint to oneself arrives."""
        self._arrived.clear()
        async with self._engine.begin() as connection:
            await self.give(connection, ())
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await self._arrived.wait()
        except TimeoutError:
            return False
        return True

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        sender, *tables = payload.split()
        if sender == self._me:
            self._arrived.set()
        else:
            self._note(tables)
