"""All that the bot remembers. One public method is one fact in one transaction; no transaction leaves this package."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.store.bounces import Bounces
from bot.store.database import Database
from bot.store.deliveries import Deliveries
from bot.store.drafts import Drafts
from bot.store.evaluations import Evaluations
from bot.store.installation import Installation
from bot.store.keys import Keys
from bot.store.licenses import Licenses
from bot.store.mails import Mails
from bot.store.migrate import upgrade
from bot.store.opt_outs import OptOuts
from bot.store.people import People
from bot.store.polls import Polls
from bot.store.presses import Presses
from bot.store.troubles import Troubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The database, by noun."""

    bounces: Bounces
    database: Database
    deliveries: Deliveries
    drafts: Drafts
    evaluations: Evaluations
    installation: Installation
    licenses: Licenses
    mails: Mails
    opt_outs: OptOuts
    people: People
    polls: Polls
    presses: Presses
    troubles: Troubles


@asynccontextmanager
async def open_store(url: str, *, secret_keys: Sequence[str]) -> AsyncIterator[Store]:
    """The store at a SQLAlchemy URL, its tables brought up to date. StoreError when it cannot be used."""
    database = Database(url)
    keys = Keys(secret_keys)
    try:
        await upgrade(database, seal=keys.seal)
        store = Store(
            bounces=Bounces(database, keys),
            database=database,
            deliveries=Deliveries(database, keys),
            drafts=Drafts(database, keys),
            evaluations=Evaluations(database, keys),
            installation=Installation(database, keys),
            licenses=Licenses(database, keys),
            mails=Mails(database, keys),
            opt_outs=OptOuts(database, keys),
            people=People(database, keys),
            polls=Polls(database),
            presses=Presses(database),
            troubles=Troubles(database),
        )
        await store.opt_outs.verify_keys()
        yield store
    finally:
        await database.close()
