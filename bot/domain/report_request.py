"""What a person asks a report for."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class ReportKind(StrEnum):
    """What a report is about."""

    CONVERSION = "conversion"
    SPEED = "speed"
    TEAM = "team"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """A report that somebody asks for. `app` is typed; without `since`, it covers a year."""

    kind: ReportKind = ReportKind.CONVERSION
    app: str | None = None
    since: date | None = None
