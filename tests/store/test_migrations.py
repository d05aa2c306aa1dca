"""The migrations build what `schema.py` says, once, for everybody who starts."""

import asyncio
import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text

from bot.domain.dnc import Authority, DncEntry, DncReason, DncTarget
from bot.domain.history import Entry, Kind
from bot.errors import StoreError
from bot.security.keyring import Keyring
from bot.store import Store, open_store
from bot.store.engine.database import Database
from bot.store.engine.migrate import SCRIPTS, upgrade
from bot.store.mail.repository import QueuedMail
from bot.store.schema import metadata
from tests.builders import FREELY, NOON
from tests.store.steps import SECRET

pytestmark = pytest.mark.migrations


def _indexes(connection: Connection) -> set[str]:
    """Every index as SQL, with its condition."""
    return set(connection.scalars(text("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")))


async def test_they_build_the_same_tables_as_the_schema(store: Store) -> None:
    async with store.database.read() as connection:
        assert await connection.run_sync(lambda c: compare_metadata(MigrationContext.configure(c), metadata)) == []


async def test_they_build_the_same_indexes_with_the_same_conditions(store: Store) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        wanted = _indexes(connection)
    engine.dispose()
    async with store.database.read() as reading:
        assert await reading.run_sync(_indexes) == wanted


async def test_a_second_start_changes_nothing(url: str) -> None:
    for _ in range(2):
        async with open_store(url, secret_keys=[SECRET]) as store, store.database.read() as connection:
            assert await connection.run_sync(lambda c: "evaluation" in inspect(c).get_table_names())


async def test_two_that_start_together_both_succeed(url: str) -> None:
    databases = [Database(url), Database(url)]
    versions = await asyncio.gather(*(upgrade(database, keyring=Keyring([SECRET])) for database in databases))
    for database in databases:
        await database.close()
    assert versions[0] == versions[1]


async def test_a_schema_from_the_future_is_refused_with_what_to_do(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store, store.database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version"):
        async with open_store(url, secret_keys=[SECRET]):
            pass


@pytest.mark.usefixtures("store")
def test_nobody_else_on_the_machine_can_read_the_file(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_folder_that_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="DATABASE_URL"):
        async with open_store(f"sqlite+aiosqlite:///{tmp_path}/nowhere/x.db", secret_keys=[SECRET]):
            pass


BEFORE = """
INSERT INTO license VALUES (1, 'com.example.roadmap', 'Roadmap', 'Cloud', 'EVALUATION', 'active', '2026-11-20',
  '2026-11-23', '2026-12-20', '2026-11-20', NULL, NULL, NULL, NULL, NULL, 'Acme', 'acme', 'acme.example', NULL, NULL,
  :contacts, :ana, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL,
  '2026-11-23 12:00:00.000000', NULL);
INSERT INTO evaluation VALUES (1, 1, '2026-11-20', '2026-12-20', 'running', '', '2026-11-23',
  '2026-11-23 12:00:00.000000', NULL, NULL, 'C0CARDS', '1.0', NULL, NULL);
INSERT INTO mail VALUES (1, 1, 'welcome', :ana, :letter, 'unknown', '<1@vendor.example>', 'U0BO',
  '2026-11-23 12:00:00.000000', '2026-11-23 13:00:00.000000', NULL, 'It broke.');
INSERT INTO do_not_contact VALUES (1, :ana, :address, 'The team decided', 'Ana Ash rang', 'U0BO',
  '2026-11-23 12:00:00.000000', '2026-11-23 13:00:00.000000', 'U0CY', 'Ana Ash rang again');
INSERT INTO do_not_contact VALUES (2, :ana, :address, 'They asked us not to write', '', 'U0BO',
  '2026-11-23 14:00:00.000000', NULL, NULL, NULL);
INSERT INTO do_not_contact VALUES (3, :bo, :nothing, 'They asked Atlassian to be forgotten', '', NULL,
  '2026-11-23 14:00:00.000000', NULL, NULL, NULL);
INSERT INTO history VALUES (1, 1, '2026-11-23 12:00:00.000000', 'do_not_contact', 'U0BO',
  '{"reason": "The team decided", "note": "Ana Ash rang"}');
INSERT INTO history VALUES (2, 1, '2026-11-23 13:00:00.000000', 'contact_again', 'U0CY',
  '{"note": "Ana Ash rang again"}')
"""


async def test_what_the_first_tables_held_is_there_after_the_second_migration_and_notes_are_sealed(
    url: str, file: Path
) -> None:
    keys = Keyring([SECRET])
    told = {"recipient": "technical", "to": "ana@acme.example", "subject": "Welcome", "body": "Dear Ana Ash"}
    given = {
        "ana": keys.address_hash("ana@acme.example"),
        "bo": keys.address_hash("bo@acme.example"),
        "contacts": keys.encrypt('[{"email": "ana@acme.example", "name": "Ana Ash", "forgotten": false}, null]'),
        "letter": keys.encrypt(json.dumps(told)),
        "address": keys.encrypt("ana@acme.example"),
        "nothing": keys.encrypt(""),
    }
    database = Database(url)
    async with database.write() as connection:
        await connection.run_sync(_first_tables)
        for statement in BEFORE.split(";\n"):
            await connection.execute(text(statement), {k: v for k, v in given.items() if f":{k}" in statement})
    await database.close()

    async with open_store(url, secret_keys=[SECRET]) as store:
        card = await store.evaluations.card(1)
        assert card is not None
        assert card.people[0].dnc_entry == DncEntry(
            reason=DncReason.ASKED,
            by="U0BO",
            at=NOON + timedelta(hours=2),
            target=DncTarget.of_address("ana@acme.example"),
        )
        bo = await store.dnc.find_active([DncTarget.of_address("bo@acme.example")])
        assert bo is not None
        assert bo.reason is DncReason.FORGOTTEN
        held = await store.personal_data.export("ana@acme.example", at=NOON, by="somebody")
        assert [(mark["cause"], mark["note"]) for mark in held["do_not_contact"]] == [
            ("team", "Ana Ash rang"),
            ("asked", ""),
        ]
        assert card.last == Entry(
            at=NOON + timedelta(hours=1),
            kind=Kind.CONTACT_AGAIN,
            actor="U0CY",
            details={"mark": "1", "note": "Ana Ash rang again"},
        )
        ana = DncTarget.of_address("ana@acme.example")
        assert (await store.dnc.lift(ana, Authority.MEMBER, note="", by="U0BO", at=NOON)).changed
        again = await store.mails.resend(1, FREELY, by="U0CY", at=NOON)
        assert isinstance(again, QueuedMail)
        await store.database.wipe()
    assert b"Ana Ash" not in file.read_bytes()


def _first_tables(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
