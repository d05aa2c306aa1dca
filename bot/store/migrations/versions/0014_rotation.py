"""Who takes new evaluations in turn, and who is away."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add three tables."""
    op.create_table(
        "absence",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("until", sa.Date()),
        sa.Column("ends", _INSTANT),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_absence")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rotation_credit",
        sa.Column("rotation", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("chosen_at", _INSTANT),
        sa.PrimaryKeyConstraint("rotation", "user_id", name=op.f("pk_rotation_credit")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "assignment",
        sa.Column("evaluation_id", _ID, autoincrement=False, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["evaluation_id"],
            ["evaluation.id"],
            name=op.f("fk_assignment_evaluation_id"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("evaluation_id", name=op.f("pk_assignment")),
        sqlite_with_rowid=False,
    )
