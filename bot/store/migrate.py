"""Bring the tables up to date."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from bot.errors import StoreError
from bot.store.database import Database
from bot.store.generation import first_generation

SCRIPTS: Final = Path(__file__).with_name("migrations")


async def upgrade(
    database: Database, *, seal: Callable[[str], bytes], generation: Callable[[], int] | None = None
) -> str:
    """Apply what is missing, in one transaction; the schema's version. StoreError for a schema newer than this code.

    `seal` encrypts what an older schema kept in the open. `generation` gives a database its first one, at random.
    """
    async with database.write() as connection:
        return await connection.run_sync(_upgrade, seal, generation or first_generation)


def newest() -> str:
    """Return the version of the schema that this code knows."""
    return max(path.name.partition("_")[0] for path in (SCRIPTS / "versions").glob("[0-9]*.py"))


def _upgrade(connection: Connection, seal: Callable[[str], bytes], generation: Callable[[], int]) -> str:
    if inspect(connection).has_table("alembic_version"):
        current = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if current == newest():
            return newest()
    return _migrated(connection, seal, generation)


def _migrated(connection: Connection, seal: Callable[[str], bytes], generation: Callable[[], int]) -> str:
    # It takes nine megabytes that an idle bot would keep for ever, and is needed once a release.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["seal"] = seal
    config.attributes["generation"] = generation
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise StoreError(
            "The database was written by a newer version of Evaluator Bot. Install that version, or put back a backup."
        )
    command.upgrade(config, "head")
    return str(scripts.get_current_head())
