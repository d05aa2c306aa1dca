"""Run one command with the settings loaded and logging set up."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Iterable
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from bot.config.loader import Check
    from bot.config.settings import (
        ChannelSettings,
        DatabaseSettings,
        ExportSettings,
        ReportSettings,
        Settings,
        WebhookSettings,
    )

ENV_FILE: Final[ContextVar[Path | None]] = ContextVar("env_file", default=None)
"""The path that `--env-file` names."""

S = TypeVar("S", bound="DatabaseSettings")


def read_settings() -> Settings:
    """Return every setting. Raises SettingsWrong if any must be fixed first."""
    from bot.config.loader import load_settings
    from bot.config.settings import Settings

    return load_settings(Settings, ENV_FILE.get()).settings


def with_settings(
    command: Callable[[Settings], Coroutine[Any, Any, None]],
    *,
    check: Check = lambda _: (),
    keeps_log: bool = False,
) -> None:
    """Run a command that may need every setting. Raises SettingsWrong if any must be fixed first.

    With `keeps_log`, the last lines of its log are also kept beside the database.
    """
    from bot.config.settings import Settings

    _run(Settings, command, check=check, keeps_log=keeps_log)


def with_database_settings(command: Callable[[DatabaseSettings], Coroutine[Any, Any, None]]) -> None:
    """Run a command that needs DATABASE_URL and SECRET_KEY alone. Raises SettingsWrong if they must be fixed first."""
    from bot.app.setup_problems import database_problems
    from bot.config.settings import DatabaseSettings

    _run(DatabaseSettings, command, check=database_problems)


def with_channel_settings(command: Callable[[ChannelSettings], Coroutine[Any, Any, None]]) -> None:
    """Run a command as `with_database_settings` does, with the channel and the admins if they are set."""
    from bot.app.setup_problems import database_problems
    from bot.config.settings import ChannelSettings

    _run(ChannelSettings, command, check=database_problems)


def with_export_settings(command: Callable[[ExportSettings], Coroutine[Any, Any, None]]) -> None:
    """Run a command as `with_database_settings` does, with the rules by country if they are set."""
    from bot.app.setup_problems import database_problems
    from bot.config.settings import ExportSettings

    _run(ExportSettings, command, check=database_problems)


def with_webhook_settings(command: Callable[[WebhookSettings], Coroutine[Any, Any, None]]) -> None:
    """Run a command as `with_channel_settings` does, with the settings of webhooks and the network."""
    from bot.app.setup_problems import database_problems, webhook_problems
    from bot.config.settings import WebhookSettings

    _run(WebhookSettings, command, check=lambda values: [*database_problems(values), *webhook_problems(values)])


def with_report_settings(command: Callable[[ReportSettings], Coroutine[Any, Any, None]]) -> None:
    """Run a command as `with_database_settings` does, with the settings that say which trials count."""
    from bot.app.setup_problems import database_problems
    from bot.config.settings import ReportSettings

    _run(ReportSettings, command, check=database_problems)


def forget_proxies() -> None:
    """Remove the proxies from the environment: the Slack SDK reads them there and ignores NO_PROXY."""
    from bot.config.network import PROXY_VARIABLES

    for name in PROXY_VARIABLES:
        os.environ.pop(name, None)


def set_up_log(*, json: bool, level: str, secrets: Iterable[str] = (), recent: Path | None = None) -> None:
    """Log to standard error, with colors on a terminal, unless NO_COLOR is set. The last lines also go to `recent`."""
    from bot.log.setup import set_up_logging

    colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    set_up_logging(json=json, level=level, colors=colors, secrets=secrets, recent=recent)


def kept_log(settings: DatabaseSettings) -> Path | None:
    """Return where the running bot keeps its last log lines: beside the SQLite file, or None for a server."""
    from bot.store.engine.connections import parsed_url, sqlite_file

    file = sqlite_file(parsed_url(settings.database_url))
    return None if file is None else file.with_name(f"{file.name}.log")


def _run(
    model: type[S], command: Callable[[S], Coroutine[Any, Any, None]], *, check: Check, keeps_log: bool = False
) -> None:
    import asyncio

    import structlog

    from bot.config.loader import load_settings
    from bot.log.setup import log_uncaught

    loaded = load_settings(model, ENV_FILE.get(), check=check)
    forget_proxies()
    settings = loaded.settings
    recent = kept_log(settings) if keeps_log else None
    set_up_log(json=settings.log_format == "json", level=settings.log_level, secrets=settings.secrets(), recent=recent)
    sys.excepthook = log_uncaught
    for name, meant in loaded.unknown.items():
        structlog.get_logger().warning("unknown_setting", name=name, meant=meant or "see .env.example")
    asyncio.run(command(settings))
