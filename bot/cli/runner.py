"""Run one command with the settings loaded and logging set up."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bot.config.network import PROXY_VARIABLES

if TYPE_CHECKING:
    from bot.config.settings import Loaded, Settings

ENV_FILE: Final[ContextVar[Path | None]] = ContextVar("env_file", default=None)
"""The path that `--env-file` names."""


def read_settings() -> Settings:
    """Return the settings for the running command. Raises SettingsWrong if any must be fixed first."""
    return _loaded().settings


def with_settings(command: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Run the command with the settings. Raises SettingsWrong if any must be fixed first."""
    import structlog

    from bot.log.setup import log_uncaught, set_up_logging

    loaded = _loaded()
    settings = loaded.settings
    set_up_logging(json=settings.log_format == "json", level=settings.log_level, secrets=settings.secrets())
    sys.excepthook = log_uncaught
    for name, meant in loaded.unknown.items():
        structlog.get_logger().warning("unknown_setting", name=name, meant=meant or "see .env.example")
    asyncio.run(command(settings))


def forget_proxies() -> None:
    """Remove the proxies from the environment: the Slack SDK reads them there and ignores NO_PROXY."""
    for name in PROXY_VARIABLES:
        os.environ.pop(name, None)


def _loaded() -> Loaded:
    from bot.config.settings import load_settings

    loaded = load_settings(ENV_FILE.get())
    forget_proxies()
    return loaded
