"""The lease: its holder, the leader, alone polls, posts and sends. A copy that lost the lease writes nothing more."""

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
from bot.store.columns import Instant
from bot.store.engine.database import Database
from bot.store.engine.process_lock import ProcessLock
from bot.store.mapping import insert_new
from bot.store.schema import lease

_NAME: Final = "main"
_MARGIN: Final = 2 / 15
"""The fraction of the term by which a holder stops early, because another copy may count from a moment earlier."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseStatus:
    """Who leads, as far as this copy knows. `epoch` counts the leaders so far."""

    leader: bool
    """Whether this copy leads."""
    holder: str
    """The host and process of the copy that leads, or “nobody”."""
    epoch: int


@shielded
class Leases:
    """The lease of this database. It is held for a `term`, and renewed before the term ends.

    On a server the server's clock decides, so the clocks of the copies do not matter. A SQLite file has only the
    machine's clock, which may be set while the bot runs. There a holder counts as gone if the kernel says so, or if its
    row did not change for a whole term.
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
        """Whether a standby copy may run beside the leader."""
        self.was_released = False
        """Whether the copy before had released the lease when this one took it."""
        self._database = database
        self._elapsed = elapsed
        self._life = ProcessLock(database.path)
        self._me = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(8)}"
        self._since = datetime.now(UTC)
        self._epoch: int | None = None
        self._renewed_at = 0.0
        self._seen: tuple[object, float] | None = None
        self._known = ("nobody", 0)
        self._lost = asyncio.Event()

    @property
    def was_taken(self) -> bool:
        """Whether this copy has led at any time since its start."""
        return self._epoch is not None

    @property
    def is_held(self) -> bool:
        """Whether this copy certainly leads at this moment."""
        left = self._renewed_at + self.term.total_seconds() * (1 - _MARGIN) - self._elapsed()
        return self._epoch is not None and not self._lost.is_set() and left > 0

    def ensure(self) -> None:
        """Raise LeaseLost if this copy led and no longer certainly leads.

        Call this before each post and each email. A process that never led, such as a command, may go on.
        """
        if self._epoch is not None and not self.is_held:
            raise LeaseLost("Another copy of the bot may lead by now, so this one sends nothing.")

    async def until_lost(self) -> None:
        """Wait until another copy leads, then raise LeaseLost."""
        with interruptible():
            await self._lost.wait()
        raise LeaseLost("This copy of the bot stood still, and another one took over. It stops; the other one goes on.")

    async def take(self) -> bool:
        """Take the lease if it is free, or renew it. Return whether this copy holds it."""
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
        self._epoch, self._renewed_at, self.was_released = row.epoch + 1, began, row.holder is None
        self._database.guard = self._fence
        return True

    async def renew(self) -> None:
        """Renew the lease of this copy. Raises LeaseLost if another copy took over."""
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
        """Release the lease if this copy holds it, so that the next copy need not wait."""
        if self._epoch is None:
            return
        async with self._database.lease() as connection:
            await connection.execute(update(lease).where(*self._ours()).values(holder=None, until=None))
        self._life.release()

    async def status(self) -> LeaseStatus:
        """Return who leads now. Raises StoreError if the database does not answer."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(lease).where(lease.c.name == _NAME))).first()
        if row is not None:
            self._known = (f"{row.host}/{row.pid}" if row.holder else "nobody", row.epoch)
        return self.last_status()

    def last_status(self) -> LeaseStatus:
        """Return who led when the database answered last, and whether this copy certainly leads now."""
        holder, epoch = self._known
        if self.is_held and self._epoch is not None:
            holder, epoch = f"{socket.gethostname()}/{os.getpid()}", self._epoch
        return LeaseStatus(leader=self.is_held, holder=holder, epoch=epoch)

    async def clear(self) -> None:
        """Clear the holder of the lease. Call this only for a database that no copy of the bot has open."""
        async with self._database.lease() as connection:
            await connection.execute(update(lease).where(lease.c.name == _NAME).values(holder=None, until=None))

    async def holder(self) -> Holder | None:
        """Return the other copy that is alive and leads; None if there is none, or no such table yet."""
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
        """Release the lock that a process holds for as long as it lives."""
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
        """Raise LeaseLost if another copy leads. The row cannot change until the transaction ends."""
        if await connection.scalar(_LEADS, {"me": self._me, "mine": self._epoch}) is None:
            self._lost.set()
            raise LeaseLost("Another copy of the bot took over, so this one writes nothing.")


def _holder(row: Row[Any]) -> Holder:
    return Holder(host=row.host, pid=row.pid, since=row.started_at, version=row.version)


async def _now(connection: AsyncConnection) -> datetime:
    """Return the time by the clock of the database, which advances within a transaction."""
    if connection.dialect.name == "postgresql":
        clock = func.clock_timestamp(type_=Instant)
    else:
        clock = func.strftime("%Y-%m-%d %H:%M:%f000", "now", type_=Instant)
    found: datetime = (await connection.execute(select(clock))).scalar_one()
    return found
