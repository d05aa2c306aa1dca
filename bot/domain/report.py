"""The team's reports: what they cover, and how many of the trials were bought."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from bot.domain.departure import LeavingCount, add_up
from bot.domain.evaluation import License, State
from bot.domain.license_types import is_sold
from bot.domain.report_rates import Share

MATURE_AFTER: Final = timedelta(days=14)
"""How long after its end a trial may still be bought, before it counts as not bought."""
_FULL_MONTHS: Final = 11
"""Full months before the present one in a report without `since:`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportScope:
    """What a report covers: trials that started on `since` or later, of all apps or of those with these keys."""

    since: date
    today: date
    app_keys: frozenset[str] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    """The apps' names, by key."""
    counted_at: datetime | None = None
    """When a large report was counted, which is shown again for a while."""

    def covers(self, app_key: str) -> bool:
        """Return whether the report covers an app."""
        return self.app_keys is None or app_key in self.app_keys

    def name(self, app_key: str) -> str:
        """Return the name of an app."""
        return self.names.get(app_key, app_key)


def default_since(today: date) -> date:
    """Return the first day of a report's year: eleven full months and the present one."""
    months = today.year * 12 + today.month - 1 - _FULL_MONTHS
    return date(months // 12, months % 12 + 1, 1)


def is_counted(license_: License) -> bool:
    """Return whether the trials of a license count in reports.

    Atlassian's own, sandboxes, migrations and licenses that nobody pays for do not.
    """
    is_paid = license_.is_evaluation or is_sold(license_.license_type)
    return is_paid and not (license_.atlassian or license_.sandbox or license_.migration)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialGroup:
    """So many trials of one app that are alike in all that a report looks at.

    `started` is the first of their days, all in one month; `ends` the last of theirs, all equally mature.
    """

    app_key: str
    started: date
    ends: date | None
    state: State
    is_counted: bool
    is_upgrade: bool
    number: int

    def is_mature(self, today: date) -> bool:
        """Return whether a purchase is no longer expected: it was bought, or ended `MATURE_AFTER` ago."""
        return self.state is State.CONVERTED or (self.ends is not None and self.ends + MATURE_AFTER <= today)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialGroups:
    """The trials of a report."""

    every: Sequence[TrialGroup]
    contacted: Sequence[TrialGroup]
    """Those whose contact was emailed or spoken to, without those on the vendor's own sites."""
    own: Sequence[TrialGroup]
    """Those on the vendor's own sites."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Trials, counted. Of the mature ones, how many were bought, and how many of these the team had contacted."""

    trials: int = 0
    mature: int = 0
    """Bought, or over for at least `MATURE_AFTER`."""
    bought: int = 0
    contacted: int = 0
    """Of the mature ones."""
    contacted_bought: int = 0
    upgrades: int = 0
    """Mature trials of a higher edition, which are counted apart."""
    upgrades_bought: int = 0
    left_out: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            trials=self.trials + other.trials,
            mature=self.mature + other.mature,
            bought=self.bought + other.bought,
            contacted=self.contacted + other.contacted,
            contacted_bought=self.contacted_bought + other.contacted_bought,
            upgrades=self.upgrades + other.upgrades,
            upgrades_bought=self.upgrades_bought + other.upgrades_bought,
            left_out=self.left_out + other.left_out,
        )

    @property
    def rate(self) -> Share:
        """The trials bought, of those that are mature."""
        return Share(self.bought, self.mature)

    @property
    def young(self) -> int:
        """The trials that are not mature yet."""
        return self.trials - self.mature

    @property
    def when_contacted(self) -> Share:
        """The same rate of the trials whose contact was emailed or spoken to."""
        return Share(self.contacted_bought, self.contacted)

    @property
    def when_not_contacted(self) -> Share:
        """The same rate of the others."""
        return Share(self.bought - self.contacted_bought, self.mature - self.contacted)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionReport:
    """How many trials were bought: in all, by app with the most trials first, by month from its first day on."""

    scope: ReportScope
    total: Counts
    apps: tuple[tuple[str, Counts], ...]
    """By the apps' names."""
    months: tuple[tuple[date, Counts], ...]
    reasons: tuple[tuple[str, int], ...] = ()
    """Why customers left, each reason with its number, the most frequent first."""


def conversion_report(
    scope: ReportScope, groups: TrialGroups, *, left: Iterable[LeavingCount] = ()
) -> ConversionReport:
    """Add up the trials that the scope covers, and the reasons of those who left."""
    apps, months = defaultdict[str, Counts](Counts), defaultdict[date, Counts](Counts)
    for group, counts in _counted(groups, scope.today):
        if scope.covers(group.app_key):
            apps[group.app_key] += counts
            months[group.started.replace(day=1)] += counts
    named = [(scope.name(key), counts) for key, counts in apps.items() if counts.trials]
    return ConversionReport(
        scope=scope,
        total=sum(apps.values(), Counts()),
        apps=tuple(sorted(named, key=lambda app: (-app[1].trials, app[0].casefold()))),
        reasons=add_up(each for each in left if scope.covers(each.app_key)),
        months=tuple((month, months[month]) for month in sorted(months) if months[month].trials),
    )


def _counted(groups: TrialGroups, today: date) -> Iterable[tuple[TrialGroup, Counts]]:
    """Yield what each group adds. Those on the vendor's own sites are taken out again, and counted as left out."""
    for group in groups.every:
        yield group, _counts(group, group.number, today)
    for group in groups.own:
        taken_out = _counts(group, -group.number, today)
        yield group, taken_out + Counts(left_out=group.number)
    for group in groups.contacted:
        if group.is_counted and not group.is_upgrade and group.is_mature(today):
            bought = group.number if group.state is State.CONVERTED else 0
            yield group, Counts(contacted=group.number, contacted_bought=bought)


def _counts(group: TrialGroup, number: int, today: date) -> Counts:
    if not group.is_counted:
        return Counts(left_out=number)
    mature = number if group.is_mature(today) else 0
    bought = number if group.state is State.CONVERTED else 0
    if group.is_upgrade:
        return Counts(upgrades=mature, upgrades_bought=bought)
    return Counts(trials=number, mature=mature, bought=bought)
