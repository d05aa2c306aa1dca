"""Find evaluations by words, and list those of a person, of nobody, and those that end, among a million."""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from bot.domain.company_words import company_words

revision = "0010"
down_revision = "0009"

_PORTION = 5_000
_BYTEWISE = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
_COMPARED = (
    ("license", "app_key", False),
    ("license", "app_name", False),
    ("license", "site", True),
    ("license", "domain", True),
    ("license_alias", "alias", False),
)
_OPEN = "state = 'running' AND channel IS NOT NULL AND not_for_us_at IS NULL AND merged_into IS NULL"
_LICENSE = sa.table("license", sa.column("id"), sa.column("company"), sa.column("company_key"))
_WORD = sa.table("company_word", sa.column("company_key"), sa.column("word"))


def upgrade() -> None:
    """Compare what is looked up by its beginning byte by byte, add indexes, and store the words of every company."""
    if op.get_bind().dialect.name == "postgresql":
        for table, column, is_nullable in _COMPARED:
            op.alter_column(table, column, type_=postgresql.TEXT(collation="C"), existing_nullable=is_nullable)
    op.create_index("ix_license_app", "license", ["app_key", "id"])
    op.create_index("ix_license_country", "license", ["country"])
    _index_evaluations("ix_evaluation_owner", ["owner", "state", "ends"], "owner IS NOT NULL")
    _index_evaluations("ix_evaluation_unowned", ["ends"], f"owner IS NULL AND {_OPEN}")
    _index_evaluations("ix_evaluation_open", ["ends"], _OPEN)
    op.create_table(
        "company_word",
        sa.Column("company_key", sa.Text(), nullable=False),
        sa.Column("word", _BYTEWISE, nullable=False),
        sa.PrimaryKeyConstraint("company_key", "word", name=op.f("pk_company_word")),
        sqlite_with_rowid=False,
    )
    for companies in _companies():
        _store_words(companies)
    op.create_index("ix_company_word_word", "company_word", ["word", "company_key"])


def _index_evaluations(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "evaluation", columns, sqlite_where=where, postgresql_where=where)


def _companies() -> Iterable[set[tuple[str, str]]]:
    """Yield the companies of all licenses, with their keys, some at a time."""
    last = 0
    while True:
        query = sa.select(_LICENSE).where(_LICENSE.c.id > last).order_by(_LICENSE.c.id).limit(_PORTION)
        rows = op.get_bind().execute(query).all()
        if not rows:
            return
        yield {(row.company_key, row.company) for row in rows if row.company_key is not None}
        last = rows[-1].id


def _store_words(companies: set[tuple[str, str]]) -> None:
    words = {(key, word) for key, company in companies for word in company_words(company)}
    if words:
        insert = sa.text("INSERT INTO company_word (company_key, word) VALUES (:key, :word) ON CONFLICT DO NOTHING")
        op.get_bind().execute(insert, [{"key": key, "word": word} for key, word in sorted(words)])
