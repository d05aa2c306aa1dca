"""The team's reports, counted at the moment they are asked for."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, time
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


class TeamReports:
    """Reports on trials that count: not those on the vendor's own sites, nor those that nobody would buy."""

    def __init__(self, store: Store, *, own_sites: AbstractSet[str], today: Callable[[], date], zone: ZoneInfo) -> None:
        """`zone` is the team's time zone."""
        self._store = store
        self._own_sites = own_sites
        self._today = today
        self._zone = zone

    async def report(self, request: ReportRequest) -> Report | CommandProblem:
        """Return the report that somebody asks for, or a problem if no app is called so."""
        scope = await self._scope(request)
        if isinstance(scope, CommandProblem):
            return scope
        store = self._store.reports
        match request.kind:
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
        today, names = self._today(), await self._store.lists.apps()
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
