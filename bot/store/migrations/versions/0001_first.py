"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _foreign_key(column: str, to: str, *, name: str) -> sa.ForeignKeyConstraint:
    """A foreign key that is checked at the end of a transaction; in stores made before 2026-11-28, by each statement.

    Those are as right, and slower only in the one thing they have behind them: a first sweep.
    """
    return sa.ForeignKeyConstraint([column], [to], name=op.f(name), deferrable=True, initially="DEFERRED")


def upgrade() -> None:
    """Create every table."""
    _do_not_contact()
    _license()
    _polls()
    _press()
    _evaluation()
    _what_a_license_is_known_by()
    _history()
    _mail()
    _delivery()


def _do_not_contact() -> None:
    op.create_table(
        "do_not_contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.Column("lifted_note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_do_not_contact")),
    )
    op.create_index(
        "one_standing_mark",
        "do_not_contact",
        ["address_key"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )


def _license() -> None:
    op.create_table(
        "license",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("app_key", sa.Text(), nullable=False),
        sa.Column("app_name", sa.Text(), nullable=False),
        sa.Column("hosting", sa.Text(), nullable=False),
        sa.Column("license_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=False),
        sa.Column("updated", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("latest_evaluation", sa.Date(), nullable=True),
        sa.Column("upgrade_started", sa.Date(), nullable=True),
        sa.Column("upgrade_to", sa.Text(), nullable=True),
        sa.Column("edition", sa.Text(), nullable=True),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("company", sa.Text(), nullable=True),
        sa.Column("company_key", sa.Text(), nullable=True),
        sa.Column("domain", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("contacts", sa.LargeBinary(), nullable=False),
        sa.Column("technical_key", sa.Text(), nullable=True),
        sa.Column("billing_key", sa.Text(), nullable=True),
        sa.Column("partner_name", sa.Text(), nullable=True),
        sa.Column("partner_kind", sa.Text(), nullable=True),
        sa.Column("opportunity_size", sa.Text(), nullable=True),
        sa.Column("parent_product", sa.Text(), nullable=True),
        sa.Column("parent_edition", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("days_to_convert", sa.BigInteger(), nullable=True),
        sa.Column("sandbox", sa.Boolean(), nullable=True),
        sa.Column("atlassian", sa.Boolean(), nullable=False),
        sa.Column("migration", sa.Boolean(), nullable=False),
        sa.Column("kept", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        _foreign_key("merged_into", "license.id", name="fk_license_merged_into"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_license")),
    )
    op.create_index(op.f("ix_license_billing_key"), "license", ["billing_key"], unique=False)
    op.create_index(op.f("ix_license_company_key"), "license", ["company_key"], unique=False)
    op.create_index(op.f("ix_license_domain"), "license", ["domain"], unique=False)
    op.create_index(op.f("ix_license_site"), "license", ["site"], unique=False)
    op.create_index(op.f("ix_license_technical_key"), "license", ["technical_key"], unique=False)


def _polls() -> None:
    op.create_table(
        "poll",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("whole", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("good", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started", sa.Integer(), server_default="0", nullable=False),
        sa.Column("announced", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quarantined", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poll")),
    )
    op.create_index("ix_poll_good", "poll", ["good", "id"], unique=False)
    op.create_table(
        "quarantine",
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("ref", "reason", name=op.f("pk_quarantine")),
    )
    op.create_table(
        "trouble",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_trouble")),
    )


def _press() -> None:
    op.create_table(
        "press",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_press")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_press_at"), "press", ["at"], unique=False)


def _evaluation() -> None:
    op.create_table(
        "evaluation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("license_id", sa.Integer(), nullable=False),
        sa.Column("started", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("upgrade_to", sa.Text(), server_default="", nullable=False),
        sa.Column("told", sa.Date(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("owned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("card_ts", sa.Text(), nullable=True),
        sa.Column("card_gone", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        _foreign_key("license_id", "license.id", name="fk_evaluation_license_id"),
        _foreign_key("merged_into", "evaluation.id", name="fk_evaluation_merged_into"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation")),
    )
    op.create_index(op.f("ix_evaluation_first_seen"), "evaluation", ["first_seen"], unique=False)
    op.create_index("ix_evaluation_started", "evaluation", ["started"], unique=False)
    op.create_index(
        "one_evaluation_a_card",
        "evaluation",
        ["channel", "card_ts"],
        unique=True,
        sqlite_where=sa.text("card_ts IS NOT NULL"),
        postgresql_where=sa.text("card_ts IS NOT NULL"),
    )
    op.create_index(
        "one_evaluation_a_start",
        "evaluation",
        ["license_id", "started", "upgrade_to"],
        unique=True,
        sqlite_where=sa.text("merged_into IS NULL"),
        postgresql_where=sa.text("merged_into IS NULL"),
    )


def _what_a_license_is_known_by() -> None:
    op.create_table(
        "license_alias",
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("app_key", sa.Text(), nullable=False),
        sa.Column("license_id", sa.Integer(), nullable=False),
        _foreign_key("license_id", "license.id", name="fk_license_alias_license_id"),
        sa.PrimaryKeyConstraint("alias", "app_key", name=op.f("pk_license_alias")),
    )
    op.create_index(op.f("ix_license_alias_license_id"), "license_alias", ["license_id"], unique=False)
    op.create_table(
        "seen_row",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("license_id", sa.Integer(), nullable=False),
        _foreign_key("license_id", "license.id", name="fk_seen_row_license_id"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_seen_row")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_seen_row_license_id"), "seen_row", ["license_id"], unique=False)


def _history() -> None:
    op.create_table(
        "history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("evaluation_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        _foreign_key("evaluation_id", "evaluation.id", name="fk_history_evaluation_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
    )
    op.create_index(op.f("ix_history_evaluation_id"), "history", ["evaluation_id"], unique=False)


def _mail() -> None:
    op.create_table(
        "mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("evaluation_id", sa.Integer(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        _foreign_key("evaluation_id", "evaluation.id", name="fk_mail_evaluation_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mail_message_id")),
    )
    op.create_index(op.f("ix_mail_address_key"), "mail", ["address_key"], unique=False)
    op.create_index(
        "one_mail_a_template",
        "mail",
        ["evaluation_id", "template"],
        unique=True,
        sqlite_where=sa.text("state <> 'failed'"),
        postgresql_where=sa.text("state <> 'failed'"),
    )


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("evaluation_id", sa.Integer(), nullable=True),
        sa.Column("history_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ts", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        _foreign_key("evaluation_id", "evaluation.id", name="fk_delivery_evaluation_id"),
        _foreign_key("history_id", "history.id", name="fk_delivery_history_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    op.create_index(op.f("ix_delivery_evaluation_id"), "delivery", ["evaluation_id"], unique=False)
    op.create_index(
        "ix_delivery_waiting",
        "delivery",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('due', 'sending', 'unknown')"),
        postgresql_where=sa.text("state IN ('due', 'sending', 'unknown')"),
    )
    op.create_index(
        "one_note_an_entry",
        "delivery",
        ["history_id"],
        unique=True,
        sqlite_where=sa.text("history_id IS NOT NULL"),
        postgresql_where=sa.text("history_id IS NOT NULL"),
    )
    op.create_index(
        "one_repaint_waits",
        "delivery",
        ["evaluation_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'card' AND state = 'due'"),
        postgresql_where=sa.text("kind = 'card' AND state = 'due'"),
    )
