"""The tables of what the team sets about its day: settings, absences, rotations."""

from sqlalchemy import JSON, BigInteger, Column, Date, Integer, Table, Text

from bot.store.columns import Instant, deferred_foreign_key
from bot.store.schema import metadata

# What the team set, in one row, as `domain.team_settings.to_plain` has it. No row: the defaults.
team_settings = Table(
    "team_settings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("content", JSON, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

# People of the team who take no evaluations for now.
absence = Table(
    "absence",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("until", Date),  # the last day of it, in their own time zone; not set: until they say that they are back
    Column("ends", Instant),  # when that day is over
    sqlite_with_rowid=False,
)

# Where everybody stands in each rotation.
rotation_credit = Table(
    "rotation_credit",
    metadata,
    Column("rotation", Text, primary_key=True),  # the keys of its apps; empty for all others
    Column("user_id", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("chosen_at", Instant),
    sqlite_with_rowid=False,
)

# Evaluations for which a rotation still has to choose an owner.
assignment = Table(
    "assignment",
    metadata,
    Column("evaluation_id", deferred_foreign_key("evaluation.id"), primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)
