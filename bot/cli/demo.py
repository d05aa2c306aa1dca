"""Run the demo from the command line. No other command loads it, or what only it needs."""

import webbrowser

import typer

from bot.app.run import run as run_bot
from bot.cli.runner import forget_proxies
from bot.config.settings import settings_of
from bot.demo.environment import open_demo
from bot.log.setup import set_up_logging


async def show_demo(port: int, *, open_browser: bool, speed: float) -> None:
    """Serve the demo until Ctrl-C; the page takes a free port if `port` is in use."""
    async with open_demo(port=port, speed=speed) as scene:
        settings = settings_of(**scene.settings)
        forget_proxies()
        set_up_logging(json=False, level="warning")
        if scene.taken is not None:
            typer.echo(f"Port {scene.taken} is in use by another program; the page takes a free one.")
        typer.echo(f"Open {scene.url} in a browser. Ctrl-C ends it all.")
        if open_browser:
            webbrowser.open(scene.url)
        await run_bot(settings)
