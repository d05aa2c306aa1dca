"""What a person chooses when they export a table: which one, in which format, of what."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class ExportKind(StrEnum):
    """What a table has a row for."""

    EVALUATIONS = "evaluations"
    EMAILS = "emails"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportScope:
    """Which rows are wanted: of trials that started, or of what happened, on this UTC day or later."""

    since: date | None = None
    app_keys: frozenset[str] | None = None


class RecordFormat(StrEnum):
    """How records are written."""

    CSV = "csv"
    JSONL = "jsonl"
