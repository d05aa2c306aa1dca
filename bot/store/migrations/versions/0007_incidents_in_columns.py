"""Give an incident one column for each thing that its key was packed from, and two indexes plain names.

What cannot be read was written by no version; nothing would ever close it, so it goes.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_REPORT = ("token_refused", "permission_missing", "api_gone", "keeps_failing")
_SINGLE = {
    "rows_unread": ("rows", "unread"),
    "no_mail": ("mail", "unavailable"),
    "mail_refused": ("mail", "refused"),
    "bounce_unclear": ("bounces", "unclear"),
    "no_presses": ("socket", "down"),
    "erased data in the log": ("database", "unwiped"),
    **{code: ("poll", code) for code in _REPORT},
    **{f"sweep_{code}": ("sweep", code) for code in _REPORT},
}
_METHODS = ("post", "update", "look")
_INDEXES = (
    ("one_repaint_waits", "one_queued_update", "delivery", ["evaluation_id"], "kind = 'card' AND state = 'due'"),
    ("one_standing_mark", "one_active_entry", "do_not_contact", ["target_key", "reason"], "lifted_at IS NULL"),
)


def upgrade() -> None:
    """Replace the table, which holds a few rows at most, and rename the indexes."""
    bind = op.get_bind()
    old = sa.table("incident", sa.column("kind", sa.Text()), sa.column("since", sa.DateTime(timezone=True)))
    rows = [(_columns(row.kind), row.since) for row in bind.execute(sa.select(old)).all()]
    op.drop_table("incident")
    new = op.create_table(
        "incident",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", "method", "channel", "code", "scopes", "seconds", name=op.f("pk_incident")),
    )
    op.bulk_insert(new, [{**columns, "since": since} for columns, since in rows if columns is not None])
    for name, renamed, table, columns, condition in _INDEXES:
        if bind.dialect.name == "postgresql":
            op.execute(f"ALTER INDEX {name} RENAME TO {renamed}")
        else:
            op.drop_index(name, table)
            op.create_index(renamed, table, columns, unique=True, sqlite_where=sa.text(condition))


def _columns(kind: str) -> dict[str, Any] | None:
    """Return the columns that a key was packed from, or None if no version packed it."""
    nothing = {"method": "", "channel": "", "scopes": "", "seconds": 0}
    if kind in _SINGLE:
        source, code = _SINGLE[kind]
        return {**nothing, "source": source, "code": code}
    match kind.split():
        case ["slack", method, channel, code, *scopes] if method in _METHODS:
            where = "" if channel == "*" else channel
            return {**nothing, "source": "slack", "method": method, "channel": where, "code": code} | {
                "scopes": scopes[0] if scopes else ""
            }
        case ["clock", seconds] if seconds.lstrip("+-").isdecimal():
            return {**nothing, "source": "clock", "code": "set", "seconds": int(seconds)}
        case _:
            return None
