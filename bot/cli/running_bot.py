"""Ask the bot that runs on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bot.errors import BotError, SettingsWrong

if TYPE_CHECKING:
    from bot.config.settings import HttpSettings

_TIMEOUT_S: Final = 10.0
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  the address that answers to it
"""Addresses that a server listens on but nobody calls."""


def ask(settings: HttpSettings, path: str, *, port: int | None = None) -> tuple[int, str]:
    """Return the status and the text at a path, by default on HTTP_PORT. Raises BotError if no bot answers."""
    from http.client import HTTPConnection, HTTPException

    if settings.http_port == 0 and port is None:
        raise SettingsWrong(["HTTP_PORT is 0, a free port each time, so nobody knows which. Set it to a number."])
    host = _EVERYWHERE.get(settings.http_host, settings.http_host)
    connection = HTTPConnection(host, port or settings.http_port, timeout=_TIMEOUT_S)
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
