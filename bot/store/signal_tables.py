"""The tables of what comes back from customers: signals of the apps, reasons for leaving, accepted quotes."""

from typing import Any, Final

from sqlalchemy import Boolean, Column, Date, Index, LargeBinary, Row, Table, Text

from bot.domain.app_signal import AppSignal, SignalKind
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

# Rows of the report about customers who left. Two equal rows are two.
departure = Table(
    "departure",
    metadata,
    id_column("departure"),
    Column("digest", LargeBinary, nullable=False, unique=True),  # keyed, over the row and its number among equal ones
    Column("app_key", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("kind", Text, nullable=False),  # of DepartureKind
    Column("reason", Text),  # a sentence of Atlassian's
    Column("evaluation_id", deferred_foreign_key("evaluation.id"), index=True),
    Column("content", LargeBinary),  # sealed: what the person wrote, and who they are; not set once it was erased
    Column("address_key", Text, index=True),  # keyed hash of their address
    Column("at", Instant, nullable=False),
    Column("is_new", Boolean, nullable=False),  # not there at the first reading
    Index("ix_departure_at", "at", **partial("is_new")),
    Index("ix_departure_day", "day", "app_key"),
)

# Quotes that customers accepted, for each license.
quote = Table(
    "quote",
    metadata,
    Column("number", Text, primary_key=True),
    Column("alias", Text, primary_key=True),  # the best id of the license
    Column("accepted", Date),
    Column("evaluation_id", deferred_foreign_key("evaluation.id"), index=True),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

# The reports beside licenses that were read completely once. From then on, new rows are posted.
report_reading = Table(
    "report_reading",
    metadata,
    Column("name", Text, primary_key=True),  # of Reading
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)


def signal_values(signal: AppSignal) -> dict[str, Any]:
    """Return a signal as the columns of its row."""
    plain = ("key", "app_key", "kind", "at", "place", "cloud_id", "site")
    return {**{name: getattr(signal, name) for name in plain}, "aliases": " ".join(signal.aliases)}


def signal_from(row: Row[Any]) -> AppSignal:
    """Return the signal in a row of `app_signal`."""
    return AppSignal(
        key=row.key,
        app_key=row.app_key,
        kind=SignalKind(row.kind),
        at=row.at,
        cloud_id=row.cloud_id,
        site=row.site,
        aliases=tuple(row.aliases.split()),
    )
