"""The workspace's address, and the email addresses of owners, for tables and webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add the table and the column."""
    op.create_table(
        "team_member",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("email", sa.LargeBinary()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_team_member")),
        sqlite_with_rowid=False,
    )
    op.add_column("installation", sa.Column("workspace_url", sa.Text()))
