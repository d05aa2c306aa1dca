"""Digests."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_INSTANT = sa.DateTime(timezone=True)
_OUTCOME = sa.text("kind IN ('converted', 'ended')")


def upgrade() -> None:
    """Add the table of digests, and an index of what became of evaluations."""
    op.create_table(
        "digest",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("until", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("kind", "channel", "day", name=op.f("pk_digest")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_history_outcome", "history", ["at"], sqlite_where=_OUTCOME, postgresql_where=_OUTCOME)
