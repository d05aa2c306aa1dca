"""Find what is wrong with settings that are well-formed: what only shows when they are used."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.errors import DatabaseUrlWrong, MailSetupWrong, SettingsWrong
from bot.store.engine.connections import verify_url


def database_problems(values: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with DATABASE_URL. The values are keyed by the setting in lower case."""
    try:
        if (url := values.get("database_url")) is not None:
            verify_url(url)
    except DatabaseUrlWrong as exc:
        yield str(exc)


def setup_problems(values: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the database, the signature of emails, their templates and their rules."""
    # A command that only uses the database loads none of this.
    from bot.app.mail import read_signer  # noqa: PLC0415
    from bot.mail.country_rules import load_countries  # noqa: PLC0415
    from bot.mail.outbound.compose import Sender  # noqa: PLC0415

    yield from database_problems(values)
    paths = {name: Path(values[name]) for name in ("dkim_key", "mail_templates", "mail_countries") if name in values}
    try:
        read_signer(values.get("dkim_domain"), values.get("dkim_selector"), paths.get("dkim_key"))
    except MailSetupWrong as exc:
        yield str(exc)
    try:
        _ = Sender(from_address="", postal_address="", privacy_url=values.get("mail_privacy_url")).privacy_page
    except MailSetupWrong as exc:
        yield str(exc)
    if (folder := paths.get("mail_templates")) is not None and not folder.is_dir():
        yield f"MAIL_TEMPLATES cannot be used. {folder} should be a folder with .md files."
    try:
        load_countries(paths.get("mail_countries"))
    except SettingsWrong as exc:
        yield from exc.problems
