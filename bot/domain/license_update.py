"""What one row of the report changes."""

from dataclasses import dataclass
from datetime import date

from bot.domain.announcement import AnnouncementPolicy
from bot.domain.changes import Change, Corrected, Extended, Reopened, Started, compare
from bot.domain.evaluation import License, Trial
from bot.domain.identity import KnownLicense, merge_records


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseUpdate:
    """A record of the report beside what was known, ready to be stored."""

    known: KnownLicense | None
    seen: License
    """Everything known with this record: what it says, and what it leaves out as last given."""
    changes: tuple[Change, ...]
    announced: tuple[Change, ...] = ()
    """The changes that give a trial its card."""

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to write: a change, a detail, a new id, or two licenses that are one."""
        known = self.known
        return known is None or len(known.ids) > 1 or bool(self.changes) or self.seen != known.license


def diff(known: KnownLicense | None, seen: License, announcement: AnnouncementPolicy) -> LicenseUpdate:
    """Return what `seen` adds to `known`, and which of the changes are announced."""
    is_full = seen if known is None else merge_records(known.license, seen)
    changes = tuple(compare(known, seen))
    announced = tuple(
        change
        for change in changes
        if starts_trial(change, today=announcement.today) and announcement.skip_reason(is_full, change.trial) is None
    )
    return LicenseUpdate(known=known, seen=is_full, changes=changes, announced=announced)


def starts_trial(change: Change, *, today: date) -> bool:
    """Return whether a trial now runs that was unknown or over, by the report or by its dates alone."""
    match change:
        case Started() | Reopened():
            return True
        case Extended(before=end) | Corrected(was=Trial(ends=date() as end)):
            return end < today
        case _:
            return False
