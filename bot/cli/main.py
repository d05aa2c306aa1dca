"""The command line, one function for each command."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.bounces import bounces
from bot.cli.database import database
from bot.cli.diagnostics import diagnostics
from bot.cli.dnc import dnc
from bot.cli.export import export
from bot.cli.health import health
from bot.cli.privacy import privacy
from bot.cli.report import report
from bot.cli.runner import ENV_FILE, with_settings
from bot.cli.team import team
from bot.cli.webhooks import webhooks
from bot.cli.wrong_values import PlainGroup
from bot.errors import (
    TRY_LATER,
    BotError,
    DatabaseUrlWrong,
    MailSetupWrong,
    SecretKeyWrong,
    SettingsWrong,
    TeamFileWrong,
)

if TYPE_CHECKING:
    from bot.config.settings import Settings

cli = typer.Typer(
    name="evaluator-bot",
    cls=PlainGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text: it takes a quarter of the time, and pipes and screen readers like it
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.add_typer(database, name="db")
cli.add_typer(dnc, name="dnc")
cli.add_typer(team, name="team")
cli.add_typer(webhooks, name="webhook")
cli.add_typer(export)
cli.add_typer(privacy)
cli.add_typer(bounces)
cli.add_typer(health)
cli.add_typer(diagnostics)
cli.add_typer(report)

_FAILED, _MISUSED, _TRY_LATER = 1, 2, 75
"""Exit codes. The last is EX_TEMPFAIL from sysexits.h, on which a mail server retries its pipe."""


def main() -> None:
    """Run the command line. Known errors end with a message and an exit code: 1 failed, 2 misused, 75 try later."""
    try:
        cli(_env_file_first(sys.argv[1:]))
    except SettingsWrong as exc:
        from bot.config.loader import DEFAULT_FILE

        _complain(exc, f"Fix these settings (environment or {ENV_FILE.get() or DEFAULT_FILE}):")
        sys.exit(_MISUSED)
    except (DatabaseUrlWrong, SecretKeyWrong, MailSetupWrong, TeamFileWrong) as exc:
        _complain(exc)
        sys.exit(_MISUSED)
    except TRY_LATER as exc:
        _complain(exc)
        sys.exit(_TRY_LATER)
    except BotError as exc:
        _complain(exc)
        sys.exit(_FAILED)


def _show_version(*, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"Evaluator Bot {version('evaluator-bot')}")
        raise typer.Exit


@cli.callback()
def options(
    *,
    env_file: Annotated[
        Path | None, typer.Option(help="Read the settings from this file, instead of .env in the working folder.")
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Tell your team in Slack who started to evaluate which of your Atlassian Marketplace apps."""
    ENV_FILE.set(env_file)


@cli.command()
def run() -> None:
    """Run the bot until it is told to stop."""
    from bot.app.run import run as run_bot
    from bot.app.setup_problems import setup_problems

    with_settings(run_bot, check=setup_problems, keeps_log=True)


@cli.command()
def demo(
    *,
    port: Annotated[int, typer.Option(help="Where the page is served; a free one is taken if it is in use.")] = 8000,
    open_browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    speed: Annotated[float, typer.Option(min=0.1, help="How many times as fast the evaluators arrive.")] = 1.0,
    team: Annotated[Path | None, typer.Option(help="A team file for the bot, like docs/team.toml.")] = None,
) -> None:
    """Try the bot with a small Slack, Marketplace and mailbox. They run on this machine and are shown on a page."""
    import asyncio

    try:
        from bot.cli.demo import show_demo
    except ModuleNotFoundError as exc:
        if exc.name != "aiosmtpd":
            raise
        raise BotError("The demo needs an extra. Run: pip install 'evaluator-bot[demo]'") from exc

    asyncio.run(show_demo(port, open_browser=open_browser, speed=speed, team=team))


@cli.command()
def check(
    *,
    send: Annotated[
        bool, typer.Option("--send", help="Send an email to the mailbox for replies, too, and wait until it arrives.")
    ] = False,
) -> None:
    """Check every token, scope, server and the database.

    It prints a line for each, and says what to fix.
    """
    with_settings(partial(_check, send=send))


@cli.command()
def poll(*, dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be posted.")] = False) -> None:
    """Read the report once and record what is new. The running bot posts the cards."""
    from bot.app.setup_problems import setup_problems
    from bot.cli import polls

    with_settings(polls.dry_run if dry_run else polls.poll, check=setup_problems)


@cli.command()
def backfill(*, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not count first and ask.")] = False) -> None:
    """Record the history of the report without posting cards.

    It counts the evaluations and asks first. After an interruption it continues where it stopped.
    """
    from bot.app.setup_problems import setup_problems
    from bot.cli import polls

    with_settings(partial(polls.backfill, sure=yes), check=setup_problems)


@cli.command()
def render(
    template: Annotated[str, typer.Argument(help="The id of a template, like welcome.de, or the path of a file.")],
    *,
    evaluation: Annotated[int | None, typer.Option(help="The number of an evaluation; else a sample is used.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the HTML part to this file.")] = None,
) -> None:
    """Show an email template as it would be sent."""
    import asyncio

    from bot.cli import templates

    asyncio.run(templates.render(template, evaluation, html))


async def _check(settings: Settings, *, send: bool = False) -> None:
    from bot.cli.check import check_setup

    if not await check_setup(settings, send=send):
        raise typer.Exit(_FAILED)


def _env_file_first(arguments: list[str]) -> list[str]:
    """Return the arguments with `--env-file PATH` moved before the command, so that it works after it too.

    Without a path, it is all that is returned: typer then asks for one.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    first: list[str] = []
    rest: list[str] = []
    words = iter(arguments[:end])
    for word in words:
        if word != "--env-file":
            (first if word.startswith("--env-file=") else rest).append(word)
        elif (value := next(words, None)) is not None:
            first += [word, value]
        else:
            return [word]
    return [*first, *rest, *arguments[end:]]


def _complain(error: BotError, head: str = "") -> None:
    for line in (head, str(error)):
        if line:
            typer.echo(line, err=True)
