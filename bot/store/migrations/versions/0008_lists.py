"""Find the evaluations of a day among a million."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Index the announced evaluations by the time they were first seen."""
    announced = sa.text("channel IS NOT NULL")
    op.create_index(
        "ix_evaluation_announced",
        "evaluation",
        ["first_seen"],
        sqlite_where=announced,
        postgresql_where=announced,
    )
