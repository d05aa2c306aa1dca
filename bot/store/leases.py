"""The lease: its holder, the leader, alone polls, posts and sends. Once a leader lost it, nothing that it has in hand
is written.

Every copy answers presses. So a transaction is checked only if it belongs to the leader's work: that runs inside
`Leases.as_leader`, and all tasks that are started there belong to it.
"""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any, Final, NoReturn

from sqlalchemy import Row, bindparam, func, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.concurrency.shield import interruptible, shielded
from bot.errors import LeaseLost
from bot.store.columns import Instant
from bot.store.engine.database import Database
from bot.store.engine.migrate import is_newer
from bot.store.engine.process_lock import ProcessLock
from bot.store.mapping import insert_new
from bot.store.schema import lease

_NAME: Final = "main"
_BEGINS_UNTIL: Final = 10 / 15
_LEADS_UNTIL: Final = 13 / 15
"""The fractions of the term after which a holder that was not renewed begins nothing more, and ends what it does. It
counts by its own clock, and another copy may count from a moment earlier.
"""
_WRITES_NOTHING: Final = "Another copy of the bot took over, so this one writes nothing."
_NO_FENCE: Final = ("", 0)
_WORKS_FOR: Final = ContextVar("works_for", default=_NO_FENCE)
"""The holder and epoch whose work the present task does."""

_ROW: Final = select(lease).where(lease.c.name == _NAME)
_LEADS: Final = (
    select(lease.c.epoch)
    .where(lease.c.name == _NAME, lease.c.holder == bindparam("me"), lease.c.epoch == bindparam("mine"))
    .with_for_update(read=True, key_share=True)
)
"""The lock keeps another copy from taking the lease, which locks the whole row, but not the holder from renewing it,
which changes no key: a transaction may be longer than the lease.
"""


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
        self.on_lost: Callable[[], None] = lambda: None
        """Called at once when this copy learns that it does not lead any more."""
        self.free_in = 0.0
        """Seconds until the holder's term ends, as of the last look; on a server."""
        self.tables: str | None = None
        """The version of the tables when this copy started; None for that of the code."""
        self.is_outdated = False
        """Whether a newer version has upgraded the database since then, so that this copy does not lead."""
        database.guard = self._fence

    @property
    def was_taken(self) -> bool:
        """Whether this copy leads, as far as it knows: it took the lease and has not heard that it lost it."""
        return self._epoch is not None

    @property
    def seconds_left(self) -> float:
        """How long this copy certainly leads if it cannot renew its lease; not above 0 if it does not."""
        return self._left(_LEADS_UNTIL)

    @property
    def is_held(self) -> bool:
        """Whether this copy certainly leads at this moment."""
        return self.seconds_left > 0

    @contextmanager
    def as_leader(self) -> Iterator[None]:
        """Do the leader's work of the present term inside the block. Without the lease, its transactions fail."""
        token = _WORKS_FOR.set((self._me, self._epoch or 0))
        try:
            yield
        finally:
            _WORKS_FOR.reset(token)

    def ensure(self) -> None:
        """Raise LeaseLost if this is the leader's work and this copy no longer leads for certain.

        Call this before each post and each email. A process that never led, such as a command, may go on.
        """
        if _WORKS_FOR.get() != _NO_FENCE and (self._is_stale() or self._left(_BEGINS_UNTIL) <= 0):
            raise LeaseLost("Another copy of the bot may lead by now, so this one sends nothing.")

    async def until_lost(self) -> None:
        """Wait until another copy leads, then raise LeaseLost. On a server, wait on: this copy stands by again."""
        with interruptible():
            await (asyncio.Event() if self.is_shared else self._lost).wait()
        raise LeaseLost("This copy of the bot stood still, and another one took over. It stops; the other one goes on.")

    async def take(self) -> bool:
        """Take the lease if it is free, or renew it. Return whether this copy holds it."""
        began = self._elapsed()
        async with self._database.lease() as connection:
            if self.is_shared and not await self._is_free(connection):
                return False
            await insert_new(connection, lease, {"name": _NAME, "epoch": 0})
            row = (await connection.execute(_ROW.with_for_update())).one()
            now = await _now(connection)
            if await self._outdated(connection) or not self._may_take(row, now):
                return False
            ours = {"holder": self._me, "epoch": row.epoch + 1, "until": now + self.term}
            who = {"host": socket.gethostname(), "pid": os.getpid(), "started_at": self._since}
            this = update(lease).where(lease.c.name == _NAME)
            await connection.execute(this.values(**ours, **who, version=version("evaluator-bot")))
        self._life.keep(self._me)
        self._epoch, self._renewed_at, self.was_released = row.epoch + 1, began, row.holder is None
        self._lost.clear()
        return True

    async def renew(self) -> None:
        """Renew the lease of this copy. Raises LeaseLost if another copy took over, or must."""
        began = self._elapsed()
        async with self._database.lease() as connection:
            is_outdated = await self._outdated(connection)
            later = {"until": await _now(connection) + self.term}
            found = await connection.execute(update(lease).where(*self._ours()).values(later))
        if is_outdated:
            await self.release()
            self._lose("A newer version of the bot has upgraded the database, so this copy no longer leads.")
        if not found.rowcount:
            self._lose("Another copy of the bot took over.")
        self._life.keep(self._me)  # the one before may have ended only now
        self._renewed_at = began

    async def release(self) -> None:
        """Release the lease if this copy holds it, so that the next copy need not wait."""
        if self._epoch is None:
            return
        async with self._database.lease() as connection:
            await connection.execute(update(lease).where(*self._ours()).values(holder=None, until=None))
            if self.is_shared:
                await self._database.hints.give(connection, (lease.name,))
        self._epoch = None
        self._life.release()

    async def until_released(self, *, seconds: float) -> None:
        """Wait until a copy says that it released the lease, but no longer than this."""
        with interruptible():
            await self._database.written(self._database.writes, seconds=seconds, to=(lease,))

    async def status(self) -> LeaseStatus:
        """Return who leads now. Raises StoreError if the database does not answer."""
        async with self._database.read() as connection:
            row = (await connection.execute(_ROW)).first()
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
            row = (await connection.execute(_ROW)).first()
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

    def _left(self, fraction: float) -> float:
        if self._epoch is None or self._lost.is_set():
            return 0.0
        return self._renewed_at + self.term.total_seconds() * fraction - self._elapsed()

    def _is_stale(self) -> bool:
        """Return whether the present task works for a term that is over."""
        return _WORKS_FOR.get() != (self._me, self._epoch)

    def _lose(self, why: str) -> NoReturn:
        self._epoch = None
        self._lost.set()
        self.on_lost()
        raise LeaseLost(why)

    async def _outdated(self, connection: AsyncConnection) -> bool:
        self.is_outdated = await connection.run_sync(is_newer, self.tables)
        return self.is_outdated

    async def _is_free(self, connection: AsyncConnection) -> bool:
        """Look without a lock, which would hold up the leader."""
        row = (await connection.execute(_ROW)).first()
        if row is None or row.holder is None:
            return True
        now = await _now(connection)
        self.free_in = (row.until - now).total_seconds()
        return self._may_take(row, now)

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
        """Raise LeaseLost if this is the work of a leader that leads no more. The row stays as it is until the
        transaction ends.
        """
        me, epoch = _WORKS_FOR.get()
        if me != self._me:
            return
        if await connection.scalar(_LEADS, {"me": me, "mine": epoch}) is None:
            if epoch == self._epoch:
                self._lose(_WRITES_NOTHING)
            raise LeaseLost(_WRITES_NOTHING)


def _holder(row: Row[Any]) -> Holder:
    return Holder(host=row.host, pid=row.pid, since=row.started_at, version=row.version)


async def _now(connection: AsyncConnection) -> datetime:
    """Return the time by the clock of the database, which advances within a transaction. SQLite has the machine's."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    found: datetime = (await connection.execute(select(func.clock_timestamp(type_=Instant)))).scalar_one()
    return found
