"""`evaluator-bot diagnostics`: a file for a bug report."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final

import typer

from bot.cli.private_file import STANDARD_OUTPUT, opened
from bot.cli.runner import ENV_FILE, kept_log, with_database_settings
from bot.errors import BotError, StoreError

if TYPE_CHECKING:
    from bot.config.settings import DatabaseSettings, HttpSettings
    from bot.store.diagnostics import DatabaseFacts

diagnostics = typer.Typer()

_STANDARD_INPUT: Final = Path("-")


@diagnostics.command("diagnostics")
def write_diagnostics(
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A zip file that does not exist yet; - is standard output.")
    ],
    log: Annotated[
        Path | None, typer.Option(help="Take the last log lines from this file, or from standard input for -.")
    ] = None,
) -> None:
    """Write a file for a bug report, with the bot running or stopped.

    It holds versions, which settings are set, figures and log lines, but no name, address, account or secret.
    """
    with_database_settings(partial(_write, target=output, log=log))


async def _write(settings: DatabaseSettings, *, target: Path, log: Path | None) -> None:
    from bot.config.loader import given_texts

    given = given_texts(ENV_FILE.get())
    with opened(target) as file:
        _pack(file, await _files(settings, given, log))
    where = "standard output" if target == STANDARD_OUTPUT else str(target)
    typer.echo(f"Written to {where}. Please look at it before you send it to anybody.", err=True)


async def _files(settings: DatabaseSettings, given: Mapping[str, str], log: Path | None) -> dict[str, str]:
    """Return each file by its name. What cannot be had leaves out no other."""
    from bot.config.settings import Settings
    from bot.services.operations import diagnostics as report

    facts = await _facts(settings)
    if isinstance(facts, BotError):
        typer.echo(f"{facts} The file says nothing about the database.", err=True)
    health, metrics = _running_bot()
    files = {
        "versions.json": _json(report.versions()),
        "settings.json": _json(report.settings(Settings.model_fields, given)),
        "database.json": _json(report.database(facts)),
        "health.json": _json({"bot": "does not answer"} if health is None else report.health(health)),
        "log.txt": "".join(f"{line}\n" for line in _log_lines(settings, given, log)),
    }
    return files if metrics is None else {**files, "metrics.txt": report.metrics(metrics)}


async def _facts(settings: DatabaseSettings) -> DatabaseFacts | BotError:
    from bot.services.operations.diagnostics import CODES
    from bot.store.diagnostics import Diagnostics
    from bot.store.engine.database import Database

    try:
        database = Database(settings.database_url, create=False)
        try:
            return await Diagnostics(database).read(codes=CODES)
        finally:
            await database.close()
    except StoreError as exc:
        return exc


def _running_bot() -> tuple[str | None, str | None]:
    """Return what a bot on this machine says about its health and its metrics, if there is one."""
    from bot.config.loader import load_settings
    from bot.config.settings import HttpSettings

    try:
        settings = load_settings(HttpSettings, ENV_FILE.get()).settings
        health = _answer(settings, "/health")
    except BotError:
        return None, None
    try:
        return health, _answer(settings, "/metrics", port=settings.metrics_port)
    except BotError:
        return health, None


def _answer(settings: HttpSettings, path: str, *, port: int | None = None) -> str | None:
    from bot.cli.running_bot import ask

    status, text = ask(settings, path, port=port)
    return text if status == HTTPStatus.OK else None


def _log_lines(settings: DatabaseSettings, given: Mapping[str, str], log: Path | None) -> list[str]:
    """Return the last log lines, cleaned once more: somebody may have let another program write into that file."""
    from urllib.parse import urlsplit

    from bot.log.recent import MAX_LINES, read_recent
    from bot.log.setup import clean_lines

    lines = sys.stdin.read().splitlines() if log == _STANDARD_INPUT else read_recent(log or kept_log(settings))
    if not lines and log is None:
        typer.echo(
            "There are no log lines beside the database. Add them with --log FILE, or from another program with "
            "--log -: journalctl -u evaluator-bot -o cat -n 500 | evaluator-bot diagnostics --log - …",
            err=True,
        )
    listed = [part.strip() for text in given.values() for part in text.split(",")]
    hosts = [urlsplit(part).hostname or "" for part in listed if "://" in part]
    return clean_lines(lines[-MAX_LINES:], secrets=[*given.values(), *listed, *hosts])


def _pack(file: BinaryIO, files: Mapping[str, str]) -> None:
    from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = ZipInfo(name)
            entry.external_attr = 0o600 << 16
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, text)


def _json(value: Any) -> str:  # noqa: ANN401  what JSON can hold, and times
    import json

    return f"{json.dumps(value, indent=2, default=str)}\n"
