"""Reminders."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SENT = sa.text("state = 'sent'")


def upgrade() -> None:
    """Add the table of reminders."""
    op.create_table(
        "reminder",
        sa.Column("evaluation_id", _ID, autoincrement=False, nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("delivery_id", _ID),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["evaluation.id"],
            name=op.f("fk_reminder_evaluation_id"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("evaluation_id", "step", "owner", name=op.f("pk_reminder")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_reminder_at"), "reminder", ["at"])
    op.create_index(op.f("ix_reminder_delivery_id"), "reminder", ["delivery_id"])
    op.create_index("ix_reminder_sent", "reminder", ["evaluation_id"], sqlite_where=_SENT, postgresql_where=_SENT)
