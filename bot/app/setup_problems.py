"""Find what is wrong with settings that are well-formed: what only shows when they are used."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import TypeAdapter

from bot.config.settings import WebhookSettings
from bot.errors import DatabaseUrlWrong, MailSetupWrong, SettingsWrong


def database_problems(values: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with DATABASE_URL. The values are keyed by the setting in lower case."""
    url = values.get("database_url")
    if url is None:
        return
    from bot.store.engine.connections import verify_url  # noqa: PLC0415  takes a second, all that it loads included

    try:
        verify_url(url)
    except DatabaseUrlWrong as exc:
        yield str(exc)


def webhook_problems(values: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the addresses of webhooks, by their hosts: a path may be a secret."""
    from bot.domain.webhook_address import host_of, why_not_called  # noqa: PLC0415  as below

    urls = [url.strip() for url in values.get("webhook_urls", "").split(",") if url.strip()]
    is_private_allowed = TypeAdapter(bool).validate_python(values.get("webhook_private", "false"))
    for url in urls:
        if (problem := why_not_called(url, is_private_allowed=is_private_allowed)) is not None:
            yield f"WEBHOOK_URLS cannot be used: {host_of(url)} {problem}."
    if urls and not values.get("webhook_secret"):
        meant = WebhookSettings.model_fields["webhook_secret"].description
        yield f"WEBHOOK_SECRET is missing, which signs what goes to WEBHOOK_URLS. Use {meant}."


def setup_problems(values: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the database, webhooks, the signature of emails, their templates and their rules."""
    # A command that only uses the database loads none of this.
    from bot.app.mail import read_signer  # noqa: PLC0415
    from bot.app.mailbox_settings import imap_problem  # noqa: PLC0415
    from bot.mail.country_rules import load_countries  # noqa: PLC0415
    from bot.mail.outbound.compose import Sender  # noqa: PLC0415

    yield from database_problems(values)
    yield from webhook_problems(values)
    paths = {name: Path(values[name]) for name in ("dkim_key", "mail_templates", "mail_countries") if name in values}
    try:
        read_signer(values.get("dkim_domain"), values.get("dkim_selector"), paths.get("dkim_key"))
    except MailSetupWrong as exc:
        yield str(exc)
    try:
        _ = Sender(from_address="", postal_address="", privacy_url=values.get("mail_privacy_url")).privacy_page
    except MailSetupWrong as exc:
        yield str(exc)
    if (problem := imap_problem(values)) is not None:
        yield problem
    if (folder := paths.get("mail_templates")) is not None and not folder.is_dir():
        yield f"MAIL_TEMPLATES cannot be used. {folder} should be a folder with .md files."
    try:
        load_countries(paths.get("mail_countries"))
    except SettingsWrong as exc:
        yield from exc.problems
