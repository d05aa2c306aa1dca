"""When somebody who must not be emailed last said no again."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the column."""
    op.add_column("do_not_contact", sa.Column("again_at", sa.DateTime(timezone=True)))
