"""Why customers leave, and the quotes that they accept."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "departure",
        sa.Column("id", _ID, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("app_key", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("evaluation_id", _ID),
        sa.Column("content", sa.LargeBinary()),
        sa.Column("address_key", sa.Text()),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("is_new", sa.Boolean(), nullable=False),
        _of_evaluation("departure"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departure")),
        sa.UniqueConstraint("digest", name=op.f("uq_departure_digest")),
    )
    op.create_index(op.f("ix_departure_evaluation_id"), "departure", ["evaluation_id"])
    op.create_index(op.f("ix_departure_address_key"), "departure", ["address_key"])
    is_new = sa.text("is_new")
    op.create_index("ix_departure_at", "departure", ["at"], sqlite_where=is_new, postgresql_where=is_new)
    op.create_index("ix_departure_day", "departure", ["day", "app_key"])
    op.create_table(
        "quote",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Date()),
        sa.Column("evaluation_id", _ID),
        sa.Column("at", _INSTANT, nullable=False),
        _of_evaluation("quote"),
        sa.PrimaryKeyConstraint("number", "alias", name=op.f("pk_quote")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_quote_evaluation_id"), "quote", ["evaluation_id"])
    op.create_table(
        "report_reading",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_report_reading")),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SELECT setval(pg_get_serial_sequence('departure', 'id'), generation + 1, false) FROM installation")


def _of_evaluation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["evaluation_id"],
        ["evaluation.id"],
        name=op.f(f"fk_{table}_evaluation_id"),
        deferrable=True,
        initially="DEFERRED",
    )
