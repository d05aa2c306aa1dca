"""Remember who opened their Home tab."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "home",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hash", sa.Text()),
        sa.Column("digest", sa.Text()),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_home")),
        sqlite_with_rowid=False,
    )
