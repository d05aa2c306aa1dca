"""Count the emails of a month, and what each person owns, by indexes alone."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Add the indexes."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET CONSTRAINTS ALL IMMEDIATE")  # it indexes no table with checks that are still to come
    sent, owned = sa.text("state = 'sent'"), sa.text("owner IS NOT NULL")
    op.create_index(
        "ix_mail_sent_at",
        "mail",
        ["at", "evaluation_id", "template", "actor", "bounced_at"],
        sqlite_where=sent,
        postgresql_where=sent,
    )
    op.create_index(
        "ix_evaluation_owned",
        "evaluation",
        ["owner", "app_key", "started", "counted", "state", "done_at", "not_for_us_at", "merged_into"],
        sqlite_where=owned,
        postgresql_where=owned,
    )
