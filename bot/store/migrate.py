"""Bring the tables up to date."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.errors import StoreError
from bot.store.database import Database

_SCRIPTS: Final = Path(__file__).with_name("migrations")


async def upgrade(database: Database) -> str:
    """Apply what is missing, in one transaction; the schema's version. StoreError for a schema newer than this code."""
    async with database.write() as connection:
        return await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> str:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise StoreError(
            "The database was written by a newer version of Evaluator Bot. Install that version, or put back a backup."
        )
    command.upgrade(config, "head")
    return str(scripts.get_current_head())
