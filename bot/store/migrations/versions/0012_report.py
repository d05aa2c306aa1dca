"""Count a year of evaluations among a million: what reports ask of the license is on the evaluation, too."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_COUNTED = """
    (license_type IN ('COMMERCIAL', 'ACADEMIC') OR license_type LIKE '%EVALUATION')
    AND NOT coalesce(sandbox, false) AND NOT atlassian AND NOT migration
"""


def upgrade() -> None:
    """Add the columns, fill them from the licenses, and index what reports read."""
    op.add_column("evaluation", sa.Column("app_key", sa.Text(), server_default="", nullable=False))
    op.add_column("evaluation", sa.Column("counted", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    of_it = "FROM license WHERE license.id = evaluation.license_id"
    op.execute(f"UPDATE evaluation SET app_key = (SELECT app_key {of_it}), counted = (SELECT {_COUNTED} {of_it})")  # noqa: S608  no value from outside
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET CONSTRAINTS ALL IMMEDIATE")  # it indexes no table with checks that are still to come
    live, done = sa.text("merged_into IS NULL"), sa.text("done_at IS NOT NULL")
    op.create_index(
        "ix_evaluation_report",
        "evaluation",
        ["started", "app_key", "counted", "state", "ends", "upgrade_to", "not_for_us_at", "merged_into"],
        sqlite_where=live,
        postgresql_where=live,
    )
    op.create_index("ix_evaluation_done", "evaluation", ["started"], sqlite_where=done, postgresql_where=done)
    sent = sa.text("state = 'sent'")
    op.create_index("ix_mail_sent", "mail", ["evaluation_id", "at"], sqlite_where=sent, postgresql_where=sent)
