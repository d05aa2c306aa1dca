"""Run the demo from the command line. No other command loads it, or what only it needs."""

import webbrowser

import typer

from bot.app.run import run as run_bot
from bot.cli.runner import forget_proxies, set_up_log
from bot.config.loader import settings_of
from bot.demo.environment import open_demo


async def show_demo(port: int, *, open_browser: bool, speed: float) -> None:
    """Serve the demo until Ctrl-C; the page takes a free port if `port` is in use."""
    async with open_demo(port=port, speed=speed) as scene:
        settings = settings_of(**scene.settings)
        forget_proxies()
        set_up_log(json=False, level="warning")
        if scene.taken is not None:
            typer.echo(f"Port {scene.taken} is already in use, so the page uses a free one.")
        typer.echo(f"Open {scene.url} in a browser. Press Ctrl-C to stop.")
        if open_browser:
            webbrowser.open(scene.url)
        await run_bot(settings)
