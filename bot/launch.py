"""Run one command of the command line with the settings read and the log set up."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from bot.config import Settings, load_settings, misspelt
from bot.log import log_uncaught, set_up_logging

log = structlog.get_logger()


def with_settings(command: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Run it to its end. SettingsWrong when there is something to mend first."""
    settings = load_settings()
    set_up_logging(json=settings.log_format == "json", level=settings.log_level, secrets=settings.secrets())
    sys.excepthook = log_uncaught
    for name, meant in misspelt().items():
        log.warning("no_such_setting", name=name, meant=meant or "see .env.example")
    asyncio.run(command(settings))
