"""Which versions may use these tables, so that an update of several copies can be taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the column."""
    op.add_column("installation", sa.Column("oldest_beside", sa.Text()))
