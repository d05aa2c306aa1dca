"""Do-not-contact entries as a CSV table, to write and to read."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from bot.domain.address import unwrap
from bot.domain.dnc import DncEntry, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.errors import FileWrong
from bot.exports.csv_cells import escape_formula, unescape_formula

_HEAD: Final = ("subject", "cause", "note", "at")
_NAMES: Final = {"email": "subject", "e-mail": "subject", "address": "subject", "reason": "cause", "date": "at"}
"""Column names that other tools use."""
_TAKEN: Final = frozenset(reason for reason in DncReason if not reason.is_final and reason is not DncReason.PAUSED)
_MOST_PROBLEMS: Final = 20


def write_csv(entries: Iterable[DncEntry]) -> str:
    """Return the table, with a header, of the entries that a table can hold. Pauses are left out because they end by
    themselves.
    """
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(_HEAD)
    for entry in entries:
        if entry.target is not None and entry.reason is not DncReason.PAUSED and fits(entry):
            row = (str(entry.target), entry.reason.value, entry.note, entry.at.isoformat(timespec="seconds"))
            table.writerow([escape_formula(cell) for cell in row])
    return text.getvalue()


def fits(entry: DncEntry) -> bool:
    """Return whether a table can hold an entry: not for people who were erased, nor for an address that cannot be
    emailed.
    """
    return entry.target is not None and DncTarget.read(str(entry.target)) == entry.target


def read_csv(text: str, *, at: datetime, by: str | None) -> list[tuple[DncTarget, DncEntry]]:
    """Return the entries in a table, with or without a header. FileWrong names every line that cannot be used.

    Without a header the columns are subject, cause, note, at. Empty cells mean `asked`, no note, and now.
    """
    rows = list(_rows(text))
    names = [unwrap(cell).word.lower() for cell in rows[0][1]] if rows else []
    head = [_NAMES.get(name, name) for name in names]
    has_head = "subject" in head
    if has_head and (unknown := [name for name in head if name not in _HEAD]):
        raise FileWrong(f"Line 1: unknown column “{unknown[0][:40]}”; it knows {', '.join(_HEAD)}.")
    names = head if has_head else list(_HEAD)
    found, problems = [], []
    for line, cells in rows[1:] if has_head else rows:
        entry = _entry(dict(zip(names, cells, strict=False)), at=at, by=by)
        if isinstance(entry, str):
            problems.append(f"Line {line}: {entry}")
        else:
            found.append(entry)
    if problems:
        rest = len(problems) - _MOST_PROBLEMS
        more = [f"and {rest} more"] if rest > 0 else []
        raise FileWrong("\n".join([*problems[:_MOST_PROBLEMS], *more]))
    return found


def _rows(text: str) -> Iterable[tuple[int, list[str]]]:
    """Yield the rows that hold something, each with the number of its last line."""
    begin = text.lstrip("\ufeff")
    first = begin.partition("\n")[0]
    table = csv.reader(io.StringIO(begin), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True)
    try:
        for cells in table:
            if any(cell.strip() for cell in cells):
                yield table.line_num, [unescape_formula(cell.strip()) for cell in cells]
    except csv.Error as exc:
        raise FileWrong(f"Line {table.line_num}: this isn't a table with commas ({exc}).") from exc


def _entry(cells: dict[str, str], *, at: datetime, by: str | None) -> tuple[DncTarget, DncEntry] | str:
    """Return the entry, or what is wrong with its line. The line may be personal and is not quoted."""
    target = DncTarget.read(cells.get("subject", ""))
    if target is None:
        return "this isn't an address, domain or site."
    reason = unwrap(cells.get("cause", "")).word.lower() or DncReason.ASKED
    if reason not in _TAKEN:
        return f"the reason should be one of {', '.join(sorted(_TAKEN))}."
    when = _moment(cells["at"]) if cells.get("at") else at
    if when is None:
        return "the time should look like 2026-11-23 or 2026-11-23T12:00:00+00:00."
    return target, DncEntry(
        reason=DncReason(reason), by=by, at=min(when, at), note=cells.get("note", ""), target=target
    )


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
