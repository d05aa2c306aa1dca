"""The tables of what comes back from customers: signals of the apps, reasons for leaving, accepted quotes."""

from typing import Final

from sqlalchemy import Column, Index, Table, Text

from bot.store.columns import BytewiseText, Instant, deferred_foreign_key, id_column, partial
from bot.store.schema import metadata

WAITS_FOR_LICENSE: Final = "kind = 'installed' AND outcome IN ('early', 'kept') AND license_at IS NULL"
"""The installations whose license may still follow, as SQL."""

# What apps said of themselves: nothing about people.
app_signal = Table(
    "app_signal",
    metadata,
    id_column("app_signal"),
    Column("key", Text, nullable=False, unique=True),  # the same for each repetition of one request
    Column("app_key", Text, nullable=False),
    Column("kind", Text, nullable=False),  # of SignalKind
    Column("at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("place", BytewiseText, nullable=False),  # the best name of the site
    Column("cloud_id", BytewiseText, index=True),
    Column("site", BytewiseText, index=True),
    Column("aliases", Text, nullable=False),  # ids of the license, separated by spaces
    Column("outcome", Text),  # of SignalOutcome; not set: it has yet to be handled
    Column("evaluation_id", deferred_foreign_key("evaluation.id"), index=True),
    Column("early_end", Text),  # of EarlyEnd: why its early card waits no longer
    Column("license_at", Instant),  # when the report brought the license of an installation
    Index("ix_app_signal_to_do", "id", **partial("outcome IS NULL")),
    Index("ix_app_signal_place", "app_key", "place", "at"),
    Index("ix_app_signal_waits", "app_key", **partial(WAITS_FOR_LICENSE)),
    Index("ix_app_signal_received", "received_at"),
    Index(
        "one_early_card_a_place",
        "app_key",
        "place",
        unique=True,
        **partial("outcome = 'early' AND license_at IS NULL AND early_end IS NULL"),
    ),
)
