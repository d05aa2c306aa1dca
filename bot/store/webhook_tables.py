"""The tables of webhooks: addresses, events, and which event still has to go to which address."""

from sqlalchemy import JSON, Column, Index, Integer, Table, Text

from bot.store.columns import ID, Instant, deferred_foreign_key, id_column, partial
from bot.store.schema import metadata

# The addresses of WEBHOOK_URLS, without the address itself. While there is none, no event is recorded.
webhook_address = Table(
    "webhook_address",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # a hash of the address
    Column("name", Text, nullable=False),  # its host
    Column("events", JSON, nullable=False),  # of EventType
    Column("delivered_at", Instant),  # when it last took an event
    Column("failing_since", Instant),
    Column("error", Text),  # of the last attempt
    Column("off_at", Instant),  # set: it gets no events until somebody switches it on
)

# What happened, in order. The id is the `sequence` that receivers read.
webhook_event = Table(
    "webhook_event",
    metadata,
    id_column("webhook_event"),
    Column("type", Text, nullable=False),  # of EventType
    Column("history_id", deferred_foreign_key("history.id")),  # the fact, if it is one of a history
    Column("details", JSON, nullable=False),  # of others: hashes and ids, nothing about people
    Column("at", Instant, nullable=False),
    Index("one_event_a_fact", "history_id", unique=True, **partial("history_id IS NOT NULL")),
)

# Deleted once the receiver took the event.
webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    Column("id", ID, primary_key=True),
    Column("event_id", deferred_foreign_key("webhook_event.id"), nullable=False),
    Column("address_id", deferred_foreign_key("webhook_address.id"), nullable=False),
    Column("given_up", Instant),  # set: not tried any more
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("error", Text),
    Index("one_delivery_an_address", "address_id", "event_id", unique=True),
    Index("ix_webhook_delivery_event_id", "event_id"),
    Index("ix_webhook_delivery_due", "address_id", "due_at", "id", **partial("given_up IS NULL")),
)
