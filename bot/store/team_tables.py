"""The tables of the team and its day: settings, absences, rotations, snoozes, reminders, digests, Home tabs."""

from sqlalchemy import JSON, BigInteger, Column, Date, Index, Integer, LargeBinary, Table, Text

from bot.store.columns import ID, Instant, deferred_foreign_key, partial
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

# Owners of evaluations, as other systems know them: by their email address in Slack.
team_member = Table(
    "team_member",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("email", LargeBinary),  # sealed; not set if Slack does not say it
    Column("at", Instant, nullable=False),  # when Slack was asked
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

# Who wants to be reminded of an evaluation, and when. A row is deleted when its time has come.
snooze = Table(
    "snooze",
    metadata,
    Column("evaluation_id", deferred_foreign_key("evaluation.id"), primary_key=True, autoincrement=False),
    Column("user_id", Text, primary_key=True, index=True),
    Column("until", Instant, nullable=False, index=True),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

# Who opened their Home tab, and what it shows in Slack.
home = Table(
    "home",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("opened_at", Instant, nullable=False),
    Column("hash", Text),  # Slack's, of the view that was published last
    Column("digest", Text),  # of what that view shows
    sqlite_with_rowid=False,
)

# What was decided about a reminder: once for each step and owner. The row is the right to send it.
reminder = Table(
    "reminder",
    metadata,
    Column("evaluation_id", deferred_foreign_key("evaluation.id"), primary_key=True, autoincrement=False),
    Column("step", Text, primary_key=True),  # of ReminderStep
    Column("owner", Text, primary_key=True),  # empty: nobody
    Column("channel", Text, nullable=False),  # who gets it
    Column("state", Text, nullable=False),  # of ReminderState
    Column("at", Instant, nullable=False, index=True),
    Column("delivery_id", ID, index=True),
    Index("ix_reminder_sent", "evaluation_id", **partial("state = 'sent'")),
    sqlite_with_rowid=False,
)

# Who switched on a digest of their own.
own_digest = Table(
    "own_digest",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("since", Instant, nullable=False),
    sqlite_with_rowid=False,
)

# Digests that were sent, or left out since there was nothing to say. The row is the right to send.
digest = Table(
    "digest",
    metadata,
    Column("kind", Text, primary_key=True),  # of DigestKind
    Column("channel", Text, primary_key=True),  # or whose own it is
    Column("day", Date, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    sqlite_with_rowid=False,
)
