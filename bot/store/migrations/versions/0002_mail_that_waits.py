"""Mails that wait, marks against domains and sites with causes by strength, notes sealed."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0002"
down_revision = "0001"

_CAUSES = {
    "They asked us not to write": "asked",
    "They complained": "complained",
    "Legal reasons": "legal",
    "The team decided": "team",
    "They asked Atlassian to be forgotten": "forgotten",
}
_INSTANT = sa.DateTime(timezone=True)


_BEFORE = sa.table(
    "do_not_contact",
    sa.column("address_key", sa.Text()),
    sa.column("address", sa.LargeBinary()),
    sa.column("reason", sa.Text()),
    sa.column("note", sa.Text()),
    sa.column("actor", sa.Text()),
    sa.column("at", _INSTANT),
    sa.column("lifted_at", _INSTANT),
    sa.column("lifted_by", sa.Text()),
    sa.column("lifted_note", sa.Text()),
    sa.column("id", sa.Integer()),
)
_HISTORY = sa.table(
    "history", sa.column("id"), sa.column("at", _INSTANT), sa.column("kind"), sa.column("details", sa.JSON())
)


def upgrade() -> None:
    """Change the tables; what people wrote in notes is sealed on the way."""
    _mails()
    _drafts_and_audit()
    marks = op.get_bind().execute(sa.select(_BEFORE).order_by(_BEFORE.c.id)).all()
    op.drop_index("one_standing_mark", "do_not_contact")
    op.drop_table("do_not_contact")
    _marks(marks)
    _history(marks)


def _mails() -> None:
    op.add_column("mail", sa.Column("ground", sa.Text(), nullable=False, server_default="TRIAL"))
    op.add_column("mail", sa.Column("due_at", _INSTANT))
    op.add_column("mail", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("mail", sa.Column("bounced", sa.Text()))
    op.add_column("mail", sa.Column("bounced_at", _INSTANT))
    op.drop_index("one_mail_a_template", "mail")
    live = sa.text("state NOT IN ('failed', 'undone')")
    op.create_index(
        "one_mail_a_template",
        "mail",
        ["evaluation_id", "template"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
    op.drop_index("ix_mail_address_key", "mail")
    op.create_index("ix_mail_address_key", "mail", ["address_key", "at"])
    waits = sa.text("due_at IS NOT NULL")
    op.create_index("ix_mail_waiting", "mail", ["due_at"], sqlite_where=waits, postgresql_where=waits)


def _drafts_and_audit() -> None:
    op.create_table(
        "draft",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_draft")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_draft_at"), "draft", ["at"])
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )


def _marks(before: Sequence[Any]) -> None:
    """The table anew: all that was marked so far are addresses."""
    seal = context.config.attributes["seal"]
    table = op.create_table(
        "do_not_contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("subject_key", sa.Text(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("note", sa.LargeBinary()),
        sa.Column("actor", sa.Text()),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("until", _INSTANT),
        sa.Column("lifted_at", _INSTANT),
        sa.Column("lifted_by", sa.Text()),
        sa.Column("lifted_note", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_do_not_contact")),
    )
    standing = sa.text("lifted_at IS NULL")
    op.create_index(
        "one_standing_mark",
        "do_not_contact",
        ["subject_key", "cause"],
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )
    rows = [
        {
            "id": mark.id,
            "scope": "address",
            "subject_key": mark.address_key,
            "subject": mark.address or seal(""),
            "cause": _CAUSES.get(mark.reason, "team"),
            "note": seal(mark.note) if mark.note else None,
            "actor": mark.actor,
            "at": mark.at,
            "lifted_at": mark.lifted_at,
            "lifted_by": mark.lifted_by,
            "lifted_note": seal(mark.lifted_note) if mark.lifted_note else None,
        }
        for mark in before
    ]
    op.bulk_insert(table, rows)
    if op.get_bind().dialect.name == "postgresql" and rows:
        op.execute("SELECT setval(pg_get_serial_sequence('do_not_contact', 'id'), max(id)) FROM do_not_contact")


def _history(marks: Sequence[Any]) -> None:
    """Entries point to the mark they speak of, where the words of people are, instead of repeating them."""
    set_at, lifted_at = {mark.at: mark.id for mark in marks}, {mark.lifted_at: mark.id for mark in marks}
    told = sa.select(_HISTORY).where(_HISTORY.c.kind.in_(("do_not_contact", "contact_again")))
    for row in op.get_bind().execute(told).all():
        mark = (set_at if row.kind == "do_not_contact" else lifted_at).get(row.at)
        reason = row.details.get("reason")
        details = {"cause": _CAUSES.get(reason, "team")} if reason else {}
        if mark is not None:
            details["mark"] = str(mark)
        op.execute(_HISTORY.update().where(_HISTORY.c.id == row.id).values(details=details))
