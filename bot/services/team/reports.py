"""The team's reports, counted at the moment they are asked for; large ones at most once in ten minutes."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.command_line import guess
from bot.domain.commands import CommandProblem, Filter, ProblemKind
from bot.domain.report import ConversionReport, ReportScope, conversion_report, default_since
from bot.domain.report_request import ReportKind, ReportRequest
from bot.domain.report_speed import SpeedReport, speed_report
from bot.domain.report_team import TeamReport, team_report
from bot.domain.search_terms import find_apps
from bot.store import Store

Report = ConversionReport | SpeedReport | TeamReport

LARGE: Final = 20_000
"""Trials and emails from which on a report is kept. To count fewer takes no time worth saving."""
KEPT_FOR: Final = timedelta(minutes=10)
_Key = tuple[ReportKind, date, date, frozenset[str] | None]


class TeamReports:
    """Reports on trials that count: not those on the vendor's own sites, nor those that nobody would buy."""

    def __init__(
        self, store: Store, *, own_sites: AbstractSet[str], clock: Callable[[], datetime], zone: ZoneInfo
    ) -> None:
        """`zone` is the team's time zone."""
        self._store = store
        self._own_sites = own_sites
        self._clock = clock
        self._zone = zone
        self._kept: dict[_Key, tuple[datetime, Report]] = {}
        """Large reports, each with when it was counted."""

    async def report(self, request: ReportRequest) -> Report | CommandProblem:
        """Return the report that somebody asks for, or a problem if no app is called so."""
        scope = await self._scope(request)
        if isinstance(scope, CommandProblem):
            return scope
        key, now = (request.kind, scope.since, scope.today, scope.app_keys), self._clock()
        self._kept = {each: kept for each, kept in self._kept.items() if timedelta(0) <= now - kept[0] < KEPT_FOR}
        if (kept := self._kept.get(key)) is not None:
            return kept[1]
        counted = await self._count(request.kind, scope)
        if _size(counted) < LARGE:
            return counted
        self._kept[key] = now, replace(counted, scope=replace(scope, counted_at=now))
        return self._kept[key][1]

    async def _count(self, kind: ReportKind, scope: ReportScope) -> Report:
        store = self._store.reports
        match kind:
            case ReportKind.CONVERSION:
                left = await self._store.departures.reasons(since=scope.since)
                return conversion_report(scope, await store.trials(scope, own_sites=self._own_sites), left=left)
            case ReportKind.SPEED:
                calendar = (await self._store.team.settings()).calendar(self._zone)
                began = datetime.combine(scope.since, time.min, tzinfo=UTC)
                licensed = await self._store.app_signals.delays(since=began)
                return speed_report(scope, await store.responses(scope), calendar, licensed=licensed)
            case ReportKind.TEAM:
                return team_report(scope, await store.works(scope), await store.templates(scope))

    async def _scope(self, request: ReportRequest) -> ReportScope | CommandProblem:
        today, names = self._clock().astimezone(self._zone).date(), await self._store.lists.apps()
        keys = None if request.app is None else find_apps(request.app, names)
        if request.app is not None and not keys:
            valid = tuple(sorted(names.values()))
            return CommandProblem(
                kind=ProblemKind.UNKNOWN_VALUE,
                given=request.app,
                about=Filter.APP,
                valid=valid,
                meant=guess(request.app, valid),
            )
        return ReportScope(since=request.since or default_since(today), today=today, app_keys=keys, names=names)


def _size(report: Report) -> int:
    """Return how many trials and emails were counted."""
    match report:
        case ConversionReport():
            return report.total.trials + report.total.left_out + report.total.upgrades
        case SpeedReport():
            return report.trials
        case TeamReport():
            return sum(work.owned + work.emails for _, work in report.people)
