"""The migrations build what `schema.py` says, once, for everybody who starts."""

import asyncio
import json
import re
import stat
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text

from bot.domain.dnc import Authority, DncEntry, DncLift, DncScope, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import CardRef
from bot.domain.history import DncAdded, DncLifted, Entry, MailEvent
from bot.domain.incidents import UNWIPED, Incident, IncidentSource, OpenIncident
from bot.domain.mail import LawfulBasis, MailState
from bot.domain.outbox import ApiMethod
from bot.errors import StoreError
from bot.security.keyring import Keyring
from bot.store import open_store
from bot.store.engine.database import Database
from bot.store.engine.migrate import newest, upgrade
from bot.store.engine.sqlite_files import inspect_database
from bot.store.mail.repository import ClaimedMail, QueuedMail
from bot.store.new_tables import create_tables
from bot.store.schema import do_not_contact, evaluation, metadata
from tests.builders import FREELY, NOON, dnc_entry, license_, nov, trial
from tests.postgres import needs_a_server
from tests.store.earlier import GENERATION, Row, contents, upgrade_to, write_earlier
from tests.store.steps import SECRET, mark, report, rows, take

pytestmark = pytest.mark.migrations

HOUR = timedelta(hours=1)


@pytest.fixture
async def migrated(url: str) -> AsyncIterator[Connection]:
    """A connection to a file whose tables were made by the migrations alone."""
    database = Database(url)
    async with database.write() as connection:
        await connection.run_sync(upgrade_to, "head")
    await database.close()
    engine = create_engine(url.replace("+aiosqlite", ""))
    with engine.connect() as reading:
        yield reading
    engine.dispose()


@pytest.fixture
def created() -> Iterator[Connection]:
    """A connection to a new database, with the tables as a start makes them."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        create_tables(connection, newest(), GENERATION)
        yield connection
    engine.dispose()


def _tables(connection: Connection) -> dict[str, object]:
    """Every table with its columns and constraints in any order, and every index as SQL, with its condition."""
    made = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    # One column a line; but SQLite writes those that ALTER TABLE adds into the line of the last one.
    lines = {name: re.split(r"\n|, (?=[a-z_]+ [A-Z])", sql.removesuffix(")")) for name, sql in made}
    return {name: sorted(line.strip(" \t,") for line in found) for name, found in lines.items()}


def test_they_build_the_same_tables_as_the_schema(migrated: Connection) -> None:
    assert compare_metadata(MigrationContext.configure(migrated), metadata) == []


def test_they_build_the_same_columns_constraints_and_indexes_as_a_new_file_has(
    migrated: Connection, created: Connection
) -> None:
    assert _tables(migrated) == _tables(created)


def test_a_new_file_holds_what_they_leave_in_an_empty_one(migrated: Connection, created: Connection) -> None:
    assert contents(created) == contents(migrated)


def _constraints(connection: Connection) -> set[str]:
    found = inspect(connection)
    return {
        each["name"] or ""
        for table in metadata.tables
        for each in (
            found.get_pk_constraint(table),
            *found.get_foreign_keys(table),
            *found.get_unique_constraints(table),
        )
    }


async def test_they_name_every_constraint_as_the_schema_does(database_url: str) -> None:
    wanted = {str(each.name) for table in metadata.sorted_tables for each in table.constraints}
    async with open_store(database_url, secret_keys=[SECRET]) as store, store.database.read() as connection:
        assert await connection.run_sync(_constraints) == wanted


@needs_a_server
async def test_on_postgresql_they_build_the_same_indexes_and_constraints(postgres: str) -> None:
    def built(connection: Connection) -> set[tuple[str, str]]:
        indexes = connection.execute(
            text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()")
        )
        constraints = connection.execute(
            text(
                "SELECT conname, conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint "
                "WHERE connamespace = current_schema()::regnamespace"
            )
        )
        return {
            (name, definition.replace(" wanted.", " public."))
            for name, definition in (*indexes, *constraints)
            if not name.startswith("alembic_version")
        }

    def wanted(connection: Connection) -> set[tuple[str, str]]:
        connection.execute(text("CREATE SCHEMA wanted"))
        connection.execute(text("SET LOCAL search_path = wanted"))
        metadata.create_all(connection)
        return built(connection)

    async with open_store(postgres, secret_keys=[SECRET]) as store, store.database.write() as connection:
        assert await connection.run_sync(built) == await connection.run_sync(wanted)


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
        await connection.execute(text("UPDATE installation SET oldest_beside = '99.0'"))
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
    reported = {"recipient": "technical", "to": "ana@acme.example", "subject": "Welcome", "body": "Dear Ana Ash"}
    given = {
        "ana": keys.address_hash("ana@acme.example"),
        "bo": keys.address_hash("bo@acme.example"),
        "contacts": keys.encrypt('[{"email": "ana@acme.example", "name": "Ana Ash", "forgotten": false}, null]'),
        "letter": keys.encrypt(json.dumps(reported)),
        "address": keys.encrypt("ana@acme.example"),
        "nothing": keys.encrypt(""),
    }
    database = Database(url)
    async with database.write() as connection:
        await connection.run_sync(upgrade_to, "0001")
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
        assert [(mark["reason"], mark["note"]) for mark in held["do_not_contact"]] == [
            ("team", "Ana Ash rang"),
            ("asked", ""),
        ]
        assert card.last == Entry(
            at=NOON + timedelta(hours=1),
            actor="U0CY",
            fact=DncLifted(entry_id=1, note="Ana Ash rang again"),
        )
        ana = DncTarget.of_address("ana@acme.example")
        assert (await store.dnc.lift(ana, DncLift(authority=Authority.MEMBER, by="U0BO", at=NOON))).changed
        again = await store.mails.resend(1, FREELY, by="U0CY", at=NOON)
        assert isinstance(again, QueuedMail)
        await store.database.wipe()
    assert b"Ana Ash" not in file.read_bytes()


SEEN = license_(aliases=frozenset({"E-1"}), carried_over=frozenset({("tier", nov(21))}), tier="10 users")
ANA = DncTarget.of_address("ana@acme.example")
BIRCH = DncTarget(scope=DncScope.DOMAIN, value="birch.example")
FAILING = Incident(source=IncidentSource.POLL, code="keeps_failing")
RENAMED = {"seen_row": "processed_row", "press": "interaction", "trouble": "incident"}


def rows_of_0005(keys: Keyring) -> list[Row]:
    """A license with a card in Slack, on which all was done that leaves a row in a renamed table or column."""
    letter = {"template": "welcome", "recipient": "technical", "subject": "Hi", "body": "Dear Ana", "to": ANA.key}
    a_mail = {"evaluation_id": 7, "address_key": keys.address_hash(ANA.key), "actor": "U0BO", "at": NOON}
    a_mail |= {"content": keys.encrypt(json.dumps(letter))}
    of_ana = {"scope": "address", "subject_key": keys.target_hash(ANA), "subject": keys.encrypt(ANA.key)}
    of_birch = {"scope": "domain", "subject_key": keys.target_hash(BIRCH), "subject": keys.encrypt(BIRCH.key)}
    a_license = {
        "id": 3,
        "app_key": SEEN.app_key,
        "app_name": SEEN.app_name,
        "hosting": SEEN.hosting,
        "license_type": SEEN.license_type,
        "status": SEEN.status,
        "starts": SEEN.starts,
        "updated": SEEN.updated,
        "ends": SEEN.ends,
        "latest_evaluation": SEEN.latest_evaluation,
        "tier": SEEN.tier,
        "company": SEEN.company,
        "company_key": "acme",
        "contacts": keys.encrypt(json.dumps([{"email": ANA.key, "name": "Ana Ash", "forgotten": False}, None])),
        "technical_key": keys.address_hash(ANA.key),
        "atlassian": False,
        "migration": False,
        "kept": {"tier": "2026-11-21"},
        "first_seen": NOON,
    }
    an_evaluation = {"id": 7, "license_id": 3, "started": nov(20), "ends": SEEN.ends, "state": "running"}
    an_evaluation |= {"told": nov(22), "first_seen": NOON, "channel": "C0CARDS", "card_ts": "7.0"}
    return [
        ("license", a_license),
        ("license_alias", {"alias": "E-1", "app_key": SEEN.app_key, "license_id": 3}),
        ("seen_row", {"digest": keys.row_digest("a row of the report"), "license_id": 3}),
        ("evaluation", an_evaluation),
        (
            "mail",
            {**a_mail, "id": 11, "template": "welcome", "ground": "REQUEST", "state": "sent", "message_id": "<1@x>"},
        ),
        (
            "mail",
            {**a_mail, "id": 12, "template": "ending", "ground": "CONSENT", "state": "held", "message_id": "<2@x>"}
            | {"due_at": NOON},
        ),
        (
            "do_not_contact",
            {**of_ana, "cause": "asked", "note": keys.encrypt("Ana rang"), "actor": "U0BO", "at": NOON}
            | {"lifted_at": NOON + HOUR, "lifted_by": "U0CY", "lifted_note": keys.encrypt("Ana wrote")},
        ),
        ("do_not_contact", {**of_birch, "cause": "team", "note": keys.encrypt("A rival"), "actor": "U0BO", "at": NOON}),
        ("do_not_contact", {**of_birch, "cause": "legal", "actor": "U0CY", "at": NOON + HOUR}),
        (
            "history",
            {"evaluation_id": 7, "at": NOON, "kind": "mail_sent", "actor": "U0BO"}
            | {"details": {"template": "welcome", "error": "", "mail": "11", "ground": "REQUEST"}},
        ),
        (
            "history",
            {"evaluation_id": 7, "at": NOON, "kind": "do_not_contact", "actor": "U0BO"}
            | {"details": {"cause": "asked", "mark": "1"}},
        ),
        (
            "delivery",
            {"id": 21, "kind": "note", "channel": "C0CARDS", "evaluation_id": 7, "history_id": 1, "state": "due"}
            | {"at": NOON, "due_at": NOON},
        ),
        ("poll", {"started_at": NOON, "finished_at": NOON, "whole": True, "good": True, "rows": 5}),
        ("poll", {"started_at": NOON + HOUR, "finished_at": NOON + HOUR, "error": "No answer."}),
        ("trouble", {"kind": "keeps_failing", "since": NOON}),
        ("press", {"key": "handled", "at": NOON, "done": True}),
        ("press", {"key": "cut off", "at": NOON}),
    ]


async def _contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    database = Database(url)
    async with database.read() as connection:
        found = await connection.run_sync(contents)
    await database.close()
    return {name: rows for name, rows in found.items() if name not in {"alembic_version", "key_check"}}


async def test_every_row_of_0005_is_there_under_the_new_names(database_url: str) -> None:
    await write_earlier(database_url, "0005", *rows_of_0005(Keyring([SECRET])))
    before = await _contents(database_url)
    async with open_store(database_url, secret_keys=[SECRET]):
        pass
    assert all(before[name] for name in ("license", "evaluation", "mail", "do_not_contact", "poll", *RENAMED))
    after = await _contents(database_url)
    assert len(after.pop("incident")) == len(before.pop("trouble"))
    assert after.pop("company_word") == [("acme", "acme")]
    new = after.keys() - {RENAMED.get(name, name) for name in before}
    assert [after.pop(name) for name in new] == [[]] * len(new)
    width = len(before["evaluation"][0])
    assert {row[width : width + 5] for row in after["evaluation"]} == {(None,) * 5}
    assert {row[width + 5 :] for row in after["evaluation"]} == {("com.example.roadmap", True, None)}
    after["evaluation"] = [row[:width] for row in after["evaluation"]]
    for name in ("license", "do_not_contact", "installation"):
        width = len(before[name][0])
        assert {field for row in after[name] for field in row[width:]} == {None}
        after[name] = [row[:width] for row in after[name]]
    assert after == {RENAMED.get(name, name): rows for name, rows in before.items()}


async def test_what_0005_knew_is_known_under_the_new_names(database_url: str) -> None:
    await write_earlier(database_url, "0005", *rows_of_0005(Keyring([SECRET])))
    async with open_store(database_url, secret_keys=[SECRET]) as store:
        card = await store.evaluations.card(7)
        assert card is not None
        assert card.evaluation.license == SEEN
        assert card.evaluation.trial == trial(reported_on=nov(22))
        assert card.evaluation.card == CardRef(channel="C0CARDS", ts="7.0")
        assert [(each.template, each.attempt.state) for each in card.mails] == [
            ("welcome", MailState.SENT),
            ("ending", MailState.QUEUED),
        ]
        assert card.last is not None
        assert card.last.fact == DncAdded(reason=DncReason.ASKED, entry_id=1, note="Ana rang")
        [note] = await store.outbox.claim(ApiMethod.POST, now=NOON)
        assert note.entry is not None
        assert isinstance(note.entry.fact, MailEvent)
        assert note.entry.fact.basis is LawfulBasis.REQUEST

        assert await store.dnc.find_active([ANA]) is None
        marks = [(each.target, each.reason, each.note, each.by) for each in await store.dnc.list_active()]
        assert marks == [(BIRCH, DncReason.TEAM, "A rival", "U0BO"), (BIRCH, DncReason.LEGAL, "", "U0CY")]
        held = await store.personal_data.export(ANA.key, at=NOON, by="somebody")
        assert [each["lawful_basis"] for each in held["mails"]] == ["REQUEST", "CONSENT"]
        assert [(each["reason"], each["note"]) for each in held["do_not_contact"]] == [("asked", "Ana rang")]

        sweep, latest = await store.polls.last_good(is_full=True), await store.polls.last()
        assert sweep is not None
        assert latest is not None
        assert (sweep.started_at, sweep.is_full, sweep.stats.rows) == (NOON, True, 5)
        assert (latest.started_at, latest.is_full, latest.error) == (NOON + HOUR, False, "No answer.")
        assert await store.incidents.list_open() == [OpenIncident(incident=FAILING, since=NOON)]
        digests = await store.licenses.filter_new(["a row of the report", "another row"])
        assert [digest is None for digest in digests] == [True, False]
        assert await store.interactions.forget_interrupted() == 1
        assert [await store.interactions.record(key, at=NOON) for key in ("handled", "cut off")] == [False, True]


async def test_what_0005_knew_goes_on_under_the_new_names(database_url: str) -> None:
    await write_earlier(database_url, "0005", *rows_of_0005(Keyring([SECRET])))
    async with open_store(database_url, secret_keys=[SECRET]) as store:
        claimed = await take(store, now=NOON)
        assert isinstance(claimed, ClaimedMail)
        assert claimed.mail_id == 12
        assert not (await mark(store, str(BIRCH), dnc_entry(reason=DncReason.TEAM))).changed
        assert (await mark(store, ANA.key)).changed
        assert await store.polls.begin(at=NOON, is_full=True) == 3
        assert await store.incidents.close([FAILING], "Over.", to=[], at=NOON)
        await report(store, SEEN, license_(aliases=frozenset({"E-2"})))
        assert [row.id for row in await rows(store, evaluation)] == [7, GENERATION + 1]
        assert len(await rows(store, do_not_contact)) == 4


async def test_a_wrong_key_is_noticed_in_a_file_of_0005_by_its_do_not_contact_entries(url: str, file: Path) -> None:
    right, wrong = Keyring([SECRET]), Keyring(["another key for tests that is long enough"])
    await write_earlier(url, "0005", *(row for row in rows_of_0005(right) if row[0] == "do_not_contact"))
    assert inspect_database(file, right).problems == []
    assert "SECRET_KEY" in inspect_database(file, wrong).problems[0]
    with pytest.raises(StoreError, match="SECRET_KEY"):
        async with open_store(url, secret_keys=["another key for tests that is long enough"]):
            pass
    async with open_store(url, secret_keys=[SECRET]) as store:
        assert len(await store.dnc.list_active()) == 2
    assert inspect_database(file, right).problems == []
    assert "SECRET_KEY" in inspect_database(file, wrong).problems[0]


PACKED = {
    "token_refused": Incident(source=IncidentSource.POLL, code="token_refused"),
    "sweep_keeps_failing": Incident(source=IncidentSource.SWEEP, code="keeps_failing"),
    "rows_unread": Incident(source=IncidentSource.ROWS, code="unread"),
    "no_mail": Incident(source=IncidentSource.MAIL, code="unavailable"),
    "mail_refused": Incident(source=IncidentSource.MAIL, code="refused"),
    "bounce_unclear": Incident(source=IncidentSource.BOUNCES, code="unclear"),
    "no_presses": Incident(source=IncidentSource.SOCKET, code="down"),
    "erased data in the log": UNWIPED,
    "clock +3600": Incident(source=IncidentSource.CLOCK, code="set", seconds=3600),
    "clock -90": Incident(source=IncidentSource.CLOCK, code="set", seconds=-90),
    "slack post * token_revoked": Incident(source=IncidentSource.SLACK, method=ApiMethod.POST, code="token_revoked"),
    "slack update C0CARDS is_archived": Incident(
        source=IncidentSource.SLACK, method=ApiMethod.UPDATE, channel="C0CARDS", code="is_archived"
    ),
    "slack look C0CARDS missing_scope channels:history,groups:history": Incident(
        source=IncidentSource.SLACK,
        method=ApiMethod.HISTORY,
        channel="C0CARDS",
        code="missing_scope",
        scopes=("channels:history", "groups:history"),
    ),
}


async def test_every_incident_of_0006_is_unpacked_and_closes(database_url: str) -> None:
    unreadable = ("poll", "slack", "slack call C0CARDS is_archived", "clock soon")
    rows = [("incident", {"kind": kind, "since": NOON}) for kind in (*PACKED, *unreadable)]
    await write_earlier(database_url, "0006", *rows)
    async with open_store(database_url, secret_keys=[SECRET]) as store:
        found = await store.incidents.list_open()
        # The start wiped the files, and with that closed the incident about them.
        assert {each.incident for each in found} == set(PACKED.values()) - {UNWIPED}
        assert {each.since for each in found} == {NOON}
        assert await store.incidents.close(set(PACKED.values()), "", to=(), at=NOON)
        assert await store.incidents.list_open() == []
