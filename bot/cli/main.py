"""The command line, one function for each command."""

import asyncio
import sys
import webbrowser
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from bot.app.components import open_components, utc_now
from bot.app.run import run as run_bot
from bot.cli.check import check_setup
from bot.cli.database import database
from bot.cli.dnc import dnc, people
from bot.cli.output import format_backfill, format_dry_run
from bot.cli.runner import ENV_FILE, forget_proxies, read_settings, with_settings
from bot.config.settings import DEFAULT_FILE, Settings, settings_of
from bot.errors import (
    TRY_LATER,
    BotError,
    DatabaseUrlWrong,
    MailSetupWrong,
    SecretKeyWrong,
    SettingsMissing,
    SettingsWrong,
)
from bot.log.setup import set_up_logging
from bot.mail.outbound.compose import Sender
from bot.mail.templating.preview import SAMPLE_SENDER, SAMPLE_TITLE, found, preview, sample
from bot.mail.templating.template import load_templates
from bot.store import open_store

cli = typer.Typer(
    name="evaluator-bot",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.add_typer(database, name="db")
cli.add_typer(dnc, name="dnc")
cli.add_typer(people)

_FAILED, _MISUSED, _TRY_LATER = 1, 2, 75
"""Exit codes. The last is EX_TEMPFAIL from sysexits.h, on which a mail server retries its pipe."""


def main() -> None:
    """Run the command line. Known errors end with a message and an exit code: 1 failed, 2 misused, 75 try later."""
    try:
        cli(_env_file_first(sys.argv[1:]))
    except SettingsWrong as exc:
        _complain(exc, f"Fix these settings (environment or {ENV_FILE.get() or DEFAULT_FILE}):")
        sys.exit(_MISUSED)
    except (DatabaseUrlWrong, SecretKeyWrong, MailSetupWrong) as exc:
        _complain(exc)
        sys.exit(_MISUSED)
    except TRY_LATER as exc:
        _complain(exc)
        sys.exit(_TRY_LATER)
    except BotError as exc:
        _complain(exc)
        sys.exit(_FAILED)


@cli.callback()
def options(
    *,
    env_file: Annotated[
        Path | None, typer.Option(help="Read the settings from this file, instead of .env in the working folder.")
    ] = None,
) -> None:
    """Tell your team in Slack who started to evaluate which of your Atlassian Marketplace apps."""
    ENV_FILE.set(env_file)


@cli.command()
def run() -> None:
    """Run the bot until it is told to stop."""
    with_settings(run_bot)


@cli.command()
def demo(
    *,
    port: Annotated[int, typer.Option(help="Where the page is served; a free one is taken if it is in use.")] = 8000,
    open_browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    speed: Annotated[float, typer.Option(min=0.1, help="How many times as fast the evaluators arrive.")] = 1.0,
) -> None:
    """Run the bot against a small Slack, Marketplace and mailbox on this machine, and show them on a page."""
    asyncio.run(_demo(port, open_browser=open_browser, speed=speed))


@cli.command()
def check() -> None:
    """Check every token, scope, channel and server and the database, and say what to fix."""
    with_settings(_check)


@cli.command()
def poll(*, dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would come to.")] = False) -> None:
    """Read the report once and record what is new. The running bot posts the cards."""
    with_settings(_dry_run if dry_run else _poll)


@cli.command()
def backfill(*, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Record the history of the report silently: count it, ask, then record it without a single card.

    After an interruption it continues where it stopped.
    """
    with_settings(partial(_backfill, sure=yes))


@cli.command()
def render(
    template: Annotated[str, typer.Argument(help="The id of a template, like welcome.de, or the path of a file.")],
    *,
    evaluation: Annotated[int | None, typer.Option(help="The number of an evaluation; else a sample is used.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the HTML part to this file.")] = None,
) -> None:
    """Show a mail template as it would be sent."""
    asyncio.run(_render(template, evaluation, html))


async def _demo(port: int, *, open_browser: bool, speed: float) -> None:
    from bot.demo.environment import open_demo  # noqa: PLC0415  a vendor's bot never loads the demo, nor what only it needs

    async with open_demo(port=port, speed=speed) as scene:
        settings = settings_of(**scene.settings)
        forget_proxies()
        set_up_logging(json=False, level="warning")
        if scene.taken is not None:
            typer.echo(f"Port {scene.taken} is in use by another program; the page takes a free one.")
        typer.echo(f"Open {scene.url} in a browser. Ctrl-C ends it all.")
        if open_browser:
            webbrowser.open(scene.url)
        await run_bot(settings)


async def _check(settings: Settings) -> None:
    if not await check_setup(settings):
        raise typer.Exit(_FAILED)


async def _poll(settings: Settings) -> None:
    async with open_components(settings) as components:
        stats = await components.poller.poll()
    typer.echo(
        f"{stats.rows} rows read, {stats.started} evaluations new, {stats.announced} announced, "
        f"{stats.quarantined} unreadable."
    )


async def _dry_run(settings: Settings) -> None:
    async with open_components(settings) as components:
        result = await components.poller.dry_run()
    for line in format_dry_run(result):
        typer.echo(line)


async def _backfill(settings: Settings, *, sure: bool) -> None:
    async with open_components(settings) as components:
        with Progress(TextColumn("Counting: {task.completed:,} rows"), SpinnerColumn()) as bar:
            task = bar.add_task("", total=None)
            result = await components.poller.dry_run_backfill(progress=lambda rows: bar.update(task, completed=rows))
        for line in format_backfill(result):
            typer.echo(line)
        if not sure:
            typer.confirm("Take them in?", abort=True)
        with Progress(TextColumn("Taking in"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as bar:
            task = bar.add_task("", total=result.rows)
            stats = await components.poller.backfill(progress=lambda rows: bar.update(task, completed=rows))
    typer.echo(f"{stats.rows:,} rows read, {stats.started:,} evaluations new, {stats.quarantined:,} rows unreadable.")


async def _render(named: str, evaluation_id: int | None, html: Path | None) -> None:
    settings = _settings_if_complete() if evaluation_id is None else read_settings()
    loaded = load_templates(settings.mail_templates if settings else None)
    template = found(named, loaded)
    if template is None:
        raise typer.BadParameter(f"There is no template {named}; there are {', '.join(sorted(loaded.templates))}.")
    today = utc_now().astimezone(settings.timezone if settings else UTC).date()
    evaluation = sample(today)
    if settings is not None and evaluation_id is not None:
        async with open_store(settings.database_url, secret_keys=settings.secret_key) as store:
            card = await store.evaluations.card(evaluation_id)
        if card is None:
            raise BotError(f"There is no evaluation {evaluation_id}.")
        evaluation = card.evaluation
    title = SAMPLE_TITLE if evaluation_id is None else None
    shown = preview(template, evaluation, sender=_sender(settings), sender_title=title, today=today)
    typer.echo(f"Subject: {shown.subject}\n\n{shown.text}", nl=False)
    if html is not None:
        _write(shown.html, html)


def _write(text: str, target: Path) -> None:
    try:
        target.write_text(text, "utf-8")
    except OSError as exc:
        raise BotError(f"{target} cannot be written: {exc.strerror}.") from exc
    typer.echo(f"The HTML part is in {target}.", err=True)


def _settings_if_complete() -> Settings | None:
    """Return the settings, or None: people who write templates on their own machine need none."""
    try:
        return read_settings()
    except SettingsMissing:
        typer.echo("The settings are incomplete: MAIL_TEMPLATES is not looked at.", err=True)
        return None


def _sender(settings: Settings | None) -> Sender:
    """Return the sender in the settings, or a sample one."""
    if settings is None or settings.mail_from is None or settings.mail_postal_address is None:
        typer.echo("MAIL_FROM and MAIL_POSTAL_ADDRESS are not known: the sender is invented.", err=True)
        return SAMPLE_SENDER
    return Sender(
        from_address=settings.mail_from,
        postal_address=settings.mail_postal_address,
        reply_to=settings.mail_reply_to,
        privacy_url=settings.mail_privacy_url,
    )


def _env_file_first(arguments: list[str]) -> list[str]:
    """Return the arguments with `--env-file PATH` moved before the command, so that it works after it too."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    first: list[str] = []
    rest: list[str] = []
    words = iter(arguments[:end])
    for word in words:
        value = next(words, None) if word == "--env-file" else None
        if value is not None:
            first += [word, value]
        else:
            (first if word.startswith("--env-file=") else rest).append(word)
    return [*first, *rest, *arguments[end:]]


def _complain(error: BotError, head: str = "") -> None:
    for line in (head, str(error)):
        if line:
            typer.echo(line, err=True)
