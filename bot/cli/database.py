"""The database commands: upgrade, back up, verify, restore."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.runner import with_database_settings

database = typer.Typer(help="Look after the database.", no_args_is_help=True)

Backup = Annotated[Path, typer.Argument(help="A file that `evaluator-bot db backup` wrote.", metavar="FILE")]
Table = Annotated[Path | None, typer.Option("--dnc", help="A do-not-contact table, as `dnc export` writes it.")]


@database.command()
def upgrade() -> None:
    """Bring the tables up to date. `run` does this at its start, too."""
    from bot.cli import backups

    with_database_settings(backups.upgrade)


@database.command()
def backup(
    target: Annotated[Path, typer.Argument(help="The file to write; it must not exist yet.", metavar="FILE")],
    *,
    dnc: Annotated[
        Path | None, typer.Option("--dnc", help="Write the do-not-contact list to this file, as `dnc export` does.")
    ] = None,
) -> None:
    """Write a copy of the database while the bot runs. For PostgreSQL, it calls pg_dump."""
    from bot.cli import backups

    with_database_settings(partial(backups.backup, target=target, table=dnc))


@database.command()
def verify(file: Backup) -> None:
    """Check that a backup is intact, and that this version and SECRET_KEY can use it."""
    from bot.cli import backups

    with_database_settings(partial(backups.verify, file=file))


@database.command()
def restore(file: Backup, *, dnc: Table = None) -> None:
    """Replace the database with a backup; the current one is kept. Stop the bot first.

    A backup of SQLite can also be restored to an empty PostgreSQL database, to move there.
    """
    from bot.cli import backups

    with_database_settings(partial(backups.restore, file=file, table=dnc))
