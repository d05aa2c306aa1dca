"""Records as lines of a CSV table, as RFC 4180 has it, or as lines of JSON. Times are UTC."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any, Final

from bot.domain.export_choices import ExportKind, RecordFormat
from bot.domain.exports import RECORD_OF, ExportedContact, ExportedOwner, MayEmail, Record
from bot.exports.csv_cells import escape_formula

_NESTED: Final[Mapping[str, Sequence[str]]] = {
    "owner": [f"owner_{field.name}" for field in fields(ExportedOwner)],
    "may_email": [f"may_email_{field.name}" for field in fields(MayEmail)],
    "contact": [f"contact_{field.name}" for field in fields(ExportedContact)],
}
"""The columns of a field that has fields of its own."""


def write_head(kind: ExportKind, format_: RecordFormat, *, contacts: bool) -> str:
    """Return what stands before the first record: the names of the columns, in CSV."""
    if format_ is RecordFormat.JSONL:
        return ""
    names = [name for name in _field_names(kind) if contacts or name != "contact"]
    return _table([[column for name in names for column in _NESTED.get(name, [name])]])


def write_records(records: Iterable[Record], format_: RecordFormat, *, contacts: bool) -> str:
    """Return a line for each record; without `contacts`, they leave out the contact."""
    rows = [record_values(record, contacts=contacts) for record in records]
    if format_ is RecordFormat.JSONL:
        return "".join(json.dumps(row, ensure_ascii=False, default=write_time) + "\n" for row in rows)
    return _table([[cell for name, value in row.items() for cell in _cells(name, value)] for row in rows])


def record_values(record: Record, *, contacts: bool) -> dict[str, Any]:
    """Return the values of a record by field; those with fields of their own are mappings."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    if not contacts:
        del values["contact"]
    return {
        name: asdict(value) if isinstance(value, ExportedOwner | MayEmail | ExportedContact) else value
        for name, value in values.items()
    }


def _field_names(kind: ExportKind) -> list[str]:
    return [field.name for field in fields(RECORD_OF[kind])]


def _table(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _cells(name: str, value: Any) -> list[str]:  # noqa: ANN401  of a field of any record
    if name in _NESTED:
        return [_cell(each) for each in (value or dict.fromkeys(_NESTED[name])).values()]
    return [_cell(value)]


def _cell(value: Any) -> str:  # noqa: ANN401  as above
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case tuple():
            return escape_formula(" ".join(value))
        case dict():
            return escape_formula(json.dumps(value, ensure_ascii=False) if value else "")
        case date():
            return write_time(value)
    return escape_formula(str(value))


def write_time(value: date) -> str:
    """Return a day or a time as ISO 8601 writes it."""
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value.isoformat()
