"""The table of feedback from inside apps and from the page linked from emails, and of the team's answers in the app."""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from bot.store.columns import BytewiseText, Instant, deferred_foreign_key, id_column, partial
from bot.store.schema import metadata

feedback = Table(
    "feedback",
    metadata,
    id_column("feedback"),
    Column("conversation", deferred_foreign_key("feedback.id"), index=True),  # its first message; not set: this one
    Column("evaluation_id", deferred_foreign_key("evaluation.id"), index=True),  # not set: nothing fits so far
    Column("mail_id", deferred_foreign_key("mail.id"), index=True),  # the email whose link led to it
    Column("key", Text, unique=True),  # the same for each repetition of one request
    Column("app_key", Text, nullable=False),
    Column("place", BytewiseText, nullable=False),  # the best name of the site
    Column("cloud_id", BytewiseText),
    Column("site", BytewiseText),
    Column("aliases", Text, nullable=False),  # ids of the license, separated by spaces
    Column("speaker", Text, nullable=False),  # of Speaker
    Column("source", Text, nullable=False),  # of FeedbackSource
    Column("at", Instant, nullable=False),
    Column("author", Text),  # the Slack user who answered
    Column("rating", Integer),
    Column("topic", Text),  # of Topic
    Column("address_key", Text, index=True),  # keyed hash of the address to answer to
    Column("content", LargeBinary),  # sealed; not set once it was erased
    Index("ix_feedback_place", "app_key", "place", "at"),
    Index("ix_feedback_unmatched", "at", **partial("evaluation_id IS NULL")),
)
