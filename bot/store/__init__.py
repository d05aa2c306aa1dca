"""Everything the bot remembers. One public method is one fact in one transaction; no transaction leaves
this package.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.errors import DatabaseBusy
from bot.security.keyring import Keyring
from bot.store import key_check
from bot.store.absences import Absences
from bot.store.app_signals import AppSignals
from bot.store.departures import Departures
from bot.store.digests import Digests
from bot.store.dispositions import Dispositions
from bot.store.dnc.repository import DncEntries
from bot.store.engine.connections import files_of
from bot.store.engine.database import Database
from bot.store.engine.migrate import is_outdated, may_upgrade_beside, upgrade, verify
from bot.store.engine.server_check import describe_server
from bot.store.evaluations import Evaluations
from bot.store.exports import Exports
from bot.store.feedback import Feedback
from bot.store.homes import Homes
from bot.store.incidents import Incidents
from bot.store.installation import Installation
from bot.store.interactions import Interactions
from bot.store.leases import Leases
from bot.store.licenses.repository import Licenses
from bot.store.listing import EvaluationLists
from bot.store.mail.bounces import Bounces
from bot.store.mail.drafts import Drafts
from bot.store.mail.replies import Replies
from bot.store.mail.repository import Mails
from bot.store.notes import Notes
from bot.store.outbox.repository import SlackOutbox
from bot.store.polls import Polls
from bot.store.privacy import PersonalData
from bot.store.reminders import ReminderStore
from bot.store.reports import Reports
from bot.store.rotation import Rotation
from bot.store.snoozes import Snoozes
from bot.store.team import Team
from bot.store.team_members import TeamMembers
from bot.store.webhooks.repository import Webhooks

__all__ = ["IDLE_S", "Store", "files_of", "open_store"]


IDLE_S: Final = 30.0
"""Seconds between two looks of a worker that has nothing to do. Only a write can change that, and it ends the wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The database, with one attribute for each kind of thing in it."""

    absences: Absences
    app_signals: AppSignals
    bounces: Bounces
    database: Database
    departures: Departures
    outbox: SlackOutbox
    digests: Digests
    drafts: Drafts
    evaluations: Evaluations
    feedback: Feedback
    exports: Exports
    homes: Homes
    installation: Installation
    leases: Leases
    licenses: Licenses
    lists: EvaluationLists
    mails: Mails
    dispositions: Dispositions
    notes: Notes
    replies: Replies
    snoozes: Snoozes
    dnc: DncEntries
    personal_data: PersonalData
    polls: Polls
    reminders: ReminderStore
    reports: Reports
    rotation: Rotation
    team: Team
    team_members: TeamMembers
    interactions: Interactions
    incidents: Incidents
    webhooks: Webhooks

    async def server(self) -> str:
        """Return what works on the database server, and what to set for the rest; empty for a file."""
        return await describe_server(self.database) if self.database.is_server else ""


@asynccontextmanager
async def open_store(
    url: str, *, secret_keys: Sequence[str], create: bool = True, patience: timedelta = timedelta(0)
) -> AsyncIterator[Store]:
    """Open the store at a SQLAlchemy URL and upgrade its tables. Raises StoreError if it cannot be used.

    Without `create`, nothing is created or upgraded: it raises StoreError if that would be needed. Raises DatabaseBusy
    if a bot of another version still runs on tables that must be changed, after `patience`.
    """
    database = Database(url, create=create)
    keyring, leases = Keyring(secret_keys), Leases(database)
    try:
        await key_check.verify(database, keyring)
        if create:
            if await is_outdated(database):
                await _until_free(database, leases, patience)
            leases.tables = await upgrade(database, keyring=keyring)
            await key_check.remember(database, keyring)
        else:
            await verify(database)
        store = _store(database, keyring, leases)
        await store.dnc.verify_keys()
        await store.personal_data.wipe()
        yield store
    finally:
        leases.close()
        await database.close()


def _store(database: Database, keyring: Keyring, leases: Leases) -> Store:
    return Store(
        absences=Absences(database),
        app_signals=AppSignals(database, keyring),
        bounces=Bounces(database, keyring),
        database=database,
        departures=Departures(database, keyring),
        outbox=SlackOutbox(database, keyring),
        digests=Digests(database, keyring),
        drafts=Drafts(database, keyring),
        evaluations=Evaluations(database, keyring),
        feedback=Feedback(database, keyring),
        exports=Exports(database, keyring),
        homes=Homes(database),
        installation=Installation(database, keyring),
        leases=leases,
        licenses=Licenses(database, keyring),
        lists=EvaluationLists(database, keyring),
        mails=Mails(database, keyring),
        dispositions=Dispositions(database, keyring),
        notes=Notes(database, keyring),
        replies=Replies(database, keyring),
        snoozes=Snoozes(database),
        dnc=DncEntries(database, keyring),
        personal_data=PersonalData(database, keyring),
        polls=Polls(database),
        reminders=ReminderStore(database),
        reports=Reports(database),
        rotation=Rotation(database, keyring),
        team=Team(database),
        team_members=TeamMembers(database, keyring),
        interactions=Interactions(database),
        incidents=Incidents(database),
        webhooks=Webhooks(database, keyring),
    )


async def _until_free(database: Database, leases: Leases, patience: timedelta) -> None:
    ends = time.monotonic() + patience.total_seconds()
    while (holder := await leases.holder()) is not None and not await may_upgrade_beside(database, holder.version):
        if time.monotonic() >= ends:
            raise DatabaseBusy(
                f"A bot of another version runs on this database ({holder}). Stop it before this version changes the "
                "tables; if it was killed just now, try again in 20 seconds."
            )
        await asyncio.sleep(1)
