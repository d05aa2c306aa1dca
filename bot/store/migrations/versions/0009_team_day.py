"""What a team does with an evaluation beside emailing: done, not for us, notes, snoozes."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add columns and tables. No row changes."""
    op.add_column("evaluation", sa.Column("done_at", _INSTANT))
    op.add_column("evaluation", sa.Column("done_by", sa.Text()))
    op.add_column("evaluation", sa.Column("not_for_us_at", _INSTANT))
    op.add_column("evaluation", sa.Column("not_for_us_by", sa.Text()))
    op.add_column("evaluation", sa.Column("not_for_us_reason", sa.Text()))
    op.create_table(
        "note",
        sa.Column("id", _ID, nullable=False),
        sa.Column("evaluation_id", _ID, nullable=False),
        sa.Column("content", sa.LargeBinary()),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("edited_at", _INSTANT),
        sa.Column("deleted_at", _INSTANT),
        _of_evaluation("note"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note")),
    )
    op.create_index("ix_note_evaluation_id", "note", ["evaluation_id"])
    op.create_table(
        "snooze",
        sa.Column("evaluation_id", _ID, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("until", _INSTANT, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        _of_evaluation("snooze"),
        sa.PrimaryKeyConstraint("evaluation_id", "user_id", name=op.f("pk_snooze")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_snooze_until", "snooze", ["until"])
    op.create_index("ix_snooze_user_id", "snooze", ["user_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SELECT setval(pg_get_serial_sequence('note', 'id'), generation + 1, false) FROM installation")


def _of_evaluation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["evaluation_id"],
        ["evaluation.id"],
        name=op.f(f"fk_{table}_evaluation_id"),
        deferrable=True,
        initially="DEFERRED",
    )
