"""Replies to emails, how far their mailbox was read, and who waits for an answer."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WAITS = sa.text("waiting_since IS NOT NULL")


def upgrade() -> None:
    """Add the tables of replies and of the mailbox, and since when a contact waits."""
    op.create_table(
        "reply",
        sa.Column("id", _ID, nullable=False),
        sa.Column("evaluation_id", _ID, nullable=False),
        sa.Column("mail_id", _ID, nullable=False),
        sa.Column("message_key", sa.Text(), nullable=False),
        sa.Column("writer_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("content", sa.LargeBinary()),
        *(
            sa.ForeignKeyConstraint(
                [f"{table}_id"],
                [f"{table}.id"],
                name=op.f(f"fk_reply_{table}_id"),
                deferrable=True,
                initially="DEFERRED",
            )
            for table in ("evaluation", "mail")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply")),
        sa.UniqueConstraint("message_key", name=op.f("uq_reply_message_key")),
    )
    op.create_index(op.f("ix_reply_evaluation_id"), "reply", ["evaluation_id"])
    op.create_index(op.f("ix_reply_writer_key"), "reply", ["writer_key"])
    op.create_index("ix_reply_mail", "reply", ["mail_id", "kind"])
    op.create_table(
        "mailbox",
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("folder", name=op.f("pk_mailbox")),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SELECT setval(pg_get_serial_sequence('reply', 'id'), generation + 1, false) FROM installation")
    op.add_column("evaluation", sa.Column("waiting_since", _INSTANT))
    op.create_index(
        "ix_evaluation_waiting", "evaluation", ["waiting_since"], sqlite_where=_WAITS, postgresql_where=_WAITS
    )
