"""The tables. Their constraints keep promises that code alone could not: one card, one owner, one email.

A new SQLite file gets them at once. `migrations/` builds the same tables step by step; a test compares the two.
"""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

from bot.store.columns import BytewiseText, Instant, deferred_foreign_key, id_column, partial

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

QUEUED_UPDATE: Final = "kind = 'card' AND state = 'due'"
"""The deliveries of which a card has one at most, as SQL: of ten changes in a burst, the newest state wins."""

_OPEN: Final = "state = 'running' AND channel IS NOT NULL AND not_for_us_at IS NULL AND merged_into IS NULL"
"""The evaluations that a team works on, as SQL."""

# One row: the present generation of ids, and whether it must be compared with Slack first.
installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("generation", BigInteger, nullable=False),  # new ids are above it; random, so that none comes twice
    Column("since", Instant),  # set once the database went back in time
    Column("look_since", Instant),  # to when it went back; Slack may show what came after
    Column("looked_at", Instant),  # when Slack was compared with this generation; not set: it still has to be
    Column("workspace_url", Text),  # as Slack said it last
    Column("oldest_beside", Text),  # the oldest version of the bot that may use these tables; not set: any
)

# Cards in Slack that a database restored from a backup does not know, with the snapshot from their metadata.
orphan_card = Table(
    "orphan_card",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("ts", Text, primary_key=True),
    Column("trace", JSON, nullable=False),
)

license_ = Table(
    "license",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("app_key", BytewiseText, nullable=False),
    Column("app_name", BytewiseText, nullable=False),
    Column("hosting", Text, nullable=False),
    Column("license_type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("starts", Date, nullable=False),
    Column("updated", Date, nullable=False),
    Column("ends", Date),
    Column("latest_evaluation", Date),
    Column("upgrade_started", Date),
    Column("upgrade_to", Text),
    Column("edition", Text),
    Column("tier", Text),
    Column("site", BytewiseText, index=True),
    Column("cloud_id", BytewiseText, index=True),
    Column("company", Text),
    Column("company_key", Text, index=True),  # how companies are compared
    Column("domain", BytewiseText, index=True),  # of the company's mail; not free-mail, may be a partner's
    Column("country", Text, index=True),
    Column("region", Text),
    Column("contacts", LargeBinary, nullable=False),  # sealed: technical, billing
    Column("technical_key", Text, index=True),  # keyed hashes of their addresses
    Column("billing_key", Text, index=True),
    Column("partner_name", Text),
    Column("partner_kind", Text),
    Column("opportunity_size", Text),
    Column("parent_product", Text),
    Column("parent_edition", Text),
    Column("channel", Text),
    Column("days_to_convert", BigInteger),
    Column("sandbox", Boolean),
    Column("atlassian", Boolean, nullable=False),
    Column("migration", Boolean, nullable=False),
    Column(
        "carried_over", JSON(none_as_null=True)
    ),  # details that the record leaves out: {detail: day it was last given}
    Column("first_seen", Instant, nullable=False),
    Column("merged_into", deferred_foreign_key("license.id")),
    Index("ix_license_app", "app_key", "id"),
)

# The words of the companies' names, by whose beginnings they are found.
company_word = Table(
    "company_word",
    metadata,
    Column("company_key", Text, primary_key=True),  # of the licenses
    Column("word", BytewiseText, primary_key=True),
    Index("ix_company_word_word", "word", "company_key"),
    sqlite_with_rowid=False,
)

# Rows of the report that were processed before: they bring nothing new.
processed_row = Table(
    "processed_row",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # keyed, over the row as it came
    Column("license_id", deferred_foreign_key("license.id"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

license_alias = Table(
    "license_alias",
    metadata,
    Column("alias", BytewiseText, primary_key=True),
    Column("app_key", Text, primary_key=True),
    Column("license_id", deferred_foreign_key("license.id"), nullable=False, index=True),
)

evaluation = Table(
    "evaluation",
    metadata,
    id_column("evaluation"),
    Column("license_id", deferred_foreign_key("license.id"), nullable=False),
    Column("started", Date, nullable=False),
    Column("ends", Date),
    Column("state", Text, nullable=False),
    Column("upgrade_to", Text, nullable=False, server_default=""),  # the edition that is tried on a license they have
    Column("reported_on", Date, nullable=False),  # the day of the record that last spoke of it
    Column("first_seen", Instant, nullable=False, index=True),
    Column("owner", Text),
    Column("owned_at", Instant),
    Column("channel", Text),  # set: announced there; not set: recorded in silence
    Column("card_ts", Text),
    Column("card_gone", Instant),  # set: the card was deleted, and is posted again when somebody asks
    Column("merged_into", deferred_foreign_key("evaluation.id")),
    Column("done_at", Instant),  # set: somebody spoke to them elsewhere
    Column("done_by", Text),
    Column("not_for_us_at", Instant),  # set: nobody works on it; out of lists, reminders and rates
    Column("not_for_us_by", Text),
    Column("not_for_us_reason", Text),  # of NotForUsReason
    Column("waiting_since", Instant),  # set: the contact wrote to us then; unset once an email was sent
    # Of the license. Reports count a year of evaluations, and would look up each license.
    Column("app_key", Text, nullable=False, server_default=""),
    Column("counted", Boolean, nullable=False, server_default=text("true")),  # in reports: see `is_counted`
    Index(
        "one_evaluation_a_start", "license_id", "started", "upgrade_to", unique=True, **partial("merged_into IS NULL")
    ),
    Index("one_evaluation_a_card", "channel", "card_ts", unique=True, **partial("card_ts IS NOT NULL")),
    Index("ix_evaluation_started", "started"),
    # All that a report counts by, so that it reads nothing but the index.
    Index(
        "ix_evaluation_report",
        *("started", "app_key", "counted", "state", "ends", "upgrade_to", "not_for_us_at", "merged_into"),
        **partial("merged_into IS NULL"),
    ),
    Index("ix_evaluation_done", "started", **partial("done_at IS NOT NULL")),
    Index("ix_evaluation_waiting", "waiting_since", **partial("waiting_since IS NOT NULL")),
    Index("ix_evaluation_announced", "first_seen", **partial("channel IS NOT NULL")),
    Index("ix_evaluation_owner", "owner", "state", "ends", **partial("owner IS NOT NULL")),
    # All that a report says of owners.
    Index(
        "ix_evaluation_owned",
        *("owner", "app_key", "started", "counted", "state", "done_at", "not_for_us_at", "merged_into"),
        **partial("owner IS NOT NULL"),
    ),
    Index("ix_evaluation_unowned", "ends", **partial(f"owner IS NULL AND {_OPEN}")),
    Index("ix_evaluation_open", "ends", **partial(_OPEN)),
)

history = Table(
    "history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("evaluation_id", deferred_foreign_key("evaluation.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text),
    Column("details", JSON, nullable=False),
    Index("ix_history_outcome", "at", **partial("kind IN ('converted', 'ended')")),
)

delivery = Table(
    "delivery",
    metadata,
    id_column("delivery"),
    Column("kind", Text, nullable=False),  # of DeliveryKind
    Column("channel", Text, nullable=False),
    Column("evaluation_id", deferred_foreign_key("evaluation.id"), index=True),
    Column("history_id", deferred_foreign_key("history.id")),
    Column("text", Text),
    Column("state", Text, nullable=False),  # of DeliveryState
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("ts", Text),  # of an unknown one: it stands there, and is looked up once more for a second one
    Column("error", Text),
    Index("one_queued_update", "evaluation_id", unique=True, **partial(QUEUED_UPDATE)),
    Index("one_note_an_entry", "history_id", unique=True, **partial("history_id IS NOT NULL")),
    Index("ix_delivery_waiting", "due_at", **partial("state IN ('due', 'sending', 'unknown')")),
)

note = Table(
    "note",
    metadata,
    id_column("note"),
    Column("evaluation_id", deferred_foreign_key("evaluation.id"), nullable=False, index=True),
    Column("content", LargeBinary),  # sealed, as people type names; not set once it was deleted or erased
    Column("author", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("edited_at", Instant),
    Column("deleted_at", Instant),  # by its author; not set if it was erased
)

mail = Table(
    "mail",
    metadata,
    id_column("mail"),
    Column("evaluation_id", deferred_foreign_key("evaluation.id"), nullable=False),
    Column("template", Text, nullable=False),  # the family: no second one of it in another language
    Column("address_key", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),  # sealed: address, subject, body
    Column("lawful_basis", Text, nullable=False, server_default="TRIAL"),  # on which it may be sent, as the sender said
    Column("state", Text, nullable=False),
    Column("due_at", Instant),  # set while it waits: held, or put off by the server
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("message_id", Text, nullable=False, unique=True),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("settled_by", Text),  # who said that it arrived, where the mail server did not
    Column("error", Text),
    Column("bounced", Text),  # how it came back: the status code, as RFC 3463 has it
    Column("bounced_at", Instant),
    # One live email per template. One that failed or was cancelled may be tried again.
    Index(
        "one_mail_a_template", "evaluation_id", "template", unique=True, **partial("state NOT IN ('failed', 'undone')")
    ),
    Index("ix_mail_address_key", "address_key", "at"),
    Index("ix_mail_waiting", "due_at", **partial("due_at IS NOT NULL")),
    Index("ix_mail_sent", "evaluation_id", "at", **partial("state = 'sent'")),
    Index("ix_mail_sent_at", "at", "evaluation_id", "template", "actor", "bounced_at", **partial("state = 'sent'")),
)

# Drafts of emails in preview; deleted after a day.
draft = Table(
    "draft",
    metadata,
    Column("token", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),  # sealed
    Column("at", Instant, nullable=False, index=True),
    sqlite_with_rowid=False,
)

do_not_contact = Table(
    "do_not_contact",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scope", Text, nullable=False),  # address, domain, site
    Column("target_key", Text, nullable=False),
    Column("target", LargeBinary, nullable=False),  # sealed; nothing in it once the person was forgotten
    Column("reason", Text, nullable=False),
    Column("note", LargeBinary),  # sealed, as people type names
    Column("actor", Text),
    Column("at", Instant, nullable=False),
    Column("until", Instant),  # a pause ends by itself
    Column("lifted_at", Instant),
    Column("lifted_by", Text),
    Column("lifted_note", LargeBinary),  # sealed
    Column("again_at", Instant),  # when somebody last said no again while it was active
    Index("one_active_entry", "target_key", "reason", unique=True, **partial("lifted_at IS NULL")),
)

# What was done with people's data, and who did it: exports, erasures, imports, the end of retention. And what was
# changed in the team's settings.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("details", JSON, nullable=False),  # counts, or settings before and after; nothing about contacts
)

poll = Table(
    "poll",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),  # not set: the bot was stopped in the middle
    Column("is_full", Boolean, nullable=False, server_default=text("false")),  # a sweep: everything was asked for
    Column("good", Boolean, nullable=False, server_default=text("false")),
    Column("rows", Integer, nullable=False, server_default="0"),
    Column("started", Integer, nullable=False, server_default="0"),
    Column("announced", Integer, nullable=False, server_default="0"),
    Column("quarantined", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Index("ix_poll_good", "good", "id"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("ref", Text, primary_key=True),  # the best id the record gave; never personal data
    Column("reason", Text, primary_key=True),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
)

# Incidents that are open and that the admins know about; deleted when they are over.
incident = Table(
    "incident",
    metadata,
    Column("source", Text, primary_key=True),  # of IncidentSource
    Column("method", Text, primary_key=True),  # of ApiMethod; this and the next are empty if they do not apply
    Column("channel", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("scopes", Text, primary_key=True),  # that the Slack app lacks, separated by commas
    Column("seconds", BigInteger, primary_key=True, autoincrement=False),  # how far the clock was set
    Column("since", Instant, nullable=False),
)

# Recent interactions, by a key that is unique for each: Slack may deliver one more than once.
interaction = Table(
    "interaction",
    metadata,
    Column("key", Text, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("done", Boolean, nullable=False, server_default=text("false")),
    sqlite_with_rowid=False,
)

# The copy of the bot that leads: it alone polls, posts and sends.
lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text),  # a random name, new at each start; not set while nobody holds it
    Column("epoch", BigInteger, nullable=False),  # one more with each new holder
    Column("until", Instant),  # by the clock of the database
    Column("host", Text),
    Column("pid", Integer),
    Column("started_at", Instant),
    Column("version", Text),
)

# One encrypted text for each SECRET_KEY ever used to write. If one cannot be decrypted, the key is wrong.
key_check = Table(
    "key_check",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
)
