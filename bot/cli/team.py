"""Commands about what the team sets about its day."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.app.clock import utc_now
from bot.cli.arguments import ACTOR, MAX_BYTES, read_file, store_of
from bot.cli.runner import with_channel_settings, with_database_settings
from bot.domain.text import counted
from bot.errors import TeamFileWrong

if TYPE_CHECKING:
    from bot.config.settings import ChannelSettings, DatabaseSettings
    from bot.domain.team_settings import TeamSettings

team = typer.Typer(help="What the team sets: working hours, channels, rotation.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="A TOML file, as `team show` prints it; - reads standard input.")]


@team.command()
def show() -> None:
    """Print the team's settings as a TOML file."""
    with_database_settings(_show)


@team.command()
def apply(file: File) -> None:
    """Replace the team's settings by those of a file.

    What the file leaves out returns to its default. If a line is wrong, nothing changes.
    """
    with_channel_settings(partial(_apply, file=file))


async def _show(settings: DatabaseSettings) -> None:
    from bot.exports.team_toml import write_team_toml

    async with store_of(settings) as store:
        found = await store.team.settings()
    typer.echo(write_team_toml(found), nl=False)


def read_team(file: Path) -> TeamSettings:
    """Return the settings in a team file. Raises TeamFileWrong if a line is wrong."""
    from bot.exports.team_toml import read_team_toml

    return read_team_toml(_text(file), today=utc_now().date())


async def _apply(settings: ChannelSettings, *, file: Path) -> None:
    wanted = read_team(file)
    async with store_of(settings) as store:
        changes = await store.team.change_settings(wanted, by=ACTOR, at=utc_now())
        moved = await store.outbox.move(settings.slack_channel)
    for key, change in changes.items():
        typer.echo(f"{key}: {change}")
    typer.echo(f"{counted(len(changes), 'change')}." if changes else "Nothing changed.", err=True)
    if moved:
        typer.echo(f"{counted(moved, 'card')} not posted yet {'goes' if moved == 1 else 'go'} elsewhere.", err=True)


def _text(file: Path) -> str:
    """Return the text of the file. Raises TeamFileWrong if it is not UTF-8."""
    content = sys.stdin.buffer.read(MAX_BYTES) if str(file) == "-" else read_file(file)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        raise TeamFileWrong([f"line {line}: this isn't text in UTF-8."]) from exc
