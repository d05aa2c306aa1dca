from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import LargeBinary
from sqlalchemy.exc import StatementError

from bot.store import Store
from bot.store.engine.sqlite_files import SEALED
from bot.store.schema import metadata, poll
from tests.store.steps import rows


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param(datetime(2026, 11, 23, 12, tzinfo=UTC), datetime(2026, 11, 23, 12, tzinfo=UTC), id="UTC"),
        pytest.param(
            datetime(2026, 11, 23, 0, 30, tzinfo=ZoneInfo("Europe/Berlin")),
            datetime(2026, 11, 22, 23, 30, tzinfo=UTC),
            id="Berlin, where the day is another one",
        ),
        pytest.param(
            datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
            datetime(2026, 11, 23, 15, 30, 0, 123456, tzinfo=UTC),
            id="an odd offset, to the microsecond",
        ),
    ],
)
async def test_a_time_is_read_in_utc_whatever_its_zone_was(store: Store, written: datetime, read: datetime) -> None:
    await store.polls.begin(at=written)

    [row] = await rows(store, poll)

    assert (row.started_at, row.started_at.tzinfo) == (read, UTC)


async def test_a_time_whose_zone_nobody_knows_is_refused(store: Store) -> None:
    with pytest.raises(StatementError, match="a stored time needs a time zone"):
        await store.polls.begin(at=datetime(2026, 11, 23, 12))  # noqa: DTZ001  that is the point

    assert await rows(store, poll) == []


def test_a_backup_is_verified_with_every_column_that_is_encrypted() -> None:
    columns = [(table, each) for table in metadata.tables.values() for each in table.c]
    encrypted = {(table.name, each.name) for table, each in columns if isinstance(each.type, LargeBinary)}
    digests = {("processed_row", "digest"), ("departure", "digest")}
    assert encrypted - digests <= set(SEALED)
