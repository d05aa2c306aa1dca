"""Show an email template on the command line."""

from datetime import UTC
from pathlib import Path

import typer

from bot.app.clock import utc_now
from bot.cli.runner import read_settings
from bot.config.settings import Settings
from bot.errors import BotError, SettingsMissing
from bot.mail.outbound.compose import Sender
from bot.mail.templating.preview import SAMPLE_SENDER, SAMPLE_TITLE, found, preview, sample
from bot.mail.templating.template import load_templates
from bot.store import open_store


async def render(named: str, evaluation_id: int | None, html: Path | None) -> None:
    settings = _settings_if_complete() if evaluation_id is None else read_settings()
    loaded = load_templates(settings.mail_templates if settings else None)
    template = found(named, loaded)
    if template is None:
        raise typer.BadParameter(f"There is no template {named}. Choose one of {', '.join(sorted(loaded.templates))}.")
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
        typer.echo("The settings are incomplete, so MAIL_TEMPLATES is ignored.", err=True)
        return None


def _sender(settings: Settings | None) -> Sender:
    """Return the sender in the settings, or a sample one."""
    if settings is None or settings.mail_from is None or settings.mail_postal_address is None:
        typer.echo("MAIL_FROM or MAIL_POSTAL_ADDRESS is not set, so a sample sender is shown.", err=True)
        return SAMPLE_SENDER
    return Sender(
        from_address=settings.mail_from,
        postal_address=settings.mail_postal_address,
        reply_to=settings.mail_reply_to,
        privacy_url=settings.mail_privacy_url,
    )
