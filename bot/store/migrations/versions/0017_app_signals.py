"""Signals of apps, and the cloud site of a license, by which they are matched."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"

_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BYTEWISE = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_TO_DO = "outcome IS NULL"
_WAITS = "kind = 'installed' AND outcome IN ('early', 'kept') AND license_at IS NULL"
_IS_EARLY = "outcome = 'early' AND license_at IS NULL AND early_end IS NULL"


def upgrade() -> None:
    """Add the table and the column. Sweeps fill the column from rows that were read before."""
    op.add_column("license", sa.Column("cloud_id", _BYTEWISE))
    op.create_index(op.f("ix_license_cloud_id"), "license", ["cloud_id"])
    op.create_table(
        "app_signal",
        sa.Column("id", _ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("app_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.Column("place", _BYTEWISE, nullable=False),
        sa.Column("cloud_id", _BYTEWISE),
        sa.Column("site", _BYTEWISE),
        sa.Column("aliases", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("evaluation_id", _ID),
        sa.Column("early_end", sa.Text()),
        sa.Column("license_at", _INSTANT),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["evaluation.id"],
            name=op.f("fk_app_signal_evaluation_id"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_signal")),
        sa.UniqueConstraint("key", name=op.f("uq_app_signal_key")),
    )
    for column in ("cloud_id", "site", "evaluation_id"):
        op.create_index(op.f(f"ix_app_signal_{column}"), "app_signal", [column])
    op.create_index("ix_app_signal_place", "app_signal", ["app_key", "place", "at"])
    op.create_index("ix_app_signal_received", "app_signal", ["received_at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SELECT setval(pg_get_serial_sequence('app_signal', 'id'), generation + 1, false) FROM installation")
    _index("ix_app_signal_to_do", ["id"], _TO_DO)
    _index("ix_app_signal_waits", ["app_key"], _WAITS)
    _index("one_early_card_a_place", ["app_key", "place"], _IS_EARLY, unique=True)


def _index(name: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    where = sa.text(condition)
    op.create_index(name, "app_signal", columns, unique=unique, sqlite_where=where, postgresql_where=where)
