"""The generation of the database, and ids of 64 bits above it."""

import sqlalchemy as sa
from alembic import context, op

revision = "0004"
down_revision = "0003"

_WIDER = {
    "evaluation": ("id", "merged_into"),
    "history": ("evaluation_id",),
    "delivery": ("id", "evaluation_id"),
    "mail": ("id", "evaluation_id"),
}
_NUMBERED = ("evaluation", "delivery", "mail")


def upgrade() -> None:
    """Rows that are there keep their ids; those that follow are above the generation."""
    installation = op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.Column("look_since", sa.DateTime(timezone=True)),
        sa.Column("looked_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "orphan_card",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("ts", sa.Text(), nullable=False),
        sa.Column("trace", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "ts", name=op.f("pk_orphan_card")),
    )
    generation = context.config.attributes["generation"]()
    op.bulk_insert(installation, [{"id": 1, "generation": generation}])
    if op.get_bind().dialect.name == "postgresql":
        _widen(generation)


def _widen(generation: int) -> None:
    """On SQLite every INTEGER has 64 bits."""
    for table, columns in _WIDER.items():
        for column in columns:
            op.alter_column(table, column, type_=sa.BigInteger(), existing_type=sa.Integer())
    for table in _NUMBERED:
        op.execute(f"ALTER SEQUENCE {table}_id_seq AS bigint")
        # Never below an id that is there: a test may begin with the generation 0.
        op.execute(
            f"SELECT setval('{table}_id_seq', greatest({generation}, coalesce(max(id), 0)) + 1, false) FROM {table}"  # noqa: S608
        )
