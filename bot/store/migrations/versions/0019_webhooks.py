"""Webhooks: addresses, events, deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FACT = sa.text("history_id IS NOT NULL")
_DUE = sa.text("given_up IS NULL")


def upgrade() -> None:
    """Add the tables of webhooks."""
    _add_addresses()
    _add_events()
    _add_deliveries()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "SELECT setval(pg_get_serial_sequence('webhook_event', 'id'), generation + 1, false) FROM installation"
        )


def _add_addresses() -> None:
    op.create_table(
        "webhook_address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("delivered_at", _INSTANT),
        sa.Column("failing_since", _INSTANT),
        sa.Column("error", sa.Text()),
        sa.Column("off_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_address")),
        sa.UniqueConstraint("key", name=op.f("uq_webhook_address_key")),
    )


def _add_events() -> None:
    op.create_table(
        "webhook_event",
        sa.Column("id", _ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("history_id", sa.Integer()),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        _reference("webhook_event", "history"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_event")),
    )
    op.create_index(
        "one_event_a_fact", "webhook_event", ["history_id"], unique=True, sqlite_where=_FACT, postgresql_where=_FACT
    )


def _add_deliveries() -> None:
    op.create_table(
        "webhook_delivery",
        sa.Column("id", _ID, nullable=False),
        sa.Column("event_id", _ID, nullable=False),
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("given_up", _INSTANT),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.Column("error", sa.Text()),
        _reference("webhook_delivery", "webhook_event", "event"),
        _reference("webhook_delivery", "webhook_address", "address"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
    )
    op.create_index("one_delivery_an_address", "webhook_delivery", ["address_id", "event_id"], unique=True)
    op.create_index("ix_webhook_delivery_event_id", "webhook_delivery", ["event_id"])
    op.create_index(
        "ix_webhook_delivery_due",
        "webhook_delivery",
        ["address_id", "due_at", "id"],
        sqlite_where=_DUE,
        postgresql_where=_DUE,
    )


def _reference(table: str, other: str, name: str | None = None) -> sa.ForeignKeyConstraint:
    column = f"{name or other}_id"
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"), deferrable=True, initially="DEFERRED"
    )
