"""Which copy of the bot leads: one polls, posts and sends, and one that lost the lead writes nothing more."""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, Final

from sqlalchemy import Row, bindparam, func, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import interruptible, shielded
from bot.errors import LeaseLost
from bot.store.engine.database import Database
from bot.store.engine.process_lock import ProcessLock
from bot.store.mapping import insert_new
from bot.store.schema import Instant, lease

_NAME: Final = "main"
_MARGIN: Final = 2 / 15
"""The part of its term before whose end a holder stops: another one may count from a moment earlier."""


_LEADS: Final = (
    select(lease.c.epoch)
    .where(lease.c.name == _NAME, lease.c.holder == bindparam("me"), lease.c.epoch == bindparam("mine"))
    .with_for_update(read=True)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The copy of the bot that leads; `since` is when it started, in UTC by its own clock."""

    host: str
    pid: int
    since: datetime
    version: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, version {self.version}, since {self.since:%Y-%m-%d %H:%M} UTC"


@shielded
class Leases:
    """The lead of this database. It is held for a `term`, and renewed before that is over.

    On a server the time is the server's, so that the clocks of the copies play no part. A SQLite file has no clock but
    the machine's, which may be set while the bot runs: there a holder counts as gone when the kernel says so, or when
    its row stood still for a whole term.
    """

    def __init__(
        self,
        database: Database,
        *,
        term: timedelta = timedelta(seconds=15),
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.term = term
        self.is_shared = database.is_server
        """Whether a copy that does not lead may run beside the one that does."""
        self._database = database
        self._elapsed = elapsed
        self._life = ProcessLock(database.path)
        self._me = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(8)}"
        self._since = datetime.now(UTC)
        self._epoch: int | None = None
        self._renewed_at = 0.0
        self._seen: tuple[object, float] | None = None
        self._lost = asyncio.Event()

    @property
    def was_taken(self) -> bool:
        """Whether this copy led at any time since its start."""
        return self._epoch is not None

    @property
    def is_held(self) -> bool:
        """Whether this copy leads for certain, at this moment."""
        left = self._renewed_at + self.term.total_seconds() * (1 - _MARGIN) - self._elapsed()
        return self._epoch is not None and not self._lost.is_set() and left > 0

    def ensure(self) -> None:
        """Do nothing, or raise LeaseLost when this copy led and does not lead for certain any more.

        To be called before each post and each email. A process that never led, such as a command, may go on.
        """
        if self._epoch is not None and not self.is_held:
            raise LeaseLost("Another copy of the bot may lead by now, so this one sends nothing.")

    async def until_lost(self) -> None:
        """Wait until another copy leads; LeaseLost then."""
        with interruptible():
            await self._lost.wait()
        raise LeaseLost("This copy of the bot stood still, and another one took over. It stops; the other one goes on.")

    async def take(self) -> bool:
        """Take the lead if nobody has it, or renew it; whether it is ours."""
        began = self._elapsed()
        async with self._database.lease() as connection:
            await insert_new(connection, lease, {"name": _NAME, "epoch": 0})
            row = (await connection.execute(select(lease).where(lease.c.name == _NAME).with_for_update())).one()
            now = await _now(connection)
            if not self._may_take(row, now):
                return False
            ours = {"holder": self._me, "epoch": row.epoch + 1, "until": now + self.term}
            who = {"host": socket.gethostname(), "pid": os.getpid(), "started_at": self._since}
            this = update(lease).where(lease.c.name == _NAME)
            await connection.execute(this.values(**ours, **who, version=version("evaluator-bot")))
        self._life.keep(self._me)
        self._epoch, self._renewed_at = row.epoch + 1, began
        self._database.guard = self._fence
        return True

    async def renew(self) -> None:
        """Say that this copy lives and leads. LeaseLost when another one took over."""
        began = self._elapsed()
        async with self._database.lease() as connection:
            later = {"until": await _now(connection) + self.term}
            found = await connection.execute(update(lease).where(*self._ours()).values(later))
        if not found.rowcount:
            self._lost.set()
            raise LeaseLost("Another copy of the bot took over.")
        self._life.keep(self._me)  # the one before may have ended only now
        self._renewed_at = began

    async def release(self) -> None:
        """Give the lead back, if it is ours, so that the next copy need not wait."""
        if self._epoch is None:
            return
        async with self._database.lease() as connection:
            await connection.execute(update(lease).where(*self._ours()).values(holder=None, until=None))
        self._life.release()

    async def clear(self) -> None:
        """Let nobody hold the lead: for a database that no copy of the bot has open."""
        async with self._database.lease() as connection:
            await connection.execute(update(lease).where(lease.c.name == _NAME).values(holder=None, until=None))

    async def holder(self) -> Holder | None:
        """The living copy that leads; None when there is none, also where there is no such table yet."""
        async with self._database.read() as connection:
            if not await connection.run_sync(lambda c: inspect(c).has_table(lease.name)):
                return None
            row = (await connection.execute(select(lease).where(lease.c.name == _NAME))).first()
            if row is None or row.holder is None or row.holder == self._me:
                return None
            now = await _now(connection)
        if self._life.died(row.holder):
            return None
        is_over = row.until <= now or row.until > now + self.term * 2  # a clock that was wrong then, or is now
        return None if is_over and not self._life.is_alive(row.holder) else _holder(row)

    def close(self) -> None:
        """Let go of what a process holds for as long as it lives."""
        self._life.release()

    def _may_take(self, row: Row[Any], now: datetime) -> bool:
        if row.holder is None or row.holder == self._me:
            return True
        if (self.is_shared and row.until <= now) or self._life.died(row.holder):
            return True
        seen = (row.holder, row.epoch, row.until)
        if self._seen is None or self._seen[0] != seen:
            self._seen = (seen, self._elapsed())
        return self._elapsed() - self._seen[1] >= self.term.total_seconds()

    def _ours(self) -> tuple[Any, ...]:
        return lease.c.name == _NAME, lease.c.holder == self._me, lease.c.epoch == self._epoch

    async def _fence(self, connection: AsyncConnection) -> None:
        """Let nothing be written once another copy leads; the row stays as it is until the transaction ends."""
        if await connection.scalar(_LEADS, {"me": self._me, "mine": self._epoch}) is None:
            self._lost.set()
            raise LeaseLost("Another copy of the bot took over, so this one writes nothing.")


def _holder(row: Row[Any]) -> Holder:
    return Holder(host=row.host, pid=row.pid, since=row.started_at, version=row.version)


async def _now(connection: AsyncConnection) -> datetime:
    """The time by the clock of the database, which goes on within a transaction."""
    if connection.dialect.name == "postgresql":
        clock = func.clock_timestamp(type_=Instant)
    else:
        clock = func.strftime("%Y-%m-%d %H:%M:%f000", "now", type_=Instant)
    found: datetime = (await connection.execute(select(clock))).scalar_one()
    return found
