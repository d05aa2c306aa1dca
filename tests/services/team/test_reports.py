"""A large report is counted once in ten minutes; a small one each time it is asked for."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.domain.report import ConversionReport
from bot.domain.report_request import ReportKind, ReportRequest
from bot.services.team import reports
from bot.services.team.reports import KEPT_FOR, TeamReports
from bot.slack.views.report import report_message
from bot.store import open_store
from tests.builders import NOON, license_
from tests.store.steps import SECRET, report


@pytest.mark.parametrize("large", [1, 20_000])
async def test_a_large_report_is_kept_for_ten_minutes_and_says_when_it_was_counted(
    large: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "LARGE", large)
    now = [NOON]
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/reports.db", secret_keys=[SECRET]) as store:
        asked = TeamReports(store, own_sites=frozenset(), clock=lambda: now[0], zone=ZoneInfo("UTC"))

        async def trials(app: str | None = None) -> tuple[int, bool]:
            found = await asked.report(ReportRequest(kind=ReportKind.CONVERSION, app=app))
            assert isinstance(found, ConversionReport)
            return found.total.trials, "Counted <!date" in str(report_message(found).blocks)

        is_kept = large == 1
        await report(store, license_())
        assert await trials() == (1, is_kept)
        await report(store, license_(aliases=frozenset({"E-2"})))
        now[0] += KEPT_FOR - timedelta(seconds=1)
        assert await trials() == (1 if is_kept else 2, is_kept)
        assert await trials("roadmap") == (2, is_kept)  # another report
        now[0] += timedelta(seconds=1)
        assert await trials() == (2, is_kept)
        now[0] = NOON  # the clock was set back
        await report(store, license_(aliases=frozenset({"E-3"})))
        assert await trials() == (3, is_kept)
