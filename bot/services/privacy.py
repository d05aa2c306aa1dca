"""Forget contacts after the retention period."""

from datetime import datetime, timedelta

import structlog

from bot.store import Store

log = structlog.get_logger()


async def apply_retention(store: Store, *, retention: timedelta, at: datetime) -> None:
    """Forget contacts without any event for this long."""
    if forgotten := await store.personal_data.apply_retention(at - retention, at=at):
        log.info("contacts_forgotten", licenses=forgotten)
