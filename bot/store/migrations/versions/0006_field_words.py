"""Name three tables and seven columns by the words that the code uses for them.

Only names change: every row, id, type, default and condition stays as it was. The indexes and constraints of a renamed
table are named after it, as everywhere. No sequence belongs to a renamed table or column.

A column is renamed in place, and its indexes follow it. PostgreSQL renames tables in place, too. On SQLite the name of
a constraint is part of the text that created the table, and a renamed table would keep it. So the table is created
anew, filled from the old one, and the old one is dropped. No foreign key points at one of the three.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_COLUMNS = (
    ("evaluation", "told", "reported_on"),
    ("license", "kept", "carried_over"),
    ("mail", "ground", "lawful_basis"),
    ("do_not_contact", "subject_key", "target_key"),
    ("do_not_contact", "subject", "target"),
    ("do_not_contact", "cause", "reason"),
    ("poll", "whole", "is_full"),
)
_TABLES = (("seen_row", "processed_row"), ("press", "interaction"), ("trouble", "incident"))


def upgrade() -> None:
    """Rename the columns, then the tables."""
    for table, old, new in _COLUMNS:
        op.alter_column(table, old, new_column_name=new)
    if op.get_bind().dialect.name == "postgresql":
        _rename_tables()
    else:
        _replace_tables()


def _rename_tables() -> None:
    for old, new in _TABLES:
        op.rename_table(old, new)
        op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT pk_{old} TO pk_{new}")
    op.execute("ALTER TABLE processed_row RENAME CONSTRAINT fk_seen_row_license_id TO fk_processed_row_license_id")
    op.execute("ALTER INDEX ix_seen_row_license_id RENAME TO ix_processed_row_license_id")
    op.execute("ALTER INDEX ix_press_at RENAME TO ix_interaction_at")


def _replace_tables() -> None:
    processed_row = op.create_table(
        "processed_row",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("license_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["license_id"],
            ["license.id"],
            name=op.f("fk_processed_row_license_id"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_processed_row")),
        sqlite_with_rowid=False,
    )
    interaction = op.create_table(
        "interaction",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_interaction")),
        sqlite_with_rowid=False,
    )
    incident = op.create_table(
        "incident",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_incident")),
    )
    for (old, _), new in zip(_TABLES, (processed_row, interaction, incident), strict=True):
        names = new.columns.keys()
        op.execute(new.insert().from_select(names, sa.select(*map(sa.column, names)).select_from(sa.table(old))))
        op.drop_table(old)
    # Filled tables are indexed faster than indexed tables are filled.
    op.create_index(op.f("ix_processed_row_license_id"), "processed_row", ["license_id"])
    op.create_index(op.f("ix_interaction_at"), "interaction", ["at"])
