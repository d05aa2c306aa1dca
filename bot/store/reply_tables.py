"""The tables of replies to our emails, and of how far the mailbox for them was read."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from bot.store.columns import Instant, deferred_foreign_key, id_column
from bot.store.schema import metadata

reply = Table(
    "reply",
    metadata,
    id_column("reply"),
    Column("evaluation_id", deferred_foreign_key("evaluation.id"), nullable=False, index=True),
    Column("mail_id", deferred_foreign_key("mail.id"), nullable=False),
    Column("message_key", Text, nullable=False, unique=True),  # a hash of its Message-ID: each is recorded once
    Column("writer_key", Text, nullable=False, index=True),  # keyed hash of the address that wrote it
    Column("kind", Text, nullable=False),  # of ReplyKind
    Column("writer", Text, nullable=False),  # of Writer
    Column("at", Instant, nullable=False),
    Column("content", LargeBinary),  # sealed; not set once it was erased
    Index("ix_reply_mail", "mail_id", "kind"),
)

# How far each folder was read. It moves in the transaction that writes what was found.
mailbox = Table(
    "mailbox",
    metadata,
    Column("folder", Text, primary_key=True),  # a hash of server, login and folder
    Column("uidvalidity", BigInteger, nullable=False),
    Column("uid", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)
