"""The command that a mail pipe calls with bounces and complaints."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bot.app.clock import utc_now
from bot.cli.arguments import MAX_BYTES, read_file, store_of
from bot.cli.runner import with_channel_settings
from bot.errors import BotError, ReportPutOff

if TYPE_CHECKING:
    from bot.config.settings import ChannelSettings

bounces = typer.Typer()

_PUT_OFF: Final = "The report was not processed. The mail server should try again later."


@bounces.command()
def bounce(
    reports: Annotated[
        list[Path] | None, typer.Argument(help="Messages as files; without any, one from standard input.")
    ] = None,
) -> None:
    """Process a bounce or complaint from a mail pipe.

    For example: evaluator-bot bounce < message.eml

    From standard input, it exits with 0, or with 75 on any error, so that the mail server tries again.
    """
    if reports:
        with_channel_settings(partial(_bounce, contents=[read_file(path) for path in reports]))
        return
    if sys.stdin is None:
        raise typer.BadParameter("Standard input is closed. Name a file, or pipe a message in.")
    content = sys.stdin.buffer.read(MAX_BYTES)
    try:
        with_channel_settings(partial(_bounce, contents=[content]))
    except BotError as exc:
        # A mail server that gets any error except "try later" drops the report for good, since it has no sender.
        raise ReportPutOff(f"{exc}\n{_PUT_OFF}") from exc
    except Exception as exc:
        import structlog

        structlog.get_logger().exception("bounce_broke")
        raise ReportPutOff(f"An unexpected error; the log says more.\n{_PUT_OFF}") from exc


async def _bounce(settings: ChannelSettings, *, contents: list[bytes]) -> None:
    from bot.app.mail import build_bounce_handler

    async with store_of(settings, create=False) as store:
        for content in contents:
            typer.echo(await build_bounce_handler(settings, store, clock=utc_now).handle(content))
