"""`evaluator-bot health`: ask the bot that runs on this machine."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

import typer

from bot.cli.runner import ENV_FILE
from bot.cli.running_bot import ask

health = typer.Typer()

_FAILED: Final = 1


@health.command("health")
def show(
    *,
    live: Annotated[bool, typer.Option("--live", help="Ask only whether the bot has to be restarted.")] = False,
    ready: Annotated[bool, typer.Option("--ready", help="Ask only whether it can take requests.")] = False,
) -> None:
    """Ask the bot that runs on this machine how it is. Exit code 1: it does not answer, or not as asked."""
    path = "/livez" if live else "/readyz" if ready else "/health"
    status, text = _get(path)
    typer.echo(text.rstrip("\n"), err=status != HTTPStatus.OK)
    if status != HTTPStatus.OK:
        raise typer.Exit(_FAILED)


def _get(path: str) -> tuple[int, str]:
    from bot.config.loader import load_settings
    from bot.config.settings import HttpSettings

    return ask(load_settings(HttpSettings, ENV_FILE.get()).settings, path)
