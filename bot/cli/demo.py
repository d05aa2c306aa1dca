"""Run the demo from the command line. No other command loads it, or what only it needs."""

import webbrowser
from pathlib import Path

import typer

from bot.app.clock import utc_now
from bot.app.run import run as run_bot
from bot.cli.arguments import ACTOR, store_of
from bot.cli.runner import forget_proxies, set_up_log
from bot.cli.team import read_team
from bot.config.loader import settings_of
from bot.demo.environment import open_demo
from bot.domain.team_settings import TeamSettings


async def show_demo(port: int, *, open_browser: bool, speed: float, team: Path | None) -> None:
    """Serve the demo until Ctrl-C; the page takes a free port if `port` is in use. Raises TeamFileWrong if the team
    file cannot be used.
    """
    team_settings = TeamSettings() if team is None else read_team(team)
    async with open_demo(port=port, speed=speed) as scene:
        settings = settings_of(**scene.settings)
        forget_proxies()
        set_up_log(json=False, level="warning")
        async with store_of(settings) as store:
            await store.team.change_settings(team_settings, by=ACTOR, at=utc_now())
        if scene.taken is not None:
            typer.echo(f"Port {scene.taken} is already in use, so the page uses a free one.")
        typer.echo(f"Open {scene.url} in a browser. Press Ctrl-C to stop.")
        if open_browser:
            webbrowser.open(scene.url)
        await run_bot(settings)
