"""Feedback from apps and from the page linked from emails."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"

_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BYTEWISE = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "feedback",
        sa.Column("id", _ID, nullable=False),
        sa.Column("conversation", _ID),
        sa.Column("evaluation_id", _ID),
        sa.Column("mail_id", _ID),
        sa.Column("key", sa.Text()),
        sa.Column("app_key", sa.Text(), nullable=False),
        sa.Column("place", _BYTEWISE, nullable=False),
        sa.Column("cloud_id", _BYTEWISE),
        sa.Column("site", _BYTEWISE),
        sa.Column("aliases", sa.Text(), nullable=False),
        sa.Column("speaker", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("author", sa.Text()),
        sa.Column("rating", sa.Integer()),
        sa.Column("topic", sa.Text()),
        sa.Column("address_key", sa.Text()),
        sa.Column("content", sa.LargeBinary()),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{table}.id"],
                name=op.f(f"fk_feedback_{column}"),
                deferrable=True,
                initially="DEFERRED",
            )
            for column, table in (("conversation", "feedback"), ("evaluation_id", "evaluation"), ("mail_id", "mail"))
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sa.UniqueConstraint("key", name=op.f("uq_feedback_key")),
    )
    for column in ("conversation", "evaluation_id", "mail_id", "address_key"):
        op.create_index(op.f(f"ix_feedback_{column}"), "feedback", [column])
    op.create_index("ix_feedback_place", "feedback", ["app_key", "place", "at"])
    where = sa.text("evaluation_id IS NULL")
    op.create_index("ix_feedback_unmatched", "feedback", ["at"], sqlite_where=where, postgresql_where=where)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SELECT setval(pg_get_serial_sequence('feedback', 'id'), generation + 1, false) FROM installation")
