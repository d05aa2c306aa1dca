"""Arguments that several commands take, and how they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bot.errors import BotError

if TYPE_CHECKING:
    from bot.config.settings import DatabaseSettings
    from bot.domain.dnc import DncTarget
    from bot.store import Store

ACTOR: Final = "command line"
"""Who the audit log names for what a command does."""
EXIT_TRY_LATER: Final = 75
"""EX_TEMPFAIL from sysexits.h."""
_WRITE_PATIENCE_S: Final = 60.0
"""Seconds that a command waits for its turn to write. A bot that sweeps leaves others only short gaps."""
MAX_BYTES: Final = 10_000_000
"""Bytes read of a message or a table; a real one has some thousand."""

Target = Annotated[str, typer.Argument(help="ana@acme.example, @acme.example or acme.atlassian.net", metavar="SUBJECT")]
Address = Annotated[str, typer.Argument(help="An email address.", metavar="ADDRESS")]
Table = Annotated[Path, typer.Argument(help="A CSV file: subject, cause, note, at.", metavar="FILE")]


def read_day(text: str) -> date:
    """Return the day that the text names. Raises ValueError if it names none."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise ValueError(f"{text} is not a day. Write it like 2026-12-31.") from None


def read_target(text: str) -> DncTarget:
    """Return the target that the text names. Raises BadParameter if it names none."""
    from bot.domain.dnc import DncTarget

    found = DncTarget.read(text)
    if found is None:
        raise typer.BadParameter(
            "Write ana@acme.example, @acme.example for a domain, or acme.atlassian.net for a site."
        )
    return found


def read_address(text: str) -> str:
    """Return the address that the text names. An address that no email can reach is accepted, since the report may
    contain it.
    """
    from bot.domain.address import canonical
    from bot.domain.dnc import DncScope, DncTarget

    found = DncTarget.read(text)
    address = found.value if found is not None and found.scope is DncScope.ADDRESS else canonical(text)
    if not all(address.rpartition("@")):
        raise typer.BadParameter("This is not an email address.")
    return address


def unknown_app(names: Iterable[str]) -> typer.BadParameter:
    """Return the error for an app that is not in the report, where these are."""
    return typer.BadParameter(f"No app is called so. Your apps: {', '.join(names) or 'none yet'}.")


def read_file(path: Path) -> bytes:
    """Return the first ten megabytes of a file. Raises BotError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES)
    except OSError as exc:
        raise BotError(f"{path} cannot be read ({exc.strerror}).") from exc


@asynccontextmanager
async def store_of(settings: DatabaseSettings, *, create: bool = True) -> AsyncIterator[Store]:
    """Open the store. Without `create`, nothing is created or brought up to date."""
    from bot.store import open_store

    async with open_store(settings.database_url, secret_keys=settings.secret_key, create=create) as store:
        store.database.write_patience_s = _WRITE_PATIENCE_S
        yield store
