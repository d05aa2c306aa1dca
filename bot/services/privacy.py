"""Forget contacts after the retention period, and erase again who a restored backup brought back."""

from datetime import datetime, timedelta

import structlog

from bot.store import Store

log = structlog.get_logger()


async def apply_retention(store: Store, *, retention: timedelta, at: datetime) -> None:
    """Forget contacts without any event for this long."""
    if forgotten := await store.personal_data.apply_retention(at - retention, at=at):
        log.info("contacts_forgotten", licenses=forgotten)


async def erase_again(store: Store, *, at: datetime) -> None:
    """Repeat the erasures on record, in case a restored backup holds these people again."""
    found = await store.personal_data.erase_again(at=at, by="evaluator-bot")
    if found.people:
        log.info("people_erased_again", people=found.people, licenses=found.licenses, mails=found.mails)
