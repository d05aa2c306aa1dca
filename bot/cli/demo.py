"""Run the demo from the command line. No other command loads it, or what only it needs."""

import webbrowser
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import typer

from bot.app.clock import utc_now
from bot.app.run import run as run_bot
from bot.cli.arguments import ACTOR, store_of
from bot.cli.runner import forget_proxies, set_up_log
from bot.cli.team import read_team
from bot.config.loader import settings_of
from bot.demo.environment import open_demo
from bot.domain.team_settings import DigestTimes, Reminders, TeamSettings
from bot.domain.working_time import WorkingDuration, WorkingHours

_REMINDERS: Final = Reminders(
    unclaimed=WorkingDuration.read("3m"),
    untouched=WorkingDuration.read("3m"),
    escalated=WorkingDuration.read("6m"),
)
_DIGEST_AFTER: Final = timedelta(seconds=100)
"""How long at least until the digest of the day."""


async def show_demo(port: int, *, open_browser: bool, speed: float, team: Path | None) -> None:
    """Serve the demo until Ctrl-C; the page takes a free port if `port` is in use. Raises TeamFileWrong if the team
    file cannot be used.
    """
    given = None if team is None else read_team(team)
    async with open_demo(port=port, speed=speed) as scene:
        settings = settings_of(**scene.settings)
        forget_proxies()
        set_up_log(json=False, level="warning")
        async with store_of(settings) as store:
            now = utc_now()
            await store.team.change_settings(given or _fast_team(now, settings.timezone), by=ACTOR, at=now)
        if scene.taken is not None:
            typer.echo(f"Port {scene.taken} is already in use, so the page uses a free one.")
        typer.echo(f"Open {scene.url} in a browser. Press Ctrl-C to stop.")
        if open_browser:
            webbrowser.open(scene.url)
        await run_bot(settings)


def _fast_team(now: datetime, zone: ZoneInfo) -> TeamSettings:
    """Return the settings of a team whose day goes by in minutes, so that reminders and a digest come while somebody
    watches.
    """
    digest = (now + _DIGEST_AFTER + timedelta(minutes=1)).astimezone(zone)
    return TeamSettings(
        working_hours=WorkingHours.read("mon-sun 00:00-23:59"),
        digest=DigestTimes(daily=digest.time().replace(second=0, microsecond=0)),
        reminders=_REMINDERS,
    )
