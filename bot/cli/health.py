"""`evaluator-bot health`: ask the bot that runs on this machine."""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Annotated, Final

import typer

from bot.cli.runner import ENV_FILE
from bot.errors import BotError, SettingsWrong

health = typer.Typer()

_TIMEOUT_S: Final = 10.0
_FAILED: Final = 1
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  the address that answers to it
"""Addresses that a server listens on but nobody calls."""


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

    settings = load_settings(HttpSettings, ENV_FILE.get()).settings
    if settings.http_port == 0:
        raise SettingsWrong(["HTTP_PORT is 0, a free port each time, so nobody knows which. Set it to a number."])
    host = _EVERYWHERE.get(settings.http_host, settings.http_host)
    connection = HTTPConnection(host, settings.http_port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, HTTPException) as exc:
        reason = (isinstance(exc, OSError) and exc.strerror) or type(exc).__name__
        where = f"{settings.http_host}:{settings.http_port}"
        raise BotError(f"No bot answers at HTTP_HOST and HTTP_PORT, {where} ({reason}).") from exc
    finally:
        connection.close()
